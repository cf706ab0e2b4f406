// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A manifest of blobs: what a folder held, by path.
package struct Tree: Sendable, Hashable {
    /// The files in the order of their paths.
    package let entries: [Entry]

    /// One file.
    package struct Entry: Sendable, Hashable {
        /// Where it lies below the root of the tree.
        package let path: RelativePath
        /// Its content.
        package let blob: StoredBlob

        /// A file.
        package init(path: RelativePath, blob: StoredBlob) {
            self.path = path
            self.blob = blob
        }
    }

    /// A tree of these files.
    /// - Throws: `.invalid` where one path comes twice or is a folder of another.
    package init(_ entries: [Entry]) throws(GyreError) {
        let sorted = entries.sorted { $0.path < $1.path }
        for (left, right) in zip(sorted, sorted.dropFirst()) where left.path == right.path {
            throw GyreError(.invalid, "The path \"\(left.path)\" comes twice in one tree.")
        }
        self.entries = sorted
    }

    /// The tree that was stored as `json`.
    package init(json: JSONValue) throws(GyreError) {
        guard let items = json.array else {
            throw GyreError(.invalid, "A tree is a list of {path, sha256, size}.", why: "It is \(json.kindName).")
        }
        var entries: [Entry] = []
        for item in items {
            guard let path = item["path"]?.string, let hex = item["sha256"]?.string, let size = item["size"]?.int else {
                throw GyreError(
                    .invalid, "An entry of a tree needs path, sha256 and size.", why: "One is \(item.text.prefix(100))."
                )
            }
            entries.append(
                Entry(path: try RelativePath(path), blob: StoredBlob(digest: try Digest(hex: hex), sizeBytes: size)))
        }
        self.entries = entries
    }

    /// The list of files; its canonical form is what the tree's digest is of.
    package var json: JSONValue {
        .array(
            entries.map {
                [
                    "path": .string($0.path.description), "sha256": .string($0.blob.digest.hex),
                    "size": .int($0.blob.sizeBytes),
                ]
            })
    }

    /// What the tree is named by.
    package var digest: Digest { Digest(of: json.canonicalBytes) }
    /// Bytes of all files.
    package var sizeBytes: Int64 { entries.reduce(0) { $0 + $1.blob.sizeBytes } }
}
