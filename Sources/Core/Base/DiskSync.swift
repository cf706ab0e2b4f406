// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Has what was written on disk, all of it at once.
package enum DiskSync {
    private typealias Sync = @convention(c) (Int32) -> Int32
    // SAFETY: glibc's function of this name has this type; Swift's view of glibc leaves it out.
    private static let syncFileSystem: Sync? = unsafe dlsym(nil, "syncfs").map {
        unsafe unsafeBitCast($0, to: Sync.self)
    }

    /// Waits for the file system that a folder is in; false where the disk failed, with the reason in `errno`.
    package static func fileSystem(of folder: String) -> Bool {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        let result = syncFileSystem?(descriptor) ?? fsync(descriptor)
        let reason = errno
        close(descriptor)
        errno = reason
        return result == 0
    }
}
