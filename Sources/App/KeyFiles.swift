// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase

/// Keys that lie in files of their own, for their owner's eyes alone.
enum KeyFiles {
    /// The 32 bytes in the file at `path`, which is made with new ones where it is not there.
    /// - Throws: `.denied` for a file that others may read.
    static func read(_ path: String, creating: Bool = true) throws(GyreError) -> [UInt8] {
        if !FileManager.default.fileExists(atPath: path), creating {
            let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            let bytes = Surroundings.live.secret()
            guard descriptor >= 0, unsafe write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0
            else {
                throw GyreError(
                    .unavailable, "The key \(path) cannot be written.", why: unsafe String(cString: strerror(errno)))
            }
            close(descriptor)
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw GyreError(.notFound, "The key \(path) cannot be read.")
        }
        let rights = (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int ?? 0
        guard rights & 0o077 == 0 else {
            throw GyreError(
                .denied, "The key \(path) may be read by others than its owner.",
                why: "Its permissions are \(String(rights, radix: 8)).", fix: "chmod 600 \(path)")
        }
        return Array(data)
    }
}
