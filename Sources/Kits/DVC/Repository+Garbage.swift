// SPDX-License-Identifier: Apache-2.0

package import GyreBase

extension Repository {
    /// Every object that the workspace and the commits that are meant need, the files of folders among them.
    ///
    /// - Throws: `.conflict` where a listing that is needed is nowhere to be read: what it names could be removed by mistake.
    package func needed(
        _ options: TransferOptions, listing: (ObjectID) async throws(GyreError) -> [UInt8]?
    ) async throws(GyreError) -> Set<ObjectID> {
        var needed: Set<ObjectID> = []
        for item in try wanted(options, index: try index()) {
            needed.insert(item.id)
            guard item.id.isFolder else { continue }
            let bytes = cache.contains(item.id) ? try cache.read(item.id) : try await listing(item.id)
            guard let bytes else {
                throw GyreError(
                    .conflict, "What \"\(item.name)\" holds is not known, so nothing is removed.",
                    why: "Its listing \(item.id.text) is not in the cache.", fix: "gyre dvc fetch, then again.")
            }
            let table = try Listing.files(bytes, name: item.id.text)
            for entry in table.entries { needed.insert(entry.id) }
        }
        return needed
    }

    /// Removes what is not needed from the cache, whose lock the caller has held since it asked what is needed; gives how many objects and bytes went, or would go.
    package func collectGarbage(
        keeping needed: Set<ObjectID>, onlyTold: Bool
    ) throws(GyreError) -> (objects: Int, bytes: Int64) {
        var (objects, bytes): (Int, Int64) = (0, 0)
        // A listing goes before its files, so that none is left that promises what is gone.
        for id in cache.all().filter({ !needed.contains($0) }).sorted(by: { $0.isFolder && !$1.isFolder }) {
            bytes += onlyTold ? Files.size(cache.path(id)) : try cache.remove(id)
            objects += 1
        }
        if !onlyTold { cache.sweep(now: now()) }
        return (objects, bytes)
    }
}
