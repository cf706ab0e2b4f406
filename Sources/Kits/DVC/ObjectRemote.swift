// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A place outside of the repository where objects are kept for others.
package protocol ObjectRemote: Sendable {
    /// What the settings call it.
    var name: String { get }
    /// Which of these objects it does not have.
    func missing(among ids: [ObjectID]) async throws(GyreError) -> [ObjectID]
    /// Takes objects from a cache; `step` is called for each.
    func upload(
        _ ids: [ObjectID], from cache: ObjectFolder, step: @Sendable @escaping () -> Void) async throws(GyreError)
    /// Puts objects into a cache; gives those that are not there. What is not what its name says is refused.
    func download(
        _ ids: [ObjectID], to cache: ObjectFolder, step: @Sendable @escaping () -> Void
    ) async throws(GyreError) -> [ObjectID]
    /// Every object that is there.
    /// - Throws: `.unsupported` where they cannot be listed.
    func all() async throws(GyreError) -> [ObjectID]
    /// Removes an object.
    func remove(_ id: ObjectID) async throws(GyreError)
    /// The files below `runs/`, by their paths there; none where they are not kept.
    func runs() async throws(GyreError) -> [String]
    /// Reads a file below `runs/`.
    func readRun(_ path: String) async throws(GyreError) -> [UInt8]
    /// Writes a file below `runs/`.
    func writeRun(_ path: String, _ bytes: [UInt8]) async throws(GyreError)
}

/// A remote that is a folder: on this disk, or one that is mounted.
package struct LocalRemote: ObjectRemote {
    package let name: String
    private let folder: ObjectFolder

    /// The remote at a path.
    package init(name: String, path: String) {
        self.name = name
        folder = ObjectFolder(root: path)
    }

    package func missing(among ids: [ObjectID]) async throws(GyreError) -> [ObjectID] {
        try await Background.run { () throws(GyreError) in folder.missing(among: ids) }
    }

    package func upload(
        _ ids: [ObjectID], from cache: ObjectFolder, step: @Sendable @escaping () -> Void
    ) async throws(GyreError) {
        try await Background.run { () throws(GyreError) in
            try unsafe Parallel.each(ids.count) { index, buffer throws(GyreError) in
                try unsafe folder.copy(ids[index], from: cache, buffer: buffer)
                step()
            }
            try folder.sync()
        }
    }

    package func download(
        _ ids: [ObjectID], to cache: ObjectFolder, step: @Sendable @escaping () -> Void
    ) async throws(GyreError) -> [ObjectID] {
        try await Background.run { () throws(GyreError) in
            let missing = folder.missing(among: ids)
            let lost = Set(missing)
            let wanted = ids.filter { !lost.contains($0) }
            try unsafe Parallel.each(wanted.count) { index, buffer throws(GyreError) in
                try unsafe cache.copy(wanted[index], from: folder, buffer: buffer)
                step()
            }
            return missing
        }
    }

    package func all() async throws(GyreError) -> [ObjectID] {
        try await Background.run { () throws(GyreError) in folder.all() }
    }

    package func remove(_ id: ObjectID) async throws(GyreError) {
        try await Background.run { () throws(GyreError) in _ = try folder.remove(id) }
    }

    package func runs() async throws(GyreError) -> [String] { RunCache.files(below: folder.root) }

    package func readRun(_ path: String) async throws(GyreError) -> [UInt8] {
        try Files.read("\(folder.root)/runs/\(path)")
    }

    package func writeRun(_ path: String, _ bytes: [UInt8]) async throws(GyreError) {
        let file = "\(folder.root)/runs/\(path)"
        try Files.makeFolder(Paths.parent(file))
        try Files.replace(file, with: String(decoding: bytes, as: UTF8.self))
    }
}

extension ObjectFolder {
    /// Copies an object of another folder into this one, looking whether it is what it is called.
    func copy(_ id: ObjectID, from source: ObjectFolder, buffer: UnsafeMutableRawBufferPointer) throws(GyreError) {
        if contains(id) { return }
        let found = try unsafe absorb(
            source.path(id), sizeBytes: Files.size(source.path(id)), stores: true, buffer: buffer, expected: id)
        guard found == id else { throw ObjectFolder.damaged(id, source.path(id)) }
    }

    /// What is said of an object whose bytes are not those of its name.
    static func damaged(_ id: ObjectID, _ place: String) -> GyreError {
        GyreError(
            .corrupt, "The object \(id.text) is damaged.", why: "The bytes at \(place) have another MD5.",
            fix: "Remove it there, and push it again from a copy that has it.")
    }
}
