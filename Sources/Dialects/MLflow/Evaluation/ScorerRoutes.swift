// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreEvaluation
internal import GyreTracking

extension MLflowDialect {
    var scorerRoutes: [CallRoute] {
        [
            .post("/scorers/register", .write(.experiment, "experiment_id").and(.runCode), registerScorer),
            .get("/scorers/list", .read(.experiment, "experiment_id"), listScorers),
            .get("/scorers/versions", .read(.experiment, "experiment_id"), listScorerVersions),
            .get("/scorers/get", .read(.experiment, "experiment_id"), getScorer),
            .delete("/scorers/delete", .write(.experiment, "experiment_id"), deleteScorer),
            .get("/scorers/online-configs", .read, listOnlineConfigs),
        ]
    }

    private func listScorerVersions(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let (experiment, name) = (try await experiment(arguments), try arguments.text("name"))
        let all = try await scorers.scorers(name, experimentID: experiment)
        guard !all.isEmpty else {
            throw GyreError(
                .notFound, "Scorer with name '\(name.prefix(80))' not found for experiment \(experiment).")
        }
        return ["scorers": .array(all.map(Self.message))]
    }

    private func getScorer(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let scorer = try await scorers.scorer(
            try arguments.text("name"), try arguments.integer("version").map { Int($0) },
            experimentID: try await experiment(arguments))
        return ["scorer": Self.message(scorer)]
    }

    private func deleteScorer(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await scorers.delete(
            try arguments.text("name"), try arguments.integer("version").map { Int($0) },
            experimentID: try await experiment(arguments), by: arguments.actor)
        return [:]
    }

    private func listOnlineConfigs(_: Arguments) async throws(GyreError) -> JSONValue {
        ["configs": []]
    }

    private func experiment(_ arguments: Arguments) async throws(GyreError) -> String {
        let id = try arguments.text("experiment_id")
        guard let number = Int64(id) else {
            _ = try Self.experimentID(id)
            return id
        }
        guard try await tracking.store.experiment(number) != nil else {
            throw GyreError(.notFound, "No Experiment with id=\(number) exists")
        }
        return String(number)
    }

    private func registerScorer(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let (name, content) = (try arguments.text("name"), try arguments.text("serialized_scorer"))
        let experiment = try await experiment(arguments)
        let document: JSONValue
        do { document = try JSONValue(parsing: content) } catch {
            throw GyreError(.invalid, "serialized_scorer must be valid JSON")
        }
        guard document["call_source"].map(\.isNull) ?? true else {
            throw GyreError(
                .invalid,
                "Custom scorer registration (using @scorer decorator) is disabled by default outside of Databricks tracking environments",
                why: "It is code that a server would have to run.")
        }
        let scorer = try await scorers.register(name, content, experimentID: experiment, by: arguments.actor)
        return [
            "version": .int(Int64(scorer.version)), "scorer_id": .string(scorer.id),
            "experiment_id": .string(scorer.experimentID), "name": .string(scorer.name),
            "serialized_scorer": .string(scorer.content), "creation_time": .int(scorer.createdMilliseconds),
        ]
    }

    private func listScorers(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        var ids = try arguments.texts("experiment_ids")
        if let one = try arguments.optionalText("experiment_id"), !one.isEmpty {
            guard ids.isEmpty else {
                throw GyreError(.invalid, "Cannot specify both 'experiment_id' and 'experiment_ids'.")
            }
            ids = [try await experiment(arguments)]
        }
        if ids.isEmpty { ids = try await tracking.store.experiments(.active).map { String($0.id) } }
        var newest: [Scorer] = []
        for id in ids {
            for scorer in try await scorers.scorers(nil, experimentID: id) {
                if let last = newest.last, last.name == scorer.name, last.experimentID == id { newest.removeLast() }
                newest.append(scorer)
            }
        }
        return newest.isEmpty ? [:] : ["scorers": .array(newest.map(Self.message))]
    }

    private static func message(_ scorer: Scorer) -> JSONValue {
        [
            "experiment_id": .int(Int64(scorer.experimentID) ?? 0), "scorer_name": .string(scorer.name),
            "scorer_version": .int(Int64(scorer.version)), "serialized_scorer": .string(scorer.content),
            "creation_time": .int(scorer.createdMilliseconds), "scorer_id": .string(scorer.id),
        ]
    }
}
