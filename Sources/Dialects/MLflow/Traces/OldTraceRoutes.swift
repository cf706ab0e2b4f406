// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreTracing

extension MLflowDialect {
    /// The calls of clients before version 3, and those that version 3 still makes under the old prefix.
    var oldTraceRoutes: [CallRoute] {
        [
            .post("/traces", .write(.experiment, "experiment_id"), beginTrace),
            .get("/traces", .read(.experiment, "experiment_ids"), searchOldTraces),
            .post("/traces/delete-traces", .write(.experiment, "experiment_id"), deleteTraces),
            .post("/traces/link-to-run", .write(.run, "run_id").and(.write(.trace, "trace_ids")), linkToRun),
            .post("/traces/link-prompts", .write(.trace, "trace_id"), linkPrompts),
            .patch("/traces/{request_id}", .write(.trace, "request_id"), endTrace),
            .patch("/traces/{request_id}/tags", .write(.trace, "request_id"), setTraceTag),
            .delete("/traces/{request_id}/tags", .write(.trace, "request_id"), deleteTraceTag),
            .get("/traces/{request_id}/info", .read(.trace, "request_id"), getOldTraceInfo),
        ]
    }

    private func getOldTraceInfo(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let info = try await tracing.trace(try arguments.text("request_id"))
        return ["trace_info": TraceMessages.oldInfo(info)]
    }

    var traceFileRoutes: [Route] {
        ["2.0", "3.0"].map {
            Route("GET", "/ajax-api/\($0)/mlflow/get-trace-artifact", .read(.trace, "request_id"), traceFile)
        }
    }

    /// The spans of a trace as one file, for browsers.
    private func traceFile(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        guard let id = request.query("request_id") ?? request.query("trace_id"), !id.isEmpty else {
            throw GyreError(.invalid, "Request must include the \"request_id\" query parameter.")
        }
        _ = try await tracing.trace(id)
        let spans = try await tracing.store.spans(of: id)
        var answer = HTTPResponse.json(["spans": .array(spans.map(TraceMessages.span))])
        answer.headers += [
            ("content-disposition", "attachment; filename=traces.json"), ("x-content-type-options", "nosniff"),
        ]
        return answer
    }

    private func beginTrace(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let info = try await tracing.begin(
            experimentID: try Self.experimentID(try arguments.text("experiment_id")),
            atMilliseconds: try arguments.integer("timestamp_ms") ?? tracing.now,
            metadata: try Translate.tags(try arguments.objects("request_metadata"), "request_metadata"),
            tags: try Translate.tags(try arguments.objects("tags"), "tags"))
        return ["trace_info": TraceMessages.oldInfo(info)]
    }

    private func endTrace(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let status = try arguments.optionalText("status") ?? ""
        let info = try await tracing.end(
            try arguments.text("request_id"), atMilliseconds: try arguments.integer("timestamp_ms") ?? tracing.now,
            state: TraceInfo.State(rawValue: status) ?? .unspecified,
            metadata: try Translate.tags(try arguments.objects("request_metadata"), "request_metadata"),
            tags: try Translate.tags(try arguments.objects("tags"), "tags"))
        return ["trace_info": TraceMessages.oldInfo(info)]
    }

    private func searchOldTraces(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let ids = try arguments.texts("experiment_ids").map { id throws(GyreError) in try Self.experimentID(id) }
        guard !ids.isEmpty else { throw .missingParameter("experiment_ids") }
        let (infos, next) = try await search(arguments, in: ids)
        var json: JSONValue = [:]
        if !infos.isEmpty { json["traces"] = .array(infos.map(TraceMessages.oldInfo)) }
        if let next { json["next_page_token"] = .string(PageToken.text(next)) }
        return json
    }

    private func linkToRun(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        guard arguments["trace_ids"] != nil else { throw .missingParameter("trace_ids") }
        let ids = try arguments.texts("trace_ids")
        guard ids.count <= 100 else {
            throw GyreError(
                .invalid,
                "Cannot link more than 100 traces to a run in a single request. Provided \(ids.count) traces.")
        }
        try await tracing.link(ids, toRun: try arguments.text("run_id"))
        return [:]
    }

    private func linkPrompts(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let id = try arguments.text("trace_id")
        let prompts = try arguments.objects("prompt_versions").map { json throws(GyreError) in
            guard let name = json["name"]?.string, !name.isEmpty else {
                throw .missingParameter("prompt_versions[].name")
            }
            guard let version = json["version"].flatMap({ Translate.integer($0) }) else {
                throw .missingParameter("prompt_versions[].version")
            }
            return "\(name)/\(version)"
        }
        try await tracing.link(id, toPrompts: prompts)
        return [:]
    }
}
