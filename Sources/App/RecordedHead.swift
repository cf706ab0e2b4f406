// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreLedger

/// The end of the chain as it is written down beside the database, so that a tail cut off the database is noticed.
enum RecordedHead {
    static func read(_ path: String) -> Head? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        let parts = String(decoding: data, as: UTF8.self).split(separator: ":")
        // A file that does not read was cut off by a crash and says nothing.
        guard parts.count == 2, let seq = Int64(parts[0]), let hash = try? Digest(hex: String(parts[1])) else {
            return nil
        }
        return Head(seq: seq, hash: hash)
    }

    static func write(_ head: Head, _ path: String) {
        // The next write comes within seconds; until then the file tells of an earlier end, which is true as well.
        try? Data("\(head.seq):\(head.hash.hex)".utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}

/// Lines for people who look at the server's output.
enum StandardError {
    static func write(_ text: String) { FileHandle.standardError.write(Data("gyre: \(text)\n".utf8)) }
}
