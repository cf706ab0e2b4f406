// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
package import GyreBase
internal import GyreLedger

/// Signed states of a ledger as files of a folder, the number of facts in their names.
package struct CheckpointFolder: Sendable {
    private let path: String

    /// The folder at `path`, which is made with the first file.
    package init(_ path: String) { self.path = path }

    private static func name(_ size: Int64) -> String {
        let digits = String(size)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits + ".note"
    }

    /// Keeps a note; on disk when it returns.
    package func keep(_ note: String, size: Int64) throws(GyreError) {
        let file = "\(path)/\(Self.name(size))"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data(note.utf8).write(to: URL(fileURLWithPath: file + ".new"))
        } catch {
            throw GyreError.wrapping(error, "Writing \(file)")
        }
        for target in [file + ".new", path] {
            let descriptor = unsafe open(target, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0, fsync(descriptor) == 0 else {
                throw GyreError(.unavailable, "The file \(target) cannot be brought to the disk.")
            }
            close(descriptor)
            if target != path, unsafe rename(file + ".new", file) != 0 {
                throw GyreError(.unavailable, "The file \(file) cannot be written.")
            }
        }
    }

    /// The sizes that there are notes of, in their order.
    package func sizes() -> [Int64] {
        // A folder that is not there has none.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(".note") }.compactMap { Int64($0.dropLast(5)) }.sorted()
    }

    /// The note at a size; nil where there is none.
    package func note(_ size: Int64) -> String? {
        FileManager.default.contents(atPath: "\(path)/\(Self.name(size))").map { String(decoding: $0, as: UTF8.self) }
    }
}
