// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Quoting of what cannot be bound.
package enum SQL {
    /// An identifier in double quotes.
    package static func name(_ text: String) -> String { "\"" + text.replacing("\"", with: "\"\"") + "\"" }

    /// A text in single quotes, for the few places that take no bound value.
    package static func text(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

    /// A table function that reads `paths`, chosen by their ending.
    /// - Throws: `.unsupported` for an ending other than parquet, csv, tsv and json; `.invalid` where the endings differ.
    package static func reader(_ paths: [String]) throws(GyreError) -> String {
        let endings = Set(paths.map { $0.split(separator: ".").last.map { String($0).lowercased() } ?? "" })
        guard let ending = endings.first, endings.count == 1 else {
            throw GyreError(.invalid, "These files cannot be read as one table.", why: "Their endings differ: \(endings.sorted()).")
        }
        let list = "[" + paths.map(text).joined(separator: ", ") + "]"
        switch ending {
        case "parquet": return "read_parquet(\(list), union_by_name = true)"
        case "csv", "tsv": return "read_csv(\(list), union_by_name = true, sample_size = -1)"
        case "json", "jsonl", "ndjson": return "read_json_auto(\(list), union_by_name = true)"
        default:
            throw GyreError(
                .unsupported, "\"\(paths.first ?? "")\" cannot be read as a table.",
                why: "Parquet, CSV, TSV and JSON lines are read.")
        }
    }
}
