// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GRDB
package import GyreBase
package import GyreLedger
package import GyreSearch
package import GyreTracing

/// Traces in SQLite.
package struct SQLiteTraceStore: TraceStore {
    private let database: SQLiteDatabase

    /// Traces in `database`.
    package init(_ database: SQLiteDatabase) { self.database = database }

    // MARK: Writing

    package func change(
        _ ids: [String], _ body: @escaping @Sendable ([String: StoredTrace]) throws(GyreError) -> [TraceChange]
    ) async throws(GyreError) {
        try await database.write("Changing traces") { db, _ in
            var stored: [String: StoredTrace] = [:]
            for info in try TraceReader.traces(ids, in: db) {
                stored[info.id] = StoredTrace(info: info, spans: try TraceReader.summaries(of: info.id, in: db))
            }
            for change in try body(stored) {
                let row = try Self.put(change.info, in: db)
                try Self.put(change.spans, row: row, in: db)
            }
        }
    }

    private static func put(_ info: TraceInfo, in db: Database) throws -> Int64 {
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO trace (trace_id, experiment_id, request_ms, duration_ms, state, client_request_id,
                    request_preview, response_preview) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (trace_id) DO UPDATE SET experiment_id = excluded.experiment_id,
                    request_ms = excluded.request_ms, duration_ms = excluded.duration_ms, state = excluded.state,
                    client_request_id = excluded.client_request_id, request_preview = excluded.request_preview,
                    response_preview = excluded.response_preview
                RETURNING row
                """)
        let row = try Int64.fetchOne(
            statement,
            arguments: [
                info.id, info.experimentID, info.requestMilliseconds, info.durationMilliseconds, info.state.rawValue,
                info.clientRequestID, info.requestPreview, info.responsePreview,
            ])
        guard let row else { throw GyreError(.internal, "The trace \(info.id) was not stored.") }
        for (table, pairs) in [("trace_tag", info.tags), ("trace_metadata", info.metadata)] {
            let insert = try BoundStatement(
                "INSERT OR REPLACE INTO \(table) (trace, key, value) VALUES (?, ?, ?)", in: db)
            for (key, value) in pairs {
                insert.bind(row, at: 1)
                insert.bind(key, at: 2)
                insert.bind(value, at: 3)
                try insert.run()
            }
        }
        var place = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT coalesce(max(place), 0) FROM assessment WHERE trace = ?"), arguments: [row])
        for assessment in info.assessments {
            place = (place ?? 0) + 1
            try put(assessment, row: row, place: place ?? 1, in: db)
        }
        return row
    }

    private static func put(_ spans: [Span], row: Int64, in db: Database) throws {
        guard !spans.isEmpty else { return }
        let insert = try BoundStatement(
            """
            INSERT OR REPLACE INTO span
                (trace, span_id, parent_id, name, type, status, start_ns, end_ns, token_usage, cost, content)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, in: db)
        for span in spans {
            let summary = span.summary
            insert.bind(row, at: 1)
            insert.bind(span.id, at: 2)
            insert.bind(span.parentID, at: 3)
            insert.bind(span.name, at: 4)
            insert.bind(span.type, at: 5)
            insert.bind(span.status.code, at: 6)
            insert.bind(span.startNanoseconds, at: 7)
            insert.bind(span.endNanoseconds, at: 8)
            insert.bind(summary.tokenUsage?.text, at: 9)
            insert.bind(summary.cost?.text, at: 10)
            insert.bind(SpanContent.text(span), at: 11)
            try insert.run()
        }
    }

    private static func put(_ assessment: Assessment, row: Int64, place: Int64, in db: Database) throws {
        let value = assessment.content.value
        let number: Double? =
            switch value {
            case .bool(let flag): flag ? 1 : 0
            case .int, .double: value.double
            case .string("yes"): 1
            case .string("no"): 0
            default: nil
            }
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO assessment
                    (trace, assessment_id, place, name, kind, value, number, is_valid, session, body)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            row, assessment.id, place, assessment.name, assessment.content.kind, SpanContent.spaced(value), number,
            assessment.isValid, assessment.metadata[MetadataKey.session], assessment.json.text,
        ])
    }

    package func delete(
        _ selection: TraceSelection, recording fact: @escaping @Sendable (Int) -> Fact
    ) async throws(GyreError) -> Int {
        let now = database.now()
        return try await database.write("Deleting traces") { db, tail in
            let rows: [Int64] =
                switch selection {
                case .ids(let ids, let experiment):
                    try Int64.fetchAll(
                        db,
                        sql: """
                            SELECT row FROM trace WHERE experiment_id = ?
                            AND trace_id IN (SELECT value FROM json_each(?))
                            """, arguments: [experiment, JSONValue.strings(ids).text])
                case .upTo(let time, let most, let experiment):
                    try Int64.fetchAll(
                        db,
                        sql: """
                            SELECT row FROM trace WHERE experiment_id = ? AND request_ms <= ?
                            ORDER BY request_ms, trace_id LIMIT ?
                            """, arguments: [experiment, time, most ?? -1])
                }
            guard !rows.isEmpty else { return 0 }
            let list = JSONValue.array(rows.map { .int($0) }).text
            for table in ["trace_tag", "trace_metadata", "span", "assessment"] {
                try db.execute(
                    sql: "DELETE FROM \(table) WHERE trace IN (SELECT value FROM json_each(?))", arguments: [list])
            }
            try db.execute(sql: "DELETE FROM trace WHERE row IN (SELECT value FROM json_each(?))", arguments: [list])
            try LedgerSQL.append(fact(rows.count), at: now, in: db, tail: &tail)
            return rows.count
        }
    }

    package func deleteTag(_ key: String, of id: String) async throws(GyreError) {
        try await database.write("Deleting a tag of the trace \(id)") { db, _ in
            try db.execute(
                sql: "DELETE FROM trace_tag WHERE key = ? AND trace = (SELECT row FROM trace WHERE trace_id = ?)",
                arguments: [key, id])
            if db.changesCount == 0 {
                throw GyreError(.notFound, "No trace tag with key '\(key)' for trace with ID '\(id)'")
            }
        }
    }

    package func link(_ ids: [String], toRun run: String) async throws(GyreError) {
        try await database.write("Linking traces to the run \(run)") { db, _ in
            for id in ids {
                try db.execute(
                    sql: "INSERT OR IGNORE INTO trace_run (run_id, trace_id) VALUES (?, ?)", arguments: [run, id])
            }
        }
    }

    package func link(_ id: String, toPrompts prompts: [String]) async throws(GyreError) {
        try await database.write("Linking prompts to the trace \(id)") { db, _ in
            for prompt in prompts {
                try db.execute(
                    sql: "INSERT OR IGNORE INTO trace_prompt (prompt, trace_id) VALUES (?, ?)", arguments: [prompt, id])
            }
        }
    }

    package func changeAssessments(
        of id: String,
        _ body: @escaping @Sendable ([Assessment]) throws(GyreError) -> (assessments: [Assessment], fact: Fact?)
    ) async throws(GyreError) {
        let now = database.now()
        try await database.write("Changing the assessments of the trace \(id)") { db, tail in
            guard let row = try TraceReader.row(of: id, in: db) else {
                throw GyreError(.notFound, "Trace with ID '\(id.prefix(80))' not found.")
            }
            let stored = try TraceReader.traces([id], in: db).first?.assessments ?? []
            let (assessments, fact) = try body(stored)
            guard let fact else { return }
            try db.execute(sql: "DELETE FROM assessment WHERE trace = ?", arguments: [row])
            for (place, assessment) in assessments.enumerated() {
                try Self.put(assessment, row: row, place: Int64(place), in: db)
            }
            try LedgerSQL.append(fact, at: now, in: db, tail: &tail)
        }
    }

    // MARK: Reading

    package func traces(_ ids: [String]) async throws(GyreError) -> [TraceInfo] {
        try await database.read("Reading traces") { try TraceReader.traces(ids, in: $0) }
    }

    package func spans(of id: String) async throws(GyreError) -> [Span] {
        try await database.read("Reading the spans of \(id)") { try TraceReader.spans(of: id, in: $0) }
    }

    package func spanCount(of id: String) async throws(GyreError) -> Int {
        try await database.read("Counting the spans of \(id)") { db in
            try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM span WHERE trace = (SELECT row FROM trace WHERE trace_id = ?)",
                arguments: [id]) ?? 0
        }
    }

    package func search(_ query: TraceQuery) async throws(GyreError) -> TracePage {
        guard !query.experimentIDs.isEmpty else { return TracePage(ids: [], next: nil) }
        let search = try TraceSearchSQL(query)
        return try await database.read("Searching traces") { db in
            var ids: [String] = []
            var last: [JSONValue]?
            let cursor = try Row.fetchCursor(db, sql: search.sql, arguments: search.arguments)
            while let row = try cursor.next() {
                ids.append(row[0])
                if ids.count == query.limit { last = search.keyset.values(row, from: 1) }
            }
            guard ids.count > query.limit else { return TracePage(ids: ids, next: nil) }
            return TracePage(ids: Array(ids.prefix(query.limit)), next: last)
        }
    }

    package func count(in experimentIDs: [Int64], _ filters: [Filter]) async throws(GyreError) -> Int {
        guard !experimentIDs.isEmpty else { return 0 }
        let (condition, arguments) = try TraceSearchSQL.condition(experimentIDs, filters)
        return try await database.read("Counting traces") { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM trace t WHERE \(condition)", arguments: arguments) ?? 0
        }
    }

    package func figures(_ query: FigureQuery) async throws(GyreError) -> [Figure] {
        guard !query.experimentIDs.isEmpty else { return [] }
        let figure = FigureSQL(query)
        return try await database.read("Reading figures of traces") { db in
            try Row.fetchAll(db, sql: figure.sql, arguments: figure.arguments).map { row in
                Figure(
                    bucketSeconds: row[0], dimensions: (0..<query.dimensions.count).map { row[2 + $0] }, value: row[1])
            }
        }
    }
}
