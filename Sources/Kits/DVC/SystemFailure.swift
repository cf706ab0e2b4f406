// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import GyreBase

/// What the system said last, as an error that names the file.
func systemFailure(_ doing: String, _ path: String) -> GyreError {
    let number = errno
    let why = unsafe String(cString: strerror(number))
    switch number {
    case ENOENT, ENOTDIR: return GyreError(.notFound, "\(doing) \"\(path)\" failed.", why: why)
    case EACCES, EPERM, EROFS: return GyreError(.denied, "\(doing) \"\(path)\" failed.", why: why)
    case ENOSPC, EDQUOT:
        return GyreError(
            .unavailable, "\(doing) \"\(path)\" failed: the disk is full.", why: why,
            fix: "Free some space and run the command again; what was finished is kept.")
    default: return GyreError(.unavailable, "\(doing) \"\(path)\" failed.", why: why)
    }
}
