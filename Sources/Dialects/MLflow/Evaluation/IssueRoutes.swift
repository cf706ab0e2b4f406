// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreEvaluation
internal import GyreSearch
internal import GyreTracing
internal import GyreTracking

extension MLflowDialect {
    var issueRoutes: [CallRoute] {
        [
            .post("/issues", .write(.experiment, "experiment_id"), createIssue),
            .post("/issues/search", .read, searchIssues),
            .get("/issues/{issue_id}", .read, getIssue),
            .patch("/issues/{issue_id}", .write, updateIssue),
        ]
    }

    private func getIssue(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        ["issue": Self.message(try await issues.issue(try arguments.text("issue_id")))]
    }

    private func createIssue(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let (name, description) = (try arguments.text("name"), try arguments.text("description"))
        let experiment = try await tracking.experiment(try arguments.text("experiment_id"))
        let (id, now) = issues.fresh()
        let run = try arguments.optionalText("source_run_id").flatMap { $0.isEmpty ? nil : $0 }
        if let run { _ = try await tracking.run(run) }
        let issue = Issue(
            id: id, experimentID: String(experiment.id), name: name, description: description,
            status: try Self.one(of: Issue.statuses, arguments, "status") ?? "pending",
            severity: try Self.one(of: Issue.severities, arguments, "severity"),
            rootCauses: try arguments.texts("root_causes"), sourceRunID: run,
            createdBy: try arguments.optionalText("created_by"), categories: try arguments.texts("categories"),
            atMilliseconds: now)
        try await issues.create(issue, by: arguments.actor)
        return ["issue": Self.message(issue)]
    }

    private func updateIssue(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let (name, description) = (
            try arguments.optionalText("name") ?? "", try arguments.optionalText("description") ?? ""
        )
        let status = try Self.one(of: Issue.statuses, arguments, "status")
        let severity = try Self.one(of: Issue.severities, arguments, "severity")
        let issue = try await issues.update(try arguments.text("issue_id"), by: arguments.actor) { issue in
            if !name.isEmpty { issue.name = name }
            if !description.isEmpty { issue.description = description }
            if let status { issue.status = status }
            if let severity { issue.severity = severity }
        }
        return ["issue": Self.message(issue)]
    }

    private func searchIssues(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let filter = try Filter(try arguments.optionalText("filter_string") ?? "")
        for clause in filter.clauses {
            guard ["status", "source_run_id"].contains(clause.key.name) else {
                throw GyreError(
                    .invalid,
                    "Invalid filter field '\(clause.key.name.prefix(80))'. Supported fields: {'source_run_id', 'status'}"
                )
            }
            guard clause.comparison == .equal || clause.comparison == .notEqual else {
                throw GyreError(
                    .invalid, "Invalid comparator '\(clause.comparison.rawValue)'. Supported comparators: {'!=', '='}")
            }
        }
        let found = try Search.select(try await issues.issues(in: try arguments.optionalText("experiment_id")), filter)
        {
            key, issue in
            key.name == "status" ? .string(issue.status) : issue.sourceRunID.map { .string($0) }
        }
        let counts = try arguments.flag("include_trace_count") ?? false
        var messages: [JSONValue] = []
        for issue in found {
            var json = Self.message(issue)
            if counts {
                let filter = Filter([
                    Filter.Clause(
                        key: Filter.Key(entity: "issue", name: "id"), comparison: .equal, operand: .text(issue.id))
                ])
                let count = try await tracing.store.count(in: [Int64(issue.experimentID) ?? -1], [filter])
                json["trace_count"] = .int(Int64(count))
            }
            messages.append(json)
        }
        var page = try Page.of(messages, as: "issues", arguments, default: 100, maximum: 50_000)
        if page["next_page_token"] == nil { page["next_page_token"] = "" }
        return page
    }

    private static func one(of words: [String], _ arguments: Arguments, _ name: String) throws(GyreError) -> String? {
        guard let word = try arguments.optionalText(name), !word.isEmpty else { return nil }
        guard words.contains(word) else {
            throw GyreError(
                .invalid,
                "Invalid value \"\(word.prefix(40))\" for parameter '\(name)' supplied: it is one of \(words).")
        }
        return word
    }

    private static func message(_ issue: Issue) -> JSONValue {
        var json: JSONValue = [
            "issue_id": .string(issue.id), "experiment_id": .string(issue.experimentID), "name": .string(issue.name),
            "description": .string(issue.description), "status": .string(issue.status),
        ]
        if let severity = issue.severity { json["severity"] = .string(severity) }
        if !issue.rootCauses.isEmpty { json["root_causes"] = .strings(issue.rootCauses) }
        if let run = issue.sourceRunID { json["source_run_id"] = .string(run) }
        json["created_timestamp"] = .int(issue.createdMilliseconds)
        json["last_updated_timestamp"] = .int(issue.updatedMilliseconds)
        if let user = issue.createdBy { json["created_by"] = .string(user) }
        if !issue.categories.isEmpty { json["categories"] = .strings(issue.categories) }
        return json
    }
}
