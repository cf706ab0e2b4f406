// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase

/// The secret by which commands of whoever may open a home folder are known to its server: it lies in the folder, for its owner alone.
enum LocalToken {
    private static func file(_ home: String) -> String { home + "/local.token" }

    static func write(_ secret: String, home: String) throws(GyreError) {
        // Made with its rights, since others must not read it even for an instant.
        unsafe unlink(file(home))
        let descriptor = unsafe open(file(home), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        let bytes = Array(secret.utf8)
        guard descriptor >= 0, unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw GyreError(
                .unavailable, "The file \(file(home)) cannot be written.", why: unsafe String(cString: strerror(errno)))
        }
        close(descriptor)
    }

    /// The secret of the server that runs on `home`; nil where none asks for one.
    static func read(home: String) -> String? {
        FileManager.default.contents(atPath: file(home)).map { String(decoding: $0, as: UTF8.self) }
    }
}
