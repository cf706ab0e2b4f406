// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Has what was written on disk.
enum DiskSync {
    private typealias Sync = @convention(c) (Int32) -> Int32
    // SAFETY: glibc's function of this name has this type; Swift's view of glibc leaves it out.
    private static let syncFileSystem: Sync? = unsafe dlsym(nil, "syncfs").map {
        unsafe unsafeBitCast($0, to: Sync.self)
    }

    /// All of the file system that an open folder is in.
    static func folder(_ descriptor: Int32) {
        if syncFileSystem?(descriptor) != 0 { fsync(descriptor) }
    }
}
