// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// The object that stands for a folder: its files with theirs, byte for byte as DVC writes it.
package enum Listing {
    /// The bytes for these files, which are sorted and hashed.
    package static func bytes(_ table: FileTable) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(table.bytes.count + table.entries.count * 62 + 2)
        bytes.append(UInt8(ascii: "["))
        for (index, entry) in table.entries.enumerated() {
            if index > 0 { bytes.append(contentsOf: ", ".utf8) }
            bytes.append(contentsOf: "{\"md5\": \"".utf8)
            bytes.append(contentsOf: entry.id.digits)
            bytes.append(contentsOf: "\", \"relpath\": ".utf8)
            PythonText.string(table.path(entry), to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "]"))
        return bytes
    }

    /// The files that a listing names; `name` is said in errors.
    /// - Throws: `.corrupt` for what is no listing, or has a path that leads out of the folder.
    package static func files(_ bytes: [UInt8], name: String) throws(GyreError) -> FileTable {
        func damage(_ why: String) -> GyreError {
            GyreError(
                .corrupt, "The listing \(name) is damaged.", why: why,
                fix: "Remove it from the cache and fetch it again: gyre dvc fetch")
        }
        var table = FileTable()
        var parser = JSONParser(bytes)
        do {
            try parser.expect("[")
            if !parser.consume("]") {
                repeat { try take(&parser, into: &table) } while parser.consume(",")
                try parser.expect("]")
            }
            try parser.end()
        } catch {
            throw damage(error.why ?? error.what)
        }
        table.sort()
        for (one, next) in zip(table.entries, table.entries.dropFirst()) {
            let (path, following) = (table.path(one), table.path(next))
            if path == following
                || (following.starts(with: path) && following[following.startIndex + path.count] == 0x2F)
            {
                throw damage("\"\(table.text(next))\" stands in it twice, or as a file and as a folder.")
            }
        }
        return table
    }

    private static func take(_ parser: inout JSONParser, into table: inout FileTable) throws(GyreError) {
        try parser.expect("{")
        var id: ObjectID?
        var path: String?
        if !parser.consume("}") {
            repeat {
                let name = try parser.string()
                try parser.expect(":")
                switch name {
                case "md5": id = ObjectID(try parser.string())
                case "relpath": path = try parser.string()
                // Other tools add sizes; they are not part of what DVC writes.
                default: _ = try parser.value()
                }
            } while parser.consume(",")
            try parser.expect("}")
        }
        guard let id, !id.isFolder, let path else {
            throw GyreError(.corrupt, "", why: "One of its members has no MD5 or no path.")
        }
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isSafe = parts.allSatisfy { part in
            !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8) && !part.contains(0)
        }
        guard isSafe, path.utf8.count <= Limits.pathBytes else {
            throw GyreError(.corrupt, "", why: "\"\(path.prefix(200))\" is no path inside of a folder.")
        }
        guard table.bytes.count < Int(UInt32.max) - Limits.pathBytes else {
            throw GyreError(.limitExceeded, "", why: "It is too large.")
        }
        table.append(path.utf8, id: id)
    }
}
