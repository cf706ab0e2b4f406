// SPDX-License-Identifier: Apache-2.0

package import Glibc
package import GyreBase

/// Files and folders, each call with an error that names what it was about.
package enum Files {
    /// The bytes of a file.
    /// - Throws: `.notFound`.
    package static func read(_ path: String) throws(GyreError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemFailure("Reading", path) }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw systemFailure("Reading", path) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(status.st_size))
        var piece = [UInt8](repeating: 0, count: min(1 << 20, max(4096, Int(status.st_size) + 1)))
        while true {
            let count = unsafe piece.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw systemFailure("Reading", path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece[..<count])
        }
    }

    /// The text of a file.
    /// - Throws: `.notFound`; `.invalid` for what is not UTF-8.
    package static func text(_ path: String) throws(GyreError) -> String {
        guard let text = String(validating: try read(path), as: UTF8.self) else {
            throw GyreError(.invalid, "\"\(path)\" is not valid UTF-8.")
        }
        return text
    }

    /// The text of a file; nil where it is not there.
    /// - Throws: what keeps one that is there from being read.
    package static func textIfThere(_ path: String) throws(GyreError) -> String? {
        do { return try text(path) } catch  where error.code == .notFound { return nil }
    }

    /// Puts bytes into a file at once: whoever looks finds what was there before or all of it.
    package static func replace(_ path: String, with text: String, mode: mode_t = 0o644) throws(GyreError) {
        let temporary = "\(path).\(getpid()).tmp"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw systemFailure("Writing", path) }
        do throws(GyreError) {
            try write(Array(text.utf8), to: descriptor, path)
            guard fsync(descriptor) == 0 else { throw systemFailure("Writing", path) }
        } catch {
            Glibc.close(descriptor)
            unsafe unlink(temporary)
            throw error
        }
        Glibc.close(descriptor)
        guard unsafe rename(temporary, path) == 0 else { throw systemFailure("Writing", path) }
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(GyreError) {
        let failure: GyreError? = unsafe bytes.withUnsafeBytes { buffer in
            do throws(GyreError) {
                try unsafe write(buffer, to: descriptor, path)
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ path: String) throws(GyreError) {
        var written = 0
        while written < bytes.count {
            let count = unsafe Glibc.write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw systemFailure("Writing", path) }
            written += count
        }
    }

    /// Makes a folder and those that it is in.
    package static func makeFolder(_ path: String) throws(GyreError) {
        if unsafe mkdir(path, 0o777) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw systemFailure("Making the folder", path)
        }
        try makeFolder(String(path[..<slash]))
        guard unsafe mkdir(path, 0o777) == 0 || errno == EEXIST else { throw systemFailure("Making the folder", path) }
    }

    /// The names in a folder, sorted; none where it is not there.
    package static func names(_ path: String) -> [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// What is at a path.
    package enum Kind: Sendable {
        /// A file, or a link to one.
        case file
        /// A folder.
        case folder
        /// Something else.
        case other
    }

    /// What is at a path, links followed; nil for nothing.
    package static func kind(_ path: String) -> Kind? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        default: return .other
        }
    }

    /// Makes an open file empty.
    static func truncate(_ descriptor: Int32, _ path: String) throws(GyreError) {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw systemFailure("Writing", path)
        }
    }

    /// Closes an open file.
    static func close(_ descriptor: Int32) { Glibc.close(descriptor) }

    /// The bytes of a file; 0 where it is not there.
    package static func size(_ path: String) -> Int64 {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Whether whoever owns the file may run it.
    package static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & 0o100 != 0
    }

    /// Removes what is at a path, a folder with all in it; nothing there is no error.
    package static func remove(_ path: String) throws(GyreError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            guard unsafe unlink(path) == 0 else { throw systemFailure("Removing", path) }
            return
        }
        for name in names(path) { try remove("\(path)/\(name)") }
        guard unsafe rmdir(path) == 0 else { throw systemFailure("Removing", path) }
    }

    /// Removes folders that are empty, from this one up to, not with, `top`.
    package static func removeEmpty(_ folder: String, below top: String) {
        var folder = folder
        while folder.utf8.count > top.utf8.count, unsafe rmdir(folder) == 0 { folder = Paths.parent(folder) }
    }
}
