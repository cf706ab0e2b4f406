// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreTracking

extension MLflowDialect {
    var runRoutes: [CallRoute] {
        [
            // Answers with a run are written straight into bytes.
            .post("/runs/create", .write(.experiment, "experiment_id"), direct: createRun),
            .get("/runs/get", .read(.run, "run_id"), direct: getRun),
            .post("/runs/update", .write(.run, "run_id"), direct: updateRun),
            .post("/runs/delete", .write(.run, "run_id"), deleteRun),
            .post("/runs/restore", .write(.run, "run_id"), restoreRun),
            .post("/runs/log-parameter", .write(.run, "run_id"), logParameter),
            .post("/runs/set-tag", .write(.run, "run_id"), setRunTag),
            .post("/runs/delete-tag", .write(.run, "run_id"), deleteRunTag),
            .post("/runs/log-inputs", .write(.run, "run_id"), logInputs),
            .post("/runs/outputs", .write(.run, "run_id"), logOutputs),
            .post("/runs/log-model", .write(.run, "run_id"), logModel),
        ]
    }

    private func getRun(_ arguments: Arguments) async throws(GyreError) -> HTTPResponse {
        Self.answer("run", try await tracking.run(try Self.runID(arguments))) { $0.run($1) }
    }

    private func deleteRun(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await tracking.setDeleted(true, run: try Self.runID(arguments), by: arguments.actor)
        return [:]
    }

    private func restoreRun(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await tracking.setDeleted(false, run: try Self.runID(arguments), by: arguments.actor)
        return [:]
    }

    private func logParameter(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var entries = RunEntries()
        entries.params = [KeyValue(try arguments.text("key"), try arguments.optionalText("value") ?? "")]
        try await tracking.log(try Self.runID(arguments), entries)
        return [:]
    }

    private func setRunTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var entries = RunEntries()
        entries.tags = [KeyValue(try arguments.text("key"), try arguments.optionalText("value") ?? "")]
        try await tracking.log(try Self.runID(arguments), entries)
        return [:]
    }

    private func deleteRunTag(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await tracking.deleteTag(try arguments.text("key"), of: try Self.runID(arguments))
        return [:]
    }

    /// The record of a model that clients of version 2 send; version 3 uses logged models, and the tag is all that is kept.
    private func logModel(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let model = try JSONValue(parsing: try arguments.text("model_json"))
        guard model.object != nil else { throw .invalidParameter("model_json", model) }
        let lacking = ["artifact_path", "flavors", "utc_time_created", "run_id"].filter { model[$0] == nil }
        guard lacking.isEmpty else {
            throw GyreError(.invalid, "Model json is missing mandatory fields: \(lacking)")
        }
        try await tracking.append(model, toTag: Words.loggedModelHistory, of: try Self.runID(arguments))
        return [:]
    }

    static func runID(_ arguments: Arguments) throws(GyreError) -> String {
        if let id = try arguments.optionalText("run_id"), !id.isEmpty { return id }
        if let id = try arguments.optionalText("run_uuid"), !id.isEmpty { return id }
        return try arguments.text("run_id")
    }

    private func createRun(_ arguments: Arguments) async throws(GyreError) -> HTTPResponse {
        var draft = Tracking.RunDraft()
        draft.experimentID = try arguments.text("experiment_id")
        draft.name = try arguments.optionalText("run_name")
        draft.userID = try arguments.optionalText("user_id") ?? ""
        draft.startMilliseconds = try arguments.integer("start_time")
        draft.tags = try Translate.pairs(try arguments.objects("tags"), "tags")
        let run = try await tracking.createRun(draft, by: arguments.actor)
        return Self.answer("run", run) { $0.run($1, .created) }
    }

    private func updateRun(_ arguments: Arguments) async throws(GyreError) -> HTTPResponse {
        var change = RunChange()
        change.status = try arguments.word("status").map { text throws(GyreError) in try Translate.status(text)
        }
        change.endMilliseconds = try arguments.integer("end_time")
        change.name = try arguments.optionalText("run_name").flatMap { $0.isEmpty ? nil : $0 }
        let run = try await tracking.updateRun(try Self.runID(arguments), change, by: arguments.actor)
        return Self.answer("run_info", run) { $0.runInfo($1) }
    }

    private static func answer(
        _ name: StaticString, _ run: Run, _ write: (inout JSONWriter, Run) -> Void
    ) -> HTTPResponse {
        var writer = JSONWriter(reservingCapacity: 4096)
        writer.raw("{\"")
        writer.raw(name)
        writer.raw("\":")
        write(&writer, run)
        writer.raw("}")
        return .json(writer.bytes)
    }

    private func logInputs(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var entries = RunEntries()
        for (index, input) in try arguments.objects("datasets").enumerated() {
            entries.links.append(try RunLinks.dataset(input, at: "datasets[\(index)]"))
        }
        for (index, model) in try arguments.objects("models").enumerated() {
            entries.links.append(try RunLinks.model(model, .modelInput, at: "models[\(index)]"))
        }
        guard entries.links.count <= 1000 else {
            throw GyreError(
                .invalid, "At most 1000 datasets and models are logged at once. Got \(entries.links.count).")
        }
        try await tracking.log(try Self.runID(arguments), entries)
        return [:]
    }

    private func logOutputs(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        guard arguments["models"] != nil else { throw .missingParameter("models") }
        var entries = RunEntries()
        for (index, model) in try arguments.objects("models").enumerated() {
            entries.links.append(try RunLinks.model(model, .modelOutput, at: "models[\(index)]"))
        }
        try await tracking.log(try Self.runID(arguments), entries)
        return [:]
    }
}
