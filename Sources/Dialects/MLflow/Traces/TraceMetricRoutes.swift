// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreSearch
internal import GyreTracing

extension MLflowDialect {
    var traceMetricRoutes: [CallRoute] {
        [
            .post("/traces/metrics", .read(.experiment, "experiment_ids"), traceMetrics),
            .post("/traces/calculate-filter-correlation", .read(.experiment, "experiment_ids"), correlation),
        ]
    }

    private func correlation(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let ids = try arguments.texts("experiment_ids").map { id throws(GyreError) in try Self.experimentID(id) }
        let base = try Filter(try arguments.optionalText("base_filter") ?? "")
        let first = try Filter(try arguments.text("filter_string1"))
        let second = try Filter(try arguments.text("filter_string2"))
        let total = try await tracing.store.count(in: ids, [base])
        let firstCount = try await tracing.store.count(in: ids, [base, first])
        let secondCount = try await tracing.store.count(in: ids, [base, second])
        let joint = try await tracing.store.count(in: ids, [base, first, second])
        let information = Tracing.correlation(firstCount, secondCount, joint: joint, total: total)
        var json: JSONValue = [:]
        if let plain = information.plain { json["npmi"] = .double(plain) }
        if let smoothed = information.smoothed { json["npmi_smoothed"] = .double(smoothed) }
        json["filter1_count"] = .int(Int64(firstCount))
        json["filter2_count"] = .int(Int64(secondCount))
        json["joint_count"] = .int(Int64(joint))
        json["total_count"] = .int(Int64(total))
        return json
    }

    private func traceMetrics(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let ids = try arguments.texts("experiment_ids").map { id throws(GyreError) in try Self.experimentID(id) }
        let view = FigureQuery.View(rawValue: try arguments.text("view_type")) ?? .traces
        let metric = try arguments.text("metric_name")
        let offered = FigureQuery.offered.filter { $0.view == view }
        guard let kind = offered.first(where: { $0.metric == metric }) else {
            throw GyreError(
                .invalid, "metric_name must be one of \(Self.list(offered.map(\.metric))), got '\(metric.prefix(80))'")
        }
        let aggregations = try Self.aggregations(arguments, kind.aggregations)
        var query = FigureQuery(experimentIDs: ids, view: view, metric: metric)
        query.dimensions = try arguments.texts("dimensions")
        let unknown = query.dimensions.filter { !kind.dimensions.contains($0) }
        guard unknown.isEmpty else {
            throw GyreError(
                .invalid,
                "Found invalid dimension(s): \(Self.list(unknown)). Supported dimensions: \(Self.list(kind.dimensions))"
            )
        }
        query.startMilliseconds = try arguments.integer("start_time_ms")
        query.endMilliseconds = try arguments.integer("end_time_ms")
        if let interval = try arguments.integer("time_interval_seconds") {
            guard query.startMilliseconds != nil, query.endMilliseconds != nil, interval > 0 else {
                throw GyreError(
                    .invalid, "start_time_ms and end_time_ms are required if time_interval_seconds is set")
            }
            query.intervalSeconds = interval
        }
        query.conditions = try arguments.texts("filters").map { text throws(GyreError) in
            try Self.condition(text, view)
        }
        let limit = Int(try arguments.integer("max_results") ?? 1000)
        return Self.points(query, try await tracing.store.figures(query), aggregations, limit: limit)
    }

    /// One point for each combination of time and dimensions.
    private static func points(
        _ query: FigureQuery, _ rows: [Figure], _ aggregations: [(String, Tracing.Aggregation)], limit: Int
    ) -> JSONValue {
        var groups = Dictionary(grouping: rows) {
            [$0.bucketSeconds.map { String($0 + 1_000_000_000_000) } ?? ""] + $0.dimensions
        }
        if groups.isEmpty, query.dimensions.isEmpty, query.intervalSeconds == nil, aggregations.map(\.1) == [.count] {
            groups[[""]] = []
        }
        let points = groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.prefix(max(0, limit)).map { key, rows in
            var dimensions: JSONValue = [:]
            if let seconds = rows.first?.bucketSeconds {
                let text = Timestamp.text(seconds * 1_000_000).dropLast()
                dimensions["time_bucket"] = .string("\(text)+00:00")
            }
            for (name, value) in zip(query.dimensions, key.dropFirst()) { dimensions[name] = .string(value) }
            let values = rows.map(\.value).sorted()
            var json: JSONValue = ["metric_name": .string(query.metric)]
            if dimensions.object?.isEmpty == false { json["dimensions"] = dimensions }
            json["values"] = .object(JSONObject(aggregations.map { ($0.0, .double($0.1.value(values))) }))
            return json
        }
        return points.isEmpty ? [:] : ["data_points": .array(Array(points))]
    }

