// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// A file with rows: where it lies, and the name whose ending tells its format.
package struct TableFile: Sendable, Hashable {
    /// The name that people gave it: `flights_03.parquet`.
    package let name: String
    /// Where its bytes are; blobs have no ending.
    package let path: String

    /// A file.
    package init(name: String, path: String) {
        self.name = name
        self.path = path
    }

    /// A table function that reads all of `files` as one table.
    /// - Throws: `.unsupported` for an ending that is not read; `.invalid` where the endings differ.
    package static func reader(_ files: [TableFile]) throws(GyreError) -> String {
        let endings = Set(files.map { $0.name.split(separator: ".").last.map { String($0).lowercased() } ?? "" })
        guard let ending = endings.first, endings.count == 1 else {
            throw GyreError(
                .invalid, "These files cannot be read as one table.", why: "Their endings differ: \(endings.sorted()).")
        }
        let list = "[" + files.map { SQL.text($0.path) }.joined(separator: ", ") + "]"
        switch ending {
        case "parquet": return "read_parquet(\(list), union_by_name = true)"
        case "csv", "tsv":
            // The delimiter is told, or a ragged file is read as one of a single column.
            let delimiter = ending == "csv" ? "," : "\t"
            return "read_csv(\(list), delim = '\(delimiter)', header = true, union_by_name = true, sample_size = -1)"
        case "json", "jsonl", "ndjson": return "read_json_auto(\(list), union_by_name = true)"
        default:
            throw GyreError(
                .unsupported, "\"\(files.first?.name ?? "")\" cannot be read as a table.",
                why: "Parquet, CSV, TSV and JSON lines are read.")
        }
    }
}

extension BlobStore {
    /// The files of a tree, for reading as a table.
    package func tableFiles(of tree: Tree) async throws(GyreError) -> [TableFile] {
        var files: [TableFile] = []
        for entry in tree.entries {
            files.append(TableFile(name: entry.path.description, path: try await file(entry.blob.digest)))
        }
        return files
    }
}
