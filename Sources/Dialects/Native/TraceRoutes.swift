// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreRegistry
internal import GyreSearch
internal import GyreTracing
internal import GyreTracking

/// What applications of language models leave behind: traces, prompts, logged models.
extension NativeDialect {
    var traceCalls: [NativeCall] {
        [
            NativeCall(
                "GET", "/traces", .read, "Traces without their spans, newest first; `run` picks those of one run.",
                query: ["experiment", "run", "filter", "order_by", "limit", "after"], listTraces),
            NativeCall(
                "GET", "/traces/{id}", .read(.trace, "id"), "A trace with its spans, those without a parent first.",
                showTrace),
            NativeCall(
                "GET", "/logged-models", .read, "Models as runs logged them, newest first.",
                query: ["experiment", "run"],
                listLoggedModels),
            NativeCall(
                "GET", "/logged-models/{id}", .read(.loggedModel, "id"),
                "A model as a run logged it, with its metrics.", showLoggedModel),
            NativeCall("GET", "/prompts", .read, "Prompts: texts with versions.", listPrompts),
            NativeCall(
                "GET", "/prompts/{name}", .read(.model, "name"),
                "A prompt with the texts of its versions, oldest first.", showPrompt),
        ]
    }

    /// The experiment that a request names, or all that are active.
    private func experimentIDs(_ request: HTTPRequest) async throws(GyreError) -> [Int64] {
        guard let wanted = request.query("experiment"), !wanted.isEmpty else {
            return try await services.tracking.store.experiments(.active).map(\.id)
        }
        return [try await names.experiment(wanted).id]
    }

    private func traceQuery(_ request: HTTPRequest) async throws(GyreError) -> TraceQuery {
        var clauses = request.query("filter").map { $0.isEmpty ? [] : [$0] } ?? []
        if let run = request.query("run") {
            clauses.append("run_id = '\(try await names.run(run).id)'")
        }
        var query = TraceQuery(
            experimentIDs: try await experimentIDs(request), filter: try Filter(clauses.joined(separator: " AND ")))
        if let order = request.query("order_by"), !order.isEmpty { query.order = [try OrderBy(order)] }
        query.limit = try request.number("limit", default: 100, in: 1...500)
        if let after = request.query("after"), !after.isEmpty { query.after = try JSONValue(parsing: after).array }
        return query
    }

    private static func json(_ trace: TraceInfo) -> JSONValue {
        [
            "id": .string(trace.id), "experiment": .string(String(trace.experimentID)),
            "name": .optional(trace.tags[TagKey.name]), "state": .string(trace.state.rawValue),
            "requested_ms": .int(trace.requestMilliseconds), "duration_ms": .optional(trace.durationMilliseconds),
            "run_id": .optional(trace.metadata[MetadataKey.sourceRun]), "request": .optional(trace.requestPreview),
            "response": .optional(trace.responsePreview), "tags": json(pairs: trace.tags),
            "metadata": json(pairs: trace.metadata), "assessments": .array(trace.assessments.map(json)),
        ]
    }

    private static func json(_ assessment: Assessment) -> JSONValue {
        var error: JSONValue = .null
        if case .feedback(_, let told?) = assessment.content { error = told }
        return [
            "name": .string(assessment.name), "kind": .string(assessment.content.kind),
            "value": assessment.content.value, "error": error, "span_id": .optional(assessment.spanID),
            "source": .string(assessment.sourceID ?? assessment.sourceType),
            "source_type": .string(assessment.sourceType), "rationale": .optional(assessment.rationale),
            "valid": .bool(assessment.isValid), "created_ms": .int(assessment.createdMilliseconds),
        ]
    }

    private static func json(_ span: Span) -> JSONValue {
        [
            "id": .string(span.id), "parent_id": .optional(span.parentID), "name": .string(span.name),
            "type": .string(span.type), "start_ns": .int(span.startNanoseconds),
            "end_ns": span.endNanoseconds == 0 ? .null : .int(span.endNanoseconds), "status": .string(span.status.code),
            "message": .string(span.status.message), "attributes": .object(span.attributes),
            "events": .array(
                span.events.map {
                    [
                        "at_ns": .int($0.atNanoseconds), "name": .string($0.name), "attributes": .object($0.attributes),
                    ]
                }),
        ]
    }

