// SPDX-License-Identifier: Apache-2.0

internal import GRDB
internal import GyreBase
internal import GyreTracing

/// Reads traces: one statement for each kind of data, whatever their number.
enum TraceReader {
    static func row(of id: String, in db: Database) throws -> Int64? {
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT row FROM trace WHERE trace_id = ?"), arguments: [id])
    }

    static func traces(_ ids: [String], in db: Database) throws -> [TraceInfo] {
        let found = try BoundStatement(
            """
            SELECT row, trace_id, experiment_id, request_ms, duration_ms, state, client_request_id, request_preview,
                response_preview FROM trace WHERE trace_id IN (SELECT value FROM json_each(?))
            """, in: db)
        found.bind(JSONValue.strings(ids).text, at: 1)
        var infos: [Int64: TraceInfo] = [:]
        while try found.step() {
            guard let state = TraceInfo.State(rawValue: found.text(5)) else {
                throw GyreError(.corrupt, "A stored trace has the state \"\(found.text(5))\".")
            }
            var info = TraceInfo(
                id: found.text(1), experimentID: found.integer(2), requestMilliseconds: found.integer(3), state: state)
            info.durationMilliseconds = found.isNull(4) ? nil : found.integer(4)
            info.clientRequestID = found.optionalText(6)
            info.requestPreview = found.optionalText(7)
            info.responsePreview = found.optionalText(8)
            infos[found.integer(0)] = info
        }
        found.reset()
        guard !infos.isEmpty else { return [] }
        let rows = JSONValue.array(infos.keys.map { .int($0) }).text
        try readPairs("trace_tag", rows, in: db) { infos[$0]?.tags[$1] = $2 }
        try readPairs("trace_metadata", rows, in: db) { infos[$0]?.metadata[$1] = $2 }
        let assessments = try BoundStatement(
            """
            SELECT trace, body FROM assessment WHERE trace IN (SELECT value FROM json_each(?)) ORDER BY trace, place
            """, in: db)
        assessments.bind(rows, at: 1)
        while try assessments.step() {
            let body = try JSONValue(parsing: assessments.text(1))
            infos[assessments.integer(0)]?.assessments.append(Assessment(json: body))
        }
        assessments.reset()
        var byID: [String: TraceInfo] = [:]
        for info in infos.values { byID[info.id] = info }
        return ids.compactMap { byID.removeValue(forKey: $0) }
    }

    private static func readPairs(
        _ table: String, _ rows: String, in db: Database, _ take: (Int64, String, String) -> Void
    ) throws {
        let statement = try BoundStatement(
            "SELECT trace, key, value FROM \(table) WHERE trace IN (SELECT value FROM json_each(?))", in: db)
        statement.bind(rows, at: 1)
        while try statement.step() { take(statement.integer(0), statement.text(1), statement.text(2)) }
        statement.reset()
    }

    static func summaries(of id: String, in db: Database) throws -> [SpanSummary] {
        let statement = try BoundStatement(
            """
            SELECT span_id, parent_id, start_ns, end_ns, token_usage, cost FROM span
            WHERE trace = (SELECT row FROM trace WHERE trace_id = ?)
            """, in: db)
        statement.bind(id, at: 1)
        var summaries: [SpanSummary] = []
        while try statement.step() {
            summaries.append(
                SpanSummary(
                    id: statement.text(0), parentID: statement.optionalText(1), startNanoseconds: statement.integer(2),
                    endNanoseconds: statement.integer(3),
                    tokenUsage: try statement.optionalText(4).map { try JSONValue(parsing: $0) },
                    cost: try statement.optionalText(5).map { try JSONValue(parsing: $0) }))
        }
        statement.reset()
        return summaries
    }

    static func spans(of id: String, in db: Database) throws -> [Span] {
        let statement = try BoundStatement(
            """
            SELECT content FROM span WHERE trace = (SELECT row FROM trace WHERE trace_id = ?)
            ORDER BY parent_id IS NOT NULL, start_ns, span_id
            """, in: db)
        statement.bind(id, at: 1)
        var spans: [Span] = []
        while try statement.step() { spans.append(try SpanContent.span(statement.text(0))) }
        statement.reset()
        return spans
    }
}
