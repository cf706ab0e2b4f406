// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreTables
import Testing

@Suite struct TableFileTests {
    private func reader(_ names: String...) throws(GyreError) -> String {
        try TableFile.reader(names.map { TableFile(name: $0, path: "/blobs/it's/\($0)") })
    }

    @Test("the ending of a name tells the format, whatever its case, and a path cannot end the statement")
    func readers() throws {
        #expect(try reader("a.PARQUET", "b.parquet").hasPrefix("read_parquet(['/blobs/it''s/a.PARQUET', "))
        #expect(try reader("a.csv").contains("delim = ','"))
        #expect(try reader("a.tsv").contains("delim = '\t'"))
        for name in ["a.json", "a.jsonl", "a.ndjson"] { #expect(try reader(name).hasPrefix("read_json_auto(")) }
    }

    @Test("files of two formats, or of none, are no table")
    func refused() {
        let mixed = #expect(throws: GyreError.self) { try reader("a.csv", "b.parquet") }
        #expect(mixed?.code == .invalid)
        for name in ["notes.txt", "README"] {
            let error = #expect(throws: GyreError.self) { try reader(name) }
            #expect(error?.code == .unsupported)
        }
    }

    @Test("names and texts are quoted so that they stay one word")
    func quoting() {
        #expect(SQL.name("a\"b") == "\"a\"\"b\"")
        #expect(SQL.text("a'; DROP TABLE t; --") == "'a''; DROP TABLE t; --'")
    }

    @Test("a result survives being written and read, and what is none is told as damage")
    func results() throws {
        let result = TableResult(columns: ["a", "b"], rows: [[1, "x"], [.null, 2.5]])
        #expect(try TableResult(json: result.json) == result)
        #expect(result.objects == [["a": 1, "b": "x"], ["a": .null, "b": 2.5]])
        #expect(result.scalar == 1)
        let error = #expect(throws: GyreError.self) { try TableResult(json: ["columns": 3]) }
        #expect(error?.code == .corrupt)
    }

    @Test("statements run one after another in one workspace, and the last one answers")
    func scripts() async throws {
        let engine = Remembering()
        let result = try await engine.run(["one", "two"])
        #expect(result.rows == [["one"], ["two"]])
        #expect(try await engine.run([]) == TableResult(columns: [], rows: []))
    }

    /// Answers with all statements of its workspace so far.
    private struct Remembering: TableEngine, TableScripts {
        actor Session: TableSession {
            var seen: [[JSONValue]] = []
            func run(_ sql: String, _ values: [JSONValue]) async throws(GyreError) -> TableResult {
                seen.append([.string(sql)])
                return TableResult(columns: ["sql"], rows: seen)
            }
            func scan(_ sql: String, rows: Int) async throws(GyreError) -> any TableScan {
                throw GyreError(.unsupported, "It remembers statements alone.")
            }
            func append(_ columns: [TableColumn], to table: String) async throws(GyreError) {}
        }

        func open() async throws(GyreError) -> any TableSession { Session() }
    }
}
