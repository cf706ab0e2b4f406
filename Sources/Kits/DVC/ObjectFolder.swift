// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase
internal import Synchronization

/// Objects in a folder, as DVC's cache and its local remotes are: `files/md5/ab/cdef…`, each written once and never changed.
package final class ObjectFolder: Sendable {
    /// The folder that `files/md5` is in.
    package let root: String
    private let counter = Mutex(0)
    /// Which of the 256 folders are known to be there.
    private let made = Mutex([Bool](repeating: false, count: 256))
    private let clonesFail = Mutex(false)
    private let writing: String

    /// The objects below `root`; nothing is made before something is written.
    package init(root: String) {
        self.root = root
        writing = "\(root)/files/md5/.writing"
    }

    /// Where an object is, or would be.
    package func path(_ id: ObjectID) -> String { "\(root)/files/md5/\(id.path)" }

    /// Where an object of DVC 2 is, or would be.
    package func legacyPath(_ id: ObjectID) -> String { "\(root)/\(id.path)" }

    /// Whether the object is there.
    package func contains(_ id: ObjectID) -> Bool { unsafe access(path(id), F_OK) == 0 }

    /// The bytes of a small object.
    /// - Throws: `.notFound`.
    package func read(_ id: ObjectID) throws(GyreError) -> [UInt8] { try Files.read(path(id)) }

    /// Every object that is there.
    package func all() -> [ObjectID] {
        var found: [ObjectID] = []
        for folder in Files.names("\(root)/files/md5") where folder.utf8.count == 2 {
            for name in Files.names("\(root)/files/md5/\(folder)") {
                if let id = ObjectID(folder + name) { found.append(id) }
            }
        }
        return found
    }

    /// Removes an object; gives the bytes that became free.
    package func remove(_ id: ObjectID) throws(GyreError) -> Int64 {
        var status = stat()
        let path = path(id)
        guard unsafe stat(path, &status) == 0 else { return 0 }
        guard unsafe unlink(path) == 0 else { throw systemFailure("Removing", path) }
        return Int64(status.st_size)
    }

    /// Keeps these bytes under their name.
    package func put(_ bytes: [UInt8], as id: ObjectID) throws(GyreError) {
        if contains(id) { return }
        let file = try makeFile()
        do throws(GyreError) { try Files.write(bytes, to: file.descriptor, file.path) } catch {
            close(file.descriptor)
            unsafe unlink(file.path)
            throw error
        }
        close(file.descriptor)
        try settle(file.path, as: id)
    }

    /// A new file to write an object to, which only its owner may read until it is settled.
    package func makeFile() throws(GyreError) -> (descriptor: Int32, path: String) {
        while true {
            let number = counter.withLock { count in
                count += 1
                return count
            }
            let path = "\(writing)/\(getpid())-\(number)"
            let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444)
            if descriptor >= 0 { return (descriptor, path) }
            switch errno {
            case ENOENT: try Files.makeFolder(writing)
            // Another machine's process of this number, or one that was killed, has the name.
            case EEXIST: continue
            default: throw systemFailure("Writing", path)
            }
        }
    }

    /// Gives a written file its name; one that is there already stays.
    package func settle(_ written: String, as id: ObjectID) throws(GyreError) {
        let slot = Int(id.high >> 56)
        if !made.withLock({ $0[slot] }) {
            try Files.makeFolder("\(root)/files/md5/\(id.hex.prefix(2))")
            made.withLock { $0[slot] = true }
        }
        let path = path(id)
        guard unsafe rename(written, path) == 0 else {
            let error = systemFailure("Writing", path)
            unsafe unlink(written)
            throw error
        }
    }

    /// Has everything that was written so far on disk.
    ///
    /// - Throws: `.unavailable` where the disk failed: what was written may be lost.
    package func sync() throws(GyreError) {
        // Where nothing was written yet there is nothing to wait for.
        guard Files.kind(root) != nil else { return }
        guard DiskSync.fileSystem(of: root) else { throw systemFailure("Syncing", root) }
    }

    /// Removes what was being written when a command was killed an hour ago or longer.
    package func sweep(now: Int64) {
        for name in Files.names(writing) {
            var status = stat()
            let path = "\(writing)/\(name)"
            guard unsafe stat(path, &status) == 0, now / 1_000_000_000 - Int64(status.st_mtim.tv_sec) > 3600 else {
                continue
            }
            unsafe unlink(path)
        }
        unsafe rmdir(writing)
    }

    /// Reads a file, says which object it is, and keeps it where `stores`.
    ///
    /// The bytes that are hashed are the bytes that are kept, whatever happens to the file meanwhile. `buffer` is room for one piece.
    /// With `expected` nothing is kept that is another object.
    func absorb(
        _ path: String, sizeBytes: Int64, stores: Bool, buffer: UnsafeMutableRawBufferPointer, expected: ObjectID? = nil
    ) throws(GyreError) -> ObjectID {
        let source = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw systemFailure("Reading", path) }
        defer { close(source) }
        if sizeBytes <= Int64(buffer.count), let count = try unsafe whole(source, path, buffer) {
            var hash = ObjectHash()
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
            unsafe hash.update(bytes)
            let id = hash.finish(isFolder: expected?.isFolder ?? false)
            if let expected, id != expected { return id }
            if stores, !contains(id) {
                let file = try makeFile()
                defer { close(file.descriptor) }
                try unsafe Files.write(bytes, to: file.descriptor, file.path)
                try settle(file.path, as: id)
            }
            return id
        }
        return try unsafe absorbLarge(source, path, stores: stores, buffer: buffer, expected: expected)
    }

    /// The bytes of a file that fits into the buffer; nil where it grew meanwhile.
    private func whole(
        _ source: Int32, _ path: String, _ buffer: UnsafeMutableRawBufferPointer
    ) throws(GyreError) -> Int? {
        var count = 0
        while count < buffer.count {
            let more = unsafe Glibc.read(source, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            if more < 0, errno == EINTR { continue }
            guard more >= 0 else { throw systemFailure("Reading", path) }
            if more == 0 { return count }
            count += more
        }
        lseek(source, 0, SEEK_SET)
        return nil
    }

    private func absorbLarge(
        _ source: Int32, _ path: String, stores: Bool, buffer: UnsafeMutableRawBufferPointer, expected: ObjectID?
    ) throws(GyreError) -> ObjectID {
        let file = stores ? try makeFile() : nil
        defer { if let file { close(file.descriptor) } }
        do throws(GyreError) {
            // A clone shares the file's blocks; it is then the clone that is hashed.
            let isCloned = file.map { clone(source, to: $0.descriptor) } ?? false
            let reader = isCloned ? unsafe open(file?.path ?? "", O_RDONLY | O_CLOEXEC) : source
            defer { if isCloned { close(reader) } }
            var hash = ObjectHash()
            // The kernel copies while the bytes are hashed here.
            let copying =
                isCloned
                ? nil
                : try file.map { file throws(GyreError) in
                    try FileCopy(from: source, path, to: file.descriptor, file.path)
                }
            defer { copying?.wait() }
            while true {
                let count = unsafe Glibc.read(reader, buffer.baseAddress, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw systemFailure("Reading", path) }
                if count == 0 { break }
                let piece = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
                unsafe hash.update(piece)
            }
            try copying?.finish()
            let id = hash.finish(isFolder: expected?.isFolder ?? false)
            guard let file else { return id }
            if contains(id) || (expected.map { $0 != id } ?? false) {
                unsafe unlink(file.path)
            } else {
                try settle(file.path, as: id)
            }
            return id
        } catch {
            if let file { unsafe unlink(file.path) }
            throw error
        }
    }

    /// Lets `target` share the blocks of `source`; false where the file system cannot.
    func clone(_ source: Int32, to target: Int32) -> Bool {
        if clonesFail.withLock({ $0 }) { return false }
        let cloneRequest: UInt = 0x4004_9409  // FICLONE
        if ioctl(target, cloneRequest, source) == 0 { return true }
        clonesFail.withLock { $0 = true }
        return false
    }
}
