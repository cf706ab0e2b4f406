// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase
internal import Synchronization

extension Repository {
    /// What a path of the workspace holds; nil for nothing.
    ///
    /// Only files are read that are not as they were when they were hashed last. With `stores` their contents, and the listing of a folder,
    /// are in the cache afterwards: the files first.
    package func measure(
        _ path: String, ignores: IgnoreRules, memory: any FileMemory, stores: Bool
    ) throws(GyreError) -> Measured? {
        guard let kind = Files.kind(path) else { return nil }
        let started = now()
        switch kind {
        case .other: throw GyreError(.invalid, "\"\(shown(path))\" is neither a file nor a folder.")
        case .folder:
            var table = try FolderScan.files(below: path, place: place(path), ignores: ignores)
            let known = try memory.known(path)
            let isSame = known.map { $0.fingerprint == table.fingerprint } ?? false
            if let known, isSame, known.id.isFolder, !stores {
                return Measured(
                    id: known.id, sizeBytes: table.sizeBytes, fileCount: Int64(table.entries.count),
                    isExecutable: false,
                    table: try known.table())
            }
            if let known { table.take(hashesFrom: try known.table()) }
            try hash(&table, below: path + "/", stores: stores)
            let listing = Listing.bytes(table)
            let id = ObjectHash.of(listing, isFolder: true)
            if stores {
                // Whoever sees the listing may rely on the files.
                if !cache.contains(id) {
                    try cache.sync()
                    try cache.put(listing, as: id)
                }
            }
            if !isSame { try memory.keep(path, id, table, now: started) }
            return Measured(
                id: id, sizeBytes: table.sizeBytes, fileCount: Int64(table.entries.count), isExecutable: false,
                table: table)
        case .file:
            var table = try FolderScan.file(path)
            let known = try memory.known(path)
            let isSame = known.map { $0.fingerprint == table.fingerprint } ?? false
            if let known, isSame { table.entries[0].id = known.id }
            try hash(&table, below: path, stores: stores)
            if !isSame { try memory.keep(path, table.entries[0].id, table, now: started) }
            return Measured(
                id: table.entries[0].id, sizeBytes: table.entries[0].sizeBytes, fileCount: nil,
                isExecutable: Files.isExecutable(path), table: table)
        }
    }

    /// Hashes what is not hashed; with `stores` everything that is not in the cache is put there.
    private func hash(_ table: inout FileTable, below prefix: String, stores: Bool) throws(GyreError) {
        var wanted = table.entries.indices.filter { !table.entries[$0].isHashed }
        if stores {
            let known = table.entries.indices.filter { table.entries[$0].isHashed }
            let missing = Set(cache.missing(among: known.map { table.entries[$0].id }))
            if !missing.isEmpty { wanted += known.filter { missing.contains(table.entries[$0].id) } }
        }
        guard !wanted.isEmpty else { return }
        progress.begin(stores ? "Adding" : "Hashing", total: wanted.count)
        defer { progress.end() }
        let (entries, bytes) = (table.entries, table.bytes)
        var ids = [ObjectID](repeating: ObjectID(high: 0, low: 0), count: wanted.count)
        let places = wanted
        var failure: GyreError?
        unsafe ids.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let shared = unsafe SharedPlaces(base: base)
            do throws(GyreError) {
                try unsafe Parallel.each(places.count, step: { progress.step($0) }) { index, buffer throws(GyreError) in
                    let entry = entries[places[index]]
                    let range = Int(entry.start)..<Int(entry.start) + Int(entry.length)
                    let file = prefix + String(decoding: bytes[range], as: UTF8.self)
                    shared[index] = try unsafe cache.absorb(
                        file, sizeBytes: entry.sizeBytes, stores: stores, buffer: buffer)
                }
            } catch { failure = error }
        }
        if let failure { throw failure }
        for (place, id) in zip(places, ids) { table.entries[place].id = id }
    }
}

extension FileTable {
    /// Takes the objects of files that are as they were.
    mutating func take(hashesFrom known: FileTable) {
        var found: [(Int, ObjectID)] = []
        joined(with: known) { mine, theirs in
            guard let mine, let theirs else { return }
            let (entry, old) = (entries[mine], known.entries[theirs])
            if old.isHashed, entry.inode == old.inode, entry.modified == old.modified, entry.sizeBytes == old.sizeBytes
            {
                found.append((mine, old.id))
            }
        }
        for (place, id) in found { entries[place].id = id }
    }
}

extension ObjectFolder {
    /// Which of these objects are not there.
    package func missing(among ids: [ObjectID]) -> [ObjectID] {
        if ids.count < 512 { return ids.filter { !contains($0) } }
        // Reading the names of the folders is cheaper than asking for each object.
        let present = Set(all())
        return ids.filter { !present.contains($0) }
    }
}
