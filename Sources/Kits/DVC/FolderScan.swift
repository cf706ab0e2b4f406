// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase

/// Walks a tracked folder: what DVC counts as its files.
///
/// A link to a file counts as the file it points to, a link to a folder does not count, a broken link is an error. What `.dvcignore` names is
/// passed over.
package struct FolderScan {
    private var table = FileTable()
    private let root: String
    private let ignores: IgnoreRules?
    /// The folder's path below the repository, with a slash at its end; where the rules apply from.
    private let place: String
    /// Whether only the folders of version control are passed over.
    private let isPlain: Bool

    /// `place`: the folder's path below the repository's root.
    private init(root: String, place: String, ignores: IgnoreRules?) {
        self.root = root
        self.place = place.isEmpty ? "" : place + "/"
        self.ignores = ignores?.isTrivial == true ? nil : ignores
        isPlain = self.ignores == nil
    }

    /// The files below `root`, in the order of their paths.
    /// - Throws: `.notFound`; `.invalid` for a broken link, a name that is not UTF-8, a `.dvcignore` inside.
    package static func files(
        below root: String, place: String, ignores: IgnoreRules? = nil
    ) throws(GyreError) -> FileTable {
        var scan = FolderScan(root: root, place: place, ignores: ignores)
        let descriptor = unsafe open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemFailure("Reading the folder", root) }
        try scan.walk(descriptor, [])
        scan.table.sort()
        return scan.table
    }

    /// What is known of one file without reading it, as a table of one entry with an empty path.
    package static func file(_ path: String) throws(GyreError) -> FileTable {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw systemFailure("Reading", path) }
        var table = FileTable()
        table.append([], inode: UInt64(status.st_ino), modified: status.modified, sizeBytes: Int64(status.st_size))
        return table
    }

    private mutating func walk(_ descriptor: Int32, _ prefix: [UInt8]) throws(GyreError) {
        guard let folder = unsafe fdopendir(descriptor) else {
            close(descriptor)
            throw systemFailure("Reading the folder", "\(root)/\(String(decoding: prefix, as: UTF8.self))")
        }
        defer { unsafe closedir(folder) }
        guard prefix.count < Limits.pathBytes else {
            throw GyreError(
                .limitExceeded, "\(root) is nested too deep: a path has more than \(Limits.pathBytes) bytes.")
        }
        var inner: [[UInt8]] = []
        while let entry = unsafe readdir(folder) {
            let length = unsafe strlen(&entry.pointee.d_name.0)
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix(length)) }
            if name == [UInt8(ascii: ".")] || name == [UInt8(ascii: "."), UInt8(ascii: ".")] { continue }
            try take(name, kind: unsafe Int32(entry.pointee.d_type), in: descriptor, prefix, &inner)
        }
        for name in inner {
            let next = unsafe Self.withName(name) {
                unsafe openat(descriptor, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            let path = prefix + name
            guard next >= 0 else {
                throw systemFailure("Reading the folder", "\(root)/\(String(decoding: path, as: UTF8.self))")
            }
            try walk(next, path + [UInt8(ascii: "/")])
        }
    }

    private mutating func take(
        _ name: [UInt8], kind: Int32, in descriptor: Int32, _ prefix: [UInt8], _ inner: inout [[UInt8]]
    ) throws(GyreError) {
        var status = stat()
        if kind == Int32(DT_DIR) {
            if !isIgnored(prefix, name, isFolder: true) { inner.append(name) }
            return
        }
        if isIgnored(prefix, name, isFolder: false) { return }
        let isLink = kind == Int32(DT_LNK)
        let found = unsafe Self.withName(name) {
            unsafe fstatat(descriptor, $0, &status, isLink ? 0 : AT_SYMLINK_NOFOLLOW)
        }
        let path = prefix + name
        guard let text = Self.text(path) else {
            throw GyreError(
                .invalid, "A name below \(root) is not UTF-8: \"\(String(decoding: path, as: UTF8.self))\".",
                why: "DVC cannot write it down.", fix: "Rename the file.")
        }
        if found != 0 {
            if isLink {
                throw GyreError(
                    .invalid, "\"\(root)/\(text)\" is a link to nothing.", fix: "Remove the link, or what it is in.")
            }
            throw systemFailure("Reading", "\(root)/\(text)")
        }
        let type = status.st_mode & S_IFMT
        if type == S_IFDIR {
            if !isLink { inner.append(name) }
            return
        }
        guard type == S_IFREG else {
            throw GyreError(
                .invalid, "\"\(root)/\(text)\" is neither a file nor a folder.", fix: "Move it out of there.")
        }
        if name == Array(".dvcignore".utf8) {
            throw GyreError(
                .invalid, "There is a .dvcignore inside of what is tracked: \"\(root)/\(text)\".",
                fix: "Put the rules into a .dvcignore above it.")
        }
        guard table.bytes.count < Int(UInt32.max) - Limits.pathBytes else {
            throw GyreError(.limitExceeded, "\(root) has too many files for one output.")
        }
        table.append(
            path, inode: UInt64(status.st_ino), modified: status.modified, sizeBytes: Int64(status.st_size))
    }

    /// A name as the system takes it.
    private static func withName(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> Int32) -> Int32 {
        unsafe (name + [0]).withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return -1 }
            return unsafe base.withMemoryRebound(to: CChar.self, capacity: buffer.count) { unsafe body($0) }
        }
    }

    private static let own = [".git", ".hg", ".dvc"].map { Array($0.utf8) }

    private static func text(_ bytes: [UInt8]) -> String? { String(validating: bytes, as: UTF8.self) }

    private func isIgnored(_ prefix: [UInt8], _ name: [UInt8], isFolder: Bool) -> Bool {
        if isPlain { return Self.own.contains(name) && (isFolder || name == Self.own[0]) }
        guard let ignores else { return false }
        return ignores.ignores(place + String(decoding: prefix + name, as: UTF8.self), isFolder: isFolder)
    }
}

extension stat {
    /// When the content was changed, nanoseconds since 1970.
    var modified: Int64 { Int64(st_mtim.tv_sec) * 1_000_000_000 + Int64(st_mtim.tv_nsec) }
}
