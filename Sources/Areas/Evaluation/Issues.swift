// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// A known problem that traces can be marked with.
package struct Issue: Sendable, Hashable {
    /// `iss-` and 32 hexadecimal digits.
    package let id: String
    /// The experiment it belongs to.
    package let experimentID: String
    /// What it is called.
    package var name: String
    /// What it is.
    package var description: String
    /// `pending`, `resolved` or `rejected`.
    package var status: String
    /// `not_an_issue`, `low`, `medium` or `high`, if anybody said.
    package var severity: String?
    /// Where it comes from.
    package let rootCauses: [String]
    /// The run that found it.
    package let sourceRunID: String?
    /// Who reported it.
    package let createdBy: String?
    /// Words to group it by.
    package let categories: [String]
    /// When it was reported, milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// When it last changed, milliseconds since 1970.
    package var updatedMilliseconds: Int64

    /// What may be said of how far it is.
    package static let statuses = ["pending", "resolved", "rejected"]
    /// What may be said of how bad it is.
    package static let severities = ["not_an_issue", "low", "medium", "high"]

    /// An issue as a client reports it.
    package init(
        id: String, experimentID: String, name: String, description: String, status: String, severity: String?,
        rootCauses: [String], sourceRunID: String?, createdBy: String?, categories: [String], atMilliseconds: Int64
    ) {
        self.id = id
        self.experimentID = experimentID
        self.name = name
        self.description = description
        self.status = status
        self.severity = severity
        self.rootCauses = rootCauses
        self.sourceRunID = sourceRunID
        self.createdBy = createdBy
        self.categories = categories
        createdMilliseconds = atMilliseconds
        updatedMilliseconds = atMilliseconds
    }

    init(json: JSONValue) {
        self.init(
            id: json["id"]?.string ?? "", experimentID: json["experiment_id"]?.string ?? "",
            name: json["name"]?.string ?? "", description: json["description"]?.string ?? "",
            status: json["status"]?.string ?? "pending", severity: json["severity"]?.string,
            rootCauses: json["root_causes"]?.strings ?? [], sourceRunID: json["source_run_id"]?.string,
            createdBy: json["created_by"]?.string, categories: json["categories"]?.strings ?? [],
            atMilliseconds: json["created_ms"]?.int ?? 0)
        updatedMilliseconds = json["updated_ms"]?.int ?? 0
    }

    var json: JSONValue {
        [
            "id": .string(id), "experiment_id": .string(experimentID), "name": .string(name),
            "description": .string(description), "status": .string(status), "severity": .optional(severity),
            "root_causes": .strings(rootCauses), "source_run_id": .optional(sourceRunID),
            "created_by": .optional(createdBy), "categories": .strings(categories),
            "created_ms": .int(createdMilliseconds), "updated_ms": .int(updatedMilliseconds),
        ]
    }

    /// `issue/<id>`.
    package var ref: Ref { Ref("issue", id) }
}

/// Keeps issues.
package struct Issues: Sendable {
    private let store: any LedgerStore
    private let surroundings: Surroundings
    private static let kind = "issue"

    /// Issues in `store`.
    package init(store: any LedgerStore, surroundings: Surroundings) {
        self.store = store
        self.surroundings = surroundings
    }

    /// An id that nothing has yet, and now in milliseconds since 1970.
    package func fresh() -> (id: String, now: Int64) { ("iss-" + surroundings.newID(), surroundings.now() / 1000) }

    /// Keeps a new issue.
    package func create(_ issue: Issue, by actor: String) async throws(GyreError) {
        try await store.commit(
            [.create(Document(Self.kind, issue.id, issue.json))],
            recording: [
                Fact(
                    "evaluation.issue.created", issue.ref, by: actor, outputs: [issue.ref],
                    body: ["name": .string(issue.name)])
            ])
    }

    /// An issue.
    /// - Throws: `.notFound`.
    package func issue(_ id: String) async throws(GyreError) -> Issue {
        guard let found = try await store.document(Self.kind, id) else { throw Self.missing(id) }
        return Issue(json: found.body)
    }

    /// The issues of an experiment, or of all for nil, newest first.
    package func issues(in experimentID: String?) async throws(GyreError) -> [Issue] {
        try await store.documents(Self.kind).map { Issue(json: $0.body) }
            .filter { experimentID == nil || $0.experimentID == experimentID }
            .sorted { ($1.createdMilliseconds, $1.id) < ($0.createdMilliseconds, $0.id) }
    }

    /// Changes an issue.
    package func update(
        _ id: String, by actor: String, _ change: @escaping @Sendable (inout Issue) -> Void
    ) async throws(GyreError) -> Issue {
        let now = surroundings.now() / 1000
        return try await store.transact { ledger throws(GyreError) in
            guard let found = try ledger.document(Self.kind, id) else { throw Self.missing(id) }
            var issue = Issue(json: found.body)
            change(&issue)
            issue.updatedMilliseconds = now
            return Proposal(
                issue, [.put(Document(Self.kind, id, issue.json))],
                recording: [
                    Fact("evaluation.issue.updated", issue.ref, by: actor, body: ["status": .string(issue.status)])
                ])
        }
    }

    private static func missing(_ id: String) -> GyreError {
        GyreError(.notFound, "Issue with ID '\(id.prefix(80))' not found")
    }
}