    private static func aggregations(
        _ arguments: Arguments, _ supported: [String]
    ) throws(GyreError) -> [(String, Tracing.Aggregation)] {
        let asked = try arguments.objects("aggregations")
        guard !asked.isEmpty else { throw .missingParameter("aggregations") }
        return try asked.map { json throws(GyreError) in
            let name = json["aggregation_type"]?.string ?? json["aggregationType"]?.string ?? ""
            let percentile = (json["percentile_value"] ?? json["percentileValue"])?.double
            guard supported.contains(name) else {
                throw GyreError(
                    .invalid,
                    "Found invalid aggregation_type(s): \(list([name])). Supported aggregation types: \(list(supported))"
                )
            }
            switch name {
            case "COUNT": return (name, .count)
            case "SUM": return (name, .sum)
            case "AVG": return (name, .average)
            case "MIN": return (name, .minimum)
            case "MAX": return (name, .maximum)
            default:
                guard let percentile, (0...100).contains(percentile) else {
                    throw GyreError(.invalid, "A PERCENTILE needs a percentile_value from 0 to 100.")
                }
                return ("P\(percentile)", .percentile(percentile))
            }
        }
    }

    private static func condition(_ text: String, _ view: FigureQuery.View) throws(GyreError) -> FigureQuery.Condition {
        let clauses = try Filter(text).clauses
        guard clauses.count == 1, let clause = clauses.first else {
            throw GyreError(
                .invalid, "Invalid clause(s) in filter string: \(text.prefix(200))",
                fix: "Give one clause for each filter.")
        }
        guard clause.comparison == .equal, case .text(let value) = clause.operand else {
            throw GyreError(
                .invalid, "Invalid comparator: '\(clause.comparison.rawValue)', only '=' operator is supported")
        }
        let columns = [
            "trace": ["status", "tag", "metadata"], "span": ["name", "status", "type"], "assessment": ["name", "type"],
        ]
        guard let entity = clause.key.entity, let offered = columns[entity] else {
            throw GyreError(
                .invalid,
                "Invalid identifier '\(clause.key.name.prefix(80))'. Columns should be specified as 'trace.<key>', 'span.<key>', 'assessment.<key>'."
            )
        }
        if entity == "span", view != .spans {
            throw GyreError(.invalid, "Filtering by span is only supported for SPANS view type, got \(view.rawValue)")
        }
        if entity == "assessment", view != .assessments {
            throw GyreError(
                .invalid, "Filtering by assessment is only supported for ASSESSMENTS view type, got \(view.rawValue)")
        }
        let parts = clause.key.name.split(separator: ".", maxSplits: 1).map(String.init)
        let column = parts.first ?? ""
        guard offered.contains(column) else {
            throw GyreError(
                .invalid,
                "Invalid entity '\(column.prefix(80))' specified for view type '\(entity)'. Valid entities are \(list(offered))"
            )
        }
        let needsKey = column == "tag" || column == "metadata"
        guard needsKey == (parts.count == 2) else {
            throw GyreError(
                .invalid,
                needsKey
                    ? "Filtering by \(column) requires a key, e.g. '\(entity).\(column).<key> = <value>'"
                    : "Filtering by \(column) does not require a key, use '\(entity).\(column)' instead")
        }
        return FigureQuery.Condition(
            entity: entity, column: column, key: parts.count == 2 ? parts[1] : nil, value: value)
    }

    private static func list(_ words: [String]) -> String { "[\(words.map { "'\($0)'" }.joined(separator: ", "))]" }
}
