// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import GyreBase
internal import Synchronization

/// Puts contents of the cache into the workspace: as clones, links or copies, whatever the settings and the disk allow.
final class Placement: Sendable {
    private let cache: ObjectFolder
    /// Where what is written waits for its name, outside of what is tracked.
    private let waiting: String
    private let count = Mutex(0)
    /// Whether the folder of waiting is on another disk than the workspace.
    private let isElsewhere = Mutex(false)
    private let kinds: [String]
    /// How many of the kinds turned out to be impossible here.
    private let passed = Mutex(0)

    init(repository: Repository, kinds: [String]) {
        cache = repository.cache
        waiting = repository.folder + "/tmp/gyre"
        self.kinds = kinds.isEmpty ? ["copy"] : kinds
    }

    /// Puts an object at a path; what is there stays until all is written.
    /// - Throws: `.notFound` where the cache does not have it.
    func put(_ id: ObjectID, at path: String, isExecutable: Bool, replaces: Bool) throws(GyreError) {
        let source =
            cache.contains(id) || Files.kind(cache.legacyPath(id)) == nil ? cache.path(id) : cache.legacyPath(id)
        let target = temporary(beside: path)
        var number = passed.withLock { $0 }
        while true {
            let kind = number < kinds.count ? kinds[number] : "copy"
            switch kind {
            case "hardlink":
                // An empty file is copied: a link to it would be counted against its links for nothing.
                if unsafe Glibc.link(source, target) == 0 {
                    if isExecutable { unsafe chmod(source, 0o544) }
                    return try settle(target, path, replaces)
                }
            case "symlink":
                if Files.kind(source) != nil, unsafe Glibc.symlink(source, target) == 0 {
                    // A link is as executable as what it leads to.
                    if isExecutable { unsafe chmod(source, 0o544) }
                    return try settle(target, path, replaces)
                }
            case "reflink":
                if try copy(source, target, isExecutable, onlyClone: true) { return try settle(target, path, replaces) }
            default:
                _ = try copy(source, target, isExecutable, onlyClone: false)
                return try settle(target, path, replaces)
            }
            if errno == EEXIST, unsafe unlink(target) == 0 { continue }
            guard cache.contains(id) else { throw missing(id, path) }
            number += 1
            passed.withLock { $0 = max($0, number) }
        }
    }

    /// What is known of a file that was just put there.
    func entry(_ entry: FileTable.Entry, at path: String) throws(GyreError) -> FileTable.Entry {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw systemFailure("Reading", path) }
        var entry = entry
        entry.inode = UInt64(status.st_ino)
        entry.modified = status.modified
        entry.sizeBytes = Int64(status.st_size)
        return entry
    }

    private func temporary(beside path: String) -> String {
        let number = count.withLock { count in
            count += 1
            return count
        }
        return isElsewhere.withLock { $0 }
            ? "\(path).gyre-\(getpid())-\(number)" : "\(waiting)/place-\(getpid())-\(number)"
    }

    private func settle(_ target: String, _ path: String, _ replaces: Bool) throws(GyreError) {
        var status = stat()
        // What is there and was not looked at, since a rule passes it over, is nobody's to replace.
        if !replaces, unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFLNK {
            unsafe unlink(target)
            throw GyreError(
                .conflict, "\"\(path)\" is there, and .dvcignore has it passed over.",
                fix: "Move it away, or change the rule.")
        }
        if unsafe rename(target, path) == 0 {
            // Two names of one file are left as they are by renaming one to the other.
            unsafe unlink(target)
            return
        }
        guard errno == EXDEV, !isElsewhere.withLock({ $0 }) else {
            let error = systemFailure("Writing", path)
            unsafe unlink(target)
            throw error
        }
        isElsewhere.withLock { $0 = true }
        let near = temporary(beside: path)
        try Self.move(target, near)
        try settle(near, path, replaces)
    }

    /// To another disk: the bytes have to go over.
    private static func move(_ target: String, _ near: String) throws(GyreError) {
        defer { unsafe unlink(target) }
        let from = unsafe open(target, O_RDONLY | O_CLOEXEC)
        guard from >= 0 else { throw systemFailure("Reading", target) }
        defer { close(from) }
        var status = stat()
        unsafe fstat(from, &status)
        let into = unsafe open(near, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status.st_mode & 0o777)
        guard into >= 0 else { throw systemFailure("Writing", near) }
        defer { close(into) }
        try pour(from, into, near)
    }

    private func missing(_ id: ObjectID, _ path: String) -> GyreError {
        GyreError(.notFound, "The content of \"\(path)\" is not in the cache (\(id.text)).", fix: "gyre dvc pull")
    }

    private func copy(
        _ source: String, _ target: String, _ isExecutable: Bool, onlyClone: Bool
    ) throws(GyreError) -> Bool {
        let from = unsafe open(source, O_RDONLY | O_CLOEXEC)
        guard from >= 0 else {
            if errno == ENOENT {
                throw GyreError(
                    .notFound, "The content of \"\(target)\" is not in the cache (\(source)).", fix: "gyre dvc pull")
            }
            throw systemFailure("Reading", source)
        }
        defer { close(from) }
        let mode: mode_t = isExecutable ? 0o777 : 0o666
        let into = unsafe open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard into >= 0 else {
            if errno == EEXIST, unsafe unlink(target) == 0 {
                return try copy(source, target, isExecutable, onlyClone: onlyClone)
            }
            throw systemFailure("Writing", target)
        }
        defer { close(into) }
        if cache.clone(from, to: into) { return true }
        if onlyClone {
            unsafe unlink(target)
            errno = EOPNOTSUPP
            return false
        }
        do throws(GyreError) { try Self.pour(from, into, target) } catch {
            unsafe unlink(target)
            throw error
        }
        return true
    }

    /// Copies all bytes inside of the kernel.
    private static func pour(_ from: Int32, _ into: Int32, _ path: String) throws(GyreError) {
        var status = stat()
        guard unsafe fstat(from, &status) == 0 else { throw systemFailure("Reading", path) }
        if status.st_size <= 1 << 16 {
            // For little the two calls that everybody knows are the cheapest.
            let failure: GyreError? = unsafe withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) {
                buffer in
                let count = unsafe read(from, buffer.baseAddress, buffer.count)
                guard count >= 0 else { return systemFailure("Reading", path) }
                do throws(GyreError) {
                    try unsafe Files.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: into, path)
                    return nil
                } catch { return error }
            }
            if let failure { throw failure }
            return
        }
        while true {
            let count = sendfile(into, from, nil, 1 << 30)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw systemFailure("Writing", path) }
            if count == 0 { return }
        }
    }
}
