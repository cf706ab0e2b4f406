// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// What DVC 2 wrote: text was hashed with its line ends made one byte.
enum LegacyHash {
    private static let pieceBytes = 1 << 20

    /// The MD5 of a file as DVC 2 had it.
    static func of(_ bytes: [UInt8]) -> ObjectID {
        var hash = ObjectHash()
        // Whether it is text is decided by its first 512 bytes, piece by piece.
        for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
            let piece = Array(bytes[start..<min(start + pieceBytes, bytes.count)])
            hash.update(isText(piece.prefix(512)) ? unix(piece) : piece)
        }
        return hash.finish()
    }

    private static func isText(_ start: ArraySlice<UInt8>) -> Bool {
        if start.isEmpty { return true }
        if start.contains(0) { return false }
        let others = start.count { byte in
            !(byte >= 0x20 && byte < 0x7F) && !"\n\r\t\u{c}\u{8}".utf8.contains(byte)
        }
        return Double(others) / Double(start.count) <= 0.3
    }

    private static func unix(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\r"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "\n") { continue }
            out.append(byte)
        }
        return out
    }
}

extension Repository {
    /// What DVC 2 would have called what a path holds.
    func legacyID(_ path: String, _ found: Measured) throws(GyreError) -> ObjectID {
        guard found.id.isFolder else { return LegacyHash.of(try Files.read(path)) }
        var table = found.table
        for index in table.entries.indices {
            table.entries[index].id = LegacyHash.of(try Files.read(path + "/" + table.text(table.entries[index])))
        }
        return ObjectHash.of(Listing.bytes(table), isFolder: true)
    }
}
