// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Keeps datasets for evaluations.
package struct EvaluationDatasets: Sendable {
    private let store: any LedgerStore
    private let surroundings: Surroundings

    /// Datasets in `store`.
    package init(store: any LedgerStore, surroundings: Surroundings) {
        self.store = store
        self.surroundings = surroundings
    }

    private var now: Int64 { surroundings.now() / 1000 }
    private static let (kind, recordKind) = ("evaluation-dataset", "evaluation-record")
    /// Records of one dataset, and records of one call.
    private static let mostRecords = 50_000

    // MARK: Datasets

    /// Makes a dataset.
    package func create(
        _ name: String, experimentIDs: [String], tags: [String: String], by actor: String
    ) async throws(GyreError) -> EvaluationDataset {
        let dataset = EvaluationDataset(
            id: "d-" + surroundings.newID(), name: name, experimentIDs: experimentIDs, tags: tags, atMilliseconds: now)
        try await store.commit(
            [.create(Document(Self.kind, dataset.id, dataset.json))],
            recording: [
                Fact(
                    "evaluation.dataset.created", dataset.ref, by: actor, outputs: [dataset.ref],
                    body: ["name": .string(name)])
            ])
        return dataset
    }

    /// A dataset.
    /// - Throws: `.notFound`.
    package func dataset(_ id: String) async throws(GyreError) -> EvaluationDataset {
        guard let found = try await store.document(Self.kind, id) else { throw Self.missing(id) }
        return EvaluationDataset(json: found.body)
    }

    /// Whether a dataset is there.
    package func exists(_ id: String) async throws(GyreError) -> Bool { try await store.document(Self.kind, id) != nil }

    /// All datasets, newest first; where `experimentIDs` are given, only those for one of them.
    package func datasets(in experimentIDs: [String]) async throws(GyreError) -> [EvaluationDataset] {
        let wanted = Set(experimentIDs)
        return try await store.documents(Self.kind).map { EvaluationDataset(json: $0.body) }
            .filter { wanted.isEmpty || !wanted.isDisjoint(with: $0.experimentIDs) }
            .sorted { ($1.createdMilliseconds, $1.id) < ($0.createdMilliseconds, $0.id) }
    }

    /// Changes tags or experiments.
    ///
    /// `kind`: what the fact tells of, such as `evaluation.dataset.tagged`.
    package func update(
        _ id: String, recording kind: String, touches: Bool, by actor: String,
        _ change: @escaping @Sendable (inout EvaluationDataset) -> Void
    ) async throws(GyreError) -> EvaluationDataset {
        let now = now
        return try await store.transact { ledger throws(GyreError) in
            guard let found = try ledger.document(Self.kind, id) else { throw Self.missing(id) }
            var dataset = EvaluationDataset(json: found.body)
            change(&dataset)
            if touches { dataset.updatedMilliseconds = now }
            return Proposal(
                dataset, [.put(Document(Self.kind, id, dataset.json))],
                recording: [Fact(kind, dataset.ref, by: actor)])
        }
    }

    /// Removes a dataset with its records, if it is there.
    package func delete(_ id: String, by actor: String) async throws(GyreError) {
        try await store.transact { ledger throws(GyreError) in
            guard let found = try ledger.document(Self.kind, id) else { return Proposal(()) }
            var changes: [Change] = [.remove(kind: Self.kind, key: id)]
            for record in try ledger.documents(Self.recordKind, prefix: "\(id)/") {
                changes.append(.remove(kind: Self.recordKind, key: record.key))
            }
            let dataset = EvaluationDataset(json: found.body)
            return Proposal(
                (), changes, recording: [Fact("evaluation.dataset.deleted", dataset.ref, by: actor)])
        }
    }

    // MARK: Records

    /// Writes records: one whose inputs are there already is merged with what is stored.
    package func upsert(
        _ records: [JSONValue], into id: String, by actor: String
    ) async throws(GyreError) -> (inserted: Int, updated: Int) {
        guard records.count <= Self.mostRecords else {
            throw GyreError(
                .limitExceeded, "One call writes at most \(Self.mostRecords) records. Got \(records.count).")
        }
        let now = now
        // Ids are made here since the transaction may run twice.
        let drafts = records.map { (record: $0, id: "dr-" + surroundings.newID()) }
        return try await store.transact { ledger throws(GyreError) in
            guard let found = try ledger.document(Self.kind, id) else { throw Self.missing(id) }
            var dataset = EvaluationDataset(json: found.body)
            var written: [String: JSONValue] = [:]
            var order: [String] = []
            var inserted = 0
            for draft in drafts {
                let key = "\(id)/\(Digest(of: (draft.record["inputs"] ?? [:]).canonicalBytes).hex)"
                var stored = written[key]
                if stored == nil { stored = try ledger.document(Self.recordKind, key)?.body }
                if stored == nil { inserted += 1 }
                if written[key] == nil { order.append(key) }
                written[key] = Self.merge(draft.record, into: stored, id: draft.id, dataset: id, now: now)
                // Records keep the order they came in.
                if stored == nil {
                    dataset.lastPlace += 1
                    written[key]?["place"] = .int(dataset.lastPlace)
                }
                dataset.learn(draft.record)
            }
            dataset.recordCount += inserted
            dataset.updatedBy = drafts.last.flatMap { $0.record["tags"]?["mlflow.user"]?.string }
            dataset.updatedMilliseconds = max(now, dataset.updatedMilliseconds)
            dataset.renewDigest()
            let changes = order.map { Change.put(Document(Self.recordKind, $0, written[$0] ?? .null)) }
            let body: JSONValue = [
                "inserted": .int(Int64(inserted)), "updated": .int(Int64(drafts.count - inserted)),
                "digest": .string(dataset.digest),
            ]
            return Proposal(
                (inserted, drafts.count - inserted), changes + [.put(Document(Self.kind, id, dataset.json))],
                recording: [Fact("evaluation.records.written", dataset.ref, by: actor, body: body)])
        }
    }

    private static func merge(
        _ record: JSONValue, into stored: JSONValue?, id: String, dataset: String, now: Int64
    ) -> JSONValue {
        let user = record["tags"]?["mlflow.user"] ?? .null
        var json: JSONValue =
            stored ?? [
                "dataset_record_id": .string(id), "dataset_id": .string(dataset), "inputs": record["inputs"] ?? [:],
                "outputs": [:], "expectations": .null, "tags": [:], "source": record["source"] ?? .null,
                "created_time": .int(now), "created_by": user,
            ]
        if record.object?.members.contains(where: { $0.name == "outputs" }) ?? false {
            json["outputs"] = record["outputs"] ?? .null
        }
        for side in ["expectations", "tags"] {
            guard let more = record[side]?.object, !more.isEmpty || stored == nil else { continue }
            var merged = json[side]?.object ?? JSONObject()
            for member in more.members { merged[member.name] = member.value }
            json[side] = .object(merged)
        }
        json["last_update_time"] = .int(now)
        json["last_updated_by"] = user
        return json
    }

    /// Records in the order they came.
    package func records(of id: String) async throws(GyreError) -> [JSONValue] {
        try await store.documents(Self.recordKind, prefix: "\(id)/").map(\.body)
            .sorted { ($0["place"]?.int ?? 0) < ($1["place"]?.int ?? 0) }
    }

    /// Removes records and says how many there were.
    package func deleteRecords(_ ids: [String], of id: String, by actor: String) async throws(GyreError) -> Int {
        let wanted = Set(ids)
        return try await store.transact { ledger throws(GyreError) in
            guard let found = try ledger.document(Self.kind, id), !wanted.isEmpty else { return Proposal(0) }
            var dataset = EvaluationDataset(json: found.body)
            let doomed = try ledger.documents(Self.recordKind, prefix: "\(id)/").filter {
                wanted.contains($0.body["dataset_record_id"]?.string ?? "")
            }
            guard !doomed.isEmpty else { return Proposal(0) }
            dataset.recordCount -= doomed.count
            return Proposal(
                doomed.count,
                doomed.map { .remove(kind: Self.recordKind, key: $0.key) }
                    + [.put(Document(Self.kind, id, dataset.json))],
                recording: [
                    Fact(
                        "evaluation.records.deleted", dataset.ref, by: actor, body: ["count": .int(Int64(doomed.count))]
                    )
                ])
        }
    }

    private static func missing(_ id: String) -> GyreError {
        GyreError(.notFound, "Evaluation dataset with id '\(id.prefix(80))' not found")
    }
}
