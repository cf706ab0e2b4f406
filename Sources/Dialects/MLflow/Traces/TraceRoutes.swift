// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreSearch
internal import GyreTracing

extension MLflowDialect {
    var traceRoutes: [CallRoute] {
        [
            .post("/traces", .write, startTrace),
            .post("/traces/search", .read, searchTraces),
            .get("/traces/get", .read(.trace, "trace_id"), getTrace),
            .get("/traces/batchGet", .read(.trace, "trace_ids"), batchGet),
            .post("/traces/batchGetInfos", .read(.trace, "trace_ids"), batchGetInfos),
            .post("/traces/delete-traces", .write(.experiment, "experiment_id"), deleteTraces),
            .patch("/traces/{trace_id}/tags", .write(.trace, "trace_id"), setTraceTag),
            .delete("/traces/{trace_id}/tags", .write(.trace, "trace_id"), deleteTraceTag),
            .get("/traces/{trace_id}", .read(.trace, "trace_id"), getTraceInfo),
        ]
    }

    private func getTraceInfo(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let info = try await tracing.trace(try arguments.text("trace_id"))
        return ["trace": ["trace_info": TraceMessages.info(info)]]
    }

    // MARK: Writing

    private func startTrace(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        guard let trace = arguments["trace"], !trace.isNull else { throw .missingParameter("trace") }
        guard let told = trace["trace_info"] ?? trace["traceInfo"] else { throw .missingParameter("trace.trace_info") }
        let info = try await tracing.start(try TraceRequests.info(told, now: tracing.now))
        return ["trace": ["trace_info": TraceMessages.info(info)]]
    }

    func setTraceTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let key = try arguments.text("key")
        try await tracing.setTag(
            key, try arguments.optionalText("value") ?? "", of: try Self.traceID(arguments))
        return [:]
    }

    func deleteTraceTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await tracing.deleteTag(try arguments.text("key"), of: try Self.traceID(arguments))
        return [:]
    }

    func deleteTraces(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let experiment = try Self.experimentID(try arguments.text("experiment_id"))
        let ids = try arguments.texts("request_ids")
        let upTo = try arguments.integer("max_timestamp_millis")
        let most = try arguments.integer("max_traces")
        let selection: TraceSelection
        switch (upTo, ids.isEmpty) {
        case (nil, true):
            throw GyreError(.invalid, "Either `max_timestamp_millis` or `trace_ids` must be specified.")
        case (.some, false):
            throw GyreError(.invalid, "Only one of `max_timestamp_millis` and `trace_ids` can be specified.")
        case (nil, false):
            guard most == nil else {
                throw GyreError(.invalid, "`max_traces` can't be specified if `trace_ids` is specified.")
            }
            selection = .ids(ids, experimentID: experiment)
        case (let time?, true):
            if let most, most <= 0 {
                throw GyreError(.invalid, "`max_traces` must be a positive integer, received \(most).")
            }
            selection = .upTo(time, most: most.map { Int($0) }, experimentID: experiment)
        }
        return ["traces_deleted": .int(Int64(try await tracing.delete(selection, by: arguments.actor)))]
    }

    // MARK: Reading

    private func getTrace(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let id = try arguments.text("trace_id")
        guard let info = try await tracing.store.traces([id]).first else {
            throw GyreError(.notFound, "Trace with ID \(id.prefix(80)) is not found.")
        }
        let allowsPart = try arguments.flag("allow_partial") ?? false
        guard let json = try await whole(info, allowsPart: allowsPart) else {
            throw GyreError(
                .notFound, "Trace with ID \(id.prefix(80)) is not fully exported yet, please try again later.")
        }
        return ["trace": json]
    }

    private func batchGet(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var traces: [JSONValue] = []
        for info in try await infos(arguments) {
            if let json = try await whole(info, allowsPart: false) { traces.append(json) }
        }
        return traces.isEmpty ? [:] : ["traces": .array(traces)]
    }

    private func batchGetInfos(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let infos = try await infos(arguments)
        return infos.isEmpty ? [:] : ["trace_infos": .array(infos.map(TraceMessages.info))]
    }

    /// The asked traces in the asked order; unknown ones are left out.
    private func infos(_ arguments: Arguments) async throws(GyreError) -> [TraceInfo] {
        let ids = try arguments.texts("trace_ids")
        guard !ids.isEmpty || arguments["trace_ids"] != nil else { throw .missingParameter("trace_ids") }
        guard ids.count <= 1000 else {
            throw GyreError(.invalid, "At most 1000 trace_ids can be asked for. Received \(ids.count).")
        }
        var found = try await tracing.store.traces(ids)
        let experiments = try arguments.texts("experiment_ids").map { id throws(GyreError) in try Self.experimentID(id)
        }
        if !experiments.isEmpty { found = found.filter { experiments.contains($0.experimentID) } }
        return found
    }

    /// A trace with its spans; nil while spans are missing that it says it has.
    private func whole(_ info: TraceInfo, allowsPart: Bool) async throws(GyreError) -> JSONValue? {
        let spans = try await tracing.store.spans(of: info.id)
        if !allowsPart, spans.count < info.announcedSpans ?? 1 { return nil }
        var json: JSONValue = ["trace_info": TraceMessages.info(info)]
        if !spans.isEmpty { json["spans"] = .array(spans.map(TraceMessages.span)) }
        return json
    }

    private func searchTraces(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        guard arguments["locations"] != nil else { throw .missingParameter("locations") }
        var ids: [Int64] = []
        for location in try arguments.objects("locations") {
            let place = location["mlflow_experiment"] ?? location["mlflowExperiment"]
            guard let id = place?["experiment_id"] ?? place?["experimentId"] else { continue }
            ids.append(try Self.experimentID(id.string ?? id.text))
        }
        let (infos, next) = try await search(arguments, in: ids)
        var json: JSONValue = [:]
        if !infos.isEmpty { json["traces"] = .array(infos.map(TraceMessages.info)) }
        if let next { json["next_page_token"] = .string(PageToken.text(next)) }
        return json
    }

    func search(
        _ arguments: Arguments, in experimentIDs: [Int64]
    ) async throws(GyreError) -> ([TraceInfo], next: [JSONValue]?) {
        var query = TraceQuery(
            experimentIDs: experimentIDs, filter: try Filter(try arguments.optionalText("filter") ?? ""))
        query.order = try Search.orders(arguments)
        query.after = try PageToken.values(arguments)
        query.limit = try arguments.limit(default: 100, maximum: 500)
        let page = try await tracing.store.search(query)
        return (try await tracing.store.traces(page.ids), page.next)
    }

    static func traceID(_ arguments: Arguments) throws(GyreError) -> String {
        if let id = try arguments.optionalText("trace_id"), !id.isEmpty { return id }
        return try arguments.text("request_id")
    }

    static func experimentID(_ text: String) throws(GyreError) -> Int64 {
        if let id = Int64(text) { return id }
        throw GyreError(
            .invalid, "Invalid experiment ID '\(text.prefix(40))'. Experiment ID must be a valid integer.")
    }
}