    private static func json(_ model: LoggedModel) -> JSONValue {
        [
            "id": .string(model.id), "experiment": .string(model.experimentID), "name": .string(model.name),
            "run_id": .string(model.runID), "type": .string(model.modelType), "status": .string(model.status),
            "artifact_uri": .string(model.artifactURI), "params": json(pairs: model.params),
            "tags": json(pairs: model.tags), "created_ms": .int(model.createdMilliseconds),
        ]
    }

    private func json(prompt: RegisteredModel, _ versions: [ModelVersion]) async throws(GyreError) -> JSONValue {
        var aliases: JSONValue = [:]
        for (alias, number) in try await services.registry.aliases(of: prompt.name) {
            aliases[alias] = .int(Int64(number))
        }
        return [
            "name": .string(prompt.name), "description": .string(prompt.description),
            "versions": .int(Int64(versions.count)), "latest": .optional(versions.last.map { Int64($0.number) }),
            "aliases": aliases, "tags": Self.json(pairs: prompt.tags),
        ]
    }

    private static func json(promptVersion version: ModelVersion) -> JSONValue {
        // Whatever MLflow's client says of a prompt stands in the tags of its version.
        var tags = version.tags
        let text = tags.removeValue(forKey: "mlflow.prompt.text")
        let type = tags.removeValue(forKey: "_mlflow_prompt_type")
        tags[RegisteredModel.promptTag] = nil
        return [
            "number": .int(Int64(version.number)), "text": .optional(text), "type": .string(type ?? "text"),
            "message": .string(version.description), "created_ms": .int(version.createdMilliseconds),
            "tags": json(pairs: tags),
        ]
    }

    private static func json(pairs: [String: String]) -> JSONValue {
        .object(JSONObject(pairs.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }

    private func listTraces(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let page = try await services.tracing.store.search(try await traceQuery(request))
        let traces = try await services.tracing.store.traces(page.ids)
        var answer: JSONValue = ["traces": .array(traces.map(Self.json))]
        if let next = page.next { answer["next"] = .array(next) }
        return answer
    }

    private func showTrace(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let trace = try await services.tracing.trace(request.parameter("id"))
        var answer = Self.json(trace)
        answer["spans"] = .array(try await services.tracing.store.spans(of: trace.id).map(Self.json))
        return answer
    }

    private func listLoggedModels(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let ids = try await experimentIDs(request).map(String.init)
        let run = request.query("run")
        let models = try await services.loggedModels.models(in: ids)
        return ["logged_models": .array(models.filter { run == nil || $0.runID == run }.map(Self.json))]
    }

    private func showLoggedModel(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let model = try await services.loggedModels.model(request.parameter("id"))
        var answer = Self.json(model)
        let metrics = try await services.tracking.store.modelMetrics([model.id]).map { metric -> JSONValue in
            [
                "name": .string(metric.point.key), "value": .double(metric.point.value),
                "step": .int(metric.point.step), "run_id": .string(metric.runID),
                "dataset": .optional(metric.point.datasetName),
            ]
        }
        answer["metrics"] = .array(metrics)
        return answer
    }

    private func listPrompts(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        var list: [JSONValue] = []
        for prompt in try await services.registry.models() where prompt.isPrompt {
            let versions = try await services.registry.versions(of: prompt.name)
            list.append(try await json(prompt: prompt, versions))
        }
        return ["prompts": .array(list)]
    }

    private func showPrompt(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let prompt = try await services.registry.model(request.parameter("name"))
        guard prompt.isPrompt else {
            throw GyreError(
                .notFound, "\"\(prompt.name)\" is a model and no prompt.",
                fix: "Look for it among the models, at /models/\(prompt.name).")
        }
        let versions = try await services.registry.versions(of: prompt.name)
        var answer = try await json(prompt: prompt, versions)
        answer["texts"] = .array(versions.map(Self.json(promptVersion:)))
        return answer
    }
}
