// SPDX-License-Identifier: Apache-2.0

/// Paths as text, without asking the disk.
package enum Paths {
    /// The folder of a path; `/` for what has none.
    package static func parent(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last name of a path.
    package static func name(_ path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.utf8.index(after: $0)...]) } ?? path
    }

    /// A path from the root, without `.`, `..` and doubled slashes; a relative one starts at `folder`.
    package static func absolute(_ path: String, from folder: String) -> String {
        let whole = path.hasPrefix("/") ? path : folder + "/" + path
        var parts: [Substring] = []
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// A path as seen from a folder, both from the root: `../x`, `a/b`, `.`.
    package static func relative(_ path: String, to folder: String) -> String {
        let (one, other) = (path.split(separator: "/"), folder.split(separator: "/"))
        let common = zip(one, other).prefix { $0.utf8.elementsEqual($1.utf8) }.count
        let parts = [String](repeating: "..", count: other.count - common) + one.dropFirst(common).map(String.init)
        return parts.isEmpty ? "." : parts.joined(separator: "/")
    }

    /// Whether a path is a folder or below it.
    package static func isInside(_ path: String, _ folder: String) -> Bool {
        path.utf8.elementsEqual(folder.utf8) || path.utf8.starts(with: (folder == "/" ? "/" : folder + "/").utf8)
    }
}
