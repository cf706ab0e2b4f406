// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreEvaluation
import GyreLedger
import GyreTestSupport
import Testing

/// Datasets that evaluations run over.
@Suite struct EvaluationDatasetsTests {
    private let ledger = MemoryLedgerStore(now: { 0 })
    private var datasets: EvaluationDatasets { EvaluationDatasets(store: ledger, surroundings: .still) }

    @Test("records with the same inputs are one record, merged; others keep the order in which they came")
    func upsert() async throws {
        let dataset = try await datasets.create("qa", experimentIDs: ["1"], tags: ["mlflow.user": "ann"], by: "ann")
        #expect(dataset.schema.isNull && dataset.recordCount == 0 && dataset.createdBy == "ann")
        let first = try await datasets.upsert(
            [
                ["inputs": ["q": "z"], "expectations": ["answer": "1"]], ["inputs": ["q": "a"]],
                ["inputs": ["q": "z"], "expectations": ["grade": 2], "tags": ["mlflow.user": "bob"]],
            ], into: dataset.id, by: "ann")
        #expect(first.inserted == 2 && first.updated == 1)
        let records = try await datasets.records(of: dataset.id)
        #expect(records.map { $0["inputs"]?["q"] } == ["z", "a"])
        #expect(records[0]["expectations"] == ["answer": "1", "grade": 2])
        #expect(records[0]["outputs"] == [:], "outputs that were not given are none")

        let second = try await datasets.upsert(
            [["inputs": ["q": "a"], "outputs": "yes", "tags": ["k": "v"]]], into: dataset.id, by: "bob")
        #expect(second.inserted == 0 && second.updated == 1)
        let again = try await datasets.records(of: dataset.id)
        #expect(again[1]["outputs"] == "yes" && again[1]["dataset_record_id"] == records[1]["dataset_record_id"])

        let stored = try await datasets.dataset(dataset.id)
        #expect(stored.recordCount == 2)
        #expect(
            stored.schema == [
                "inputs": ["q": "string"], "outputs": "string",
                "expectations": ["answer": "string", "grade": "integer"],
                "version": "1.0",
            ])
    }

    @Test("the kinds of values are those that came first")
    func kinds() async throws {
        let dataset = try await datasets.create("kinds", experimentIDs: [], tags: [:], by: "ann")
        _ = try await datasets.upsert(
            [
                ["inputs": ["a": .null, "b": true, "c": 1, "d": 1.5, "e": "x", "f": [1], "g": [:]]],
                ["inputs": ["a": "text"]],
            ], into: dataset.id, by: "ann")
        #expect(
            try await datasets.dataset(dataset.id).schema["inputs"] == [
                "a": "null", "b": "boolean", "c": "integer", "d": "float", "e": "string", "f": "array", "g": "object",
            ])
    }

    @Test("datasets are listed for the experiments that are asked for, and go with their records")
    func listed() async throws {
        let one = try await datasets.create("a", experimentIDs: ["1", "2"], tags: [:], by: "ann")
        let two = try await datasets.create("b", experimentIDs: ["3"], tags: [:], by: "ann")
        #expect(try await datasets.datasets(in: []).count == 2)
        #expect(try await datasets.datasets(in: ["2", "9"]) == [one])
        let moved = try await datasets.update(
            two.id, recording: "evaluation.dataset.assigned", touches: true, by: "ann"
        ) { $0.experimentIDs = ["2"] }
        #expect(moved.experimentIDs == ["2"])
        _ = try await datasets.upsert([["inputs": ["q": 1]], ["inputs": ["q": 2]]], into: one.id, by: "ann")
        let id = try await datasets.records(of: one.id)[0]["dataset_record_id"]?.string ?? ""
        #expect(try await datasets.deleteRecords([id, "none"], of: one.id, by: "ann") == 1)
        #expect(try await datasets.deleteRecords([id], of: one.id, by: "ann") == 0)
        #expect(try await datasets.dataset(one.id).recordCount == 1)
        try await datasets.delete(one.id, by: "ann")
        try await datasets.delete(one.id, by: "ann")
        #expect(try await datasets.exists(one.id) == false)
        #expect(try await datasets.records(of: one.id).isEmpty)
        #expect(try await ledger.documents("evaluation-record").isEmpty)
        for id in [one.id, "none"] {
            let error = await #expect(throws: GyreError.self) { try await datasets.dataset(id) }
            #expect(error?.code == .notFound)
            await #expect(throws: GyreError.self) { try await datasets.upsert([[:]], into: id, by: "ann") }
            await #expect(throws: GyreError.self) {
                try await datasets.update(id, recording: "evaluation.dataset.tagged", touches: false, by: "ann") { _ in
                }
            }
        }
    }

    @Test("one call writes no more records than a dataset may have")
    func tooMany() async throws {
        let dataset = try await datasets.create("big", experimentIDs: [], tags: [:], by: "ann")
        let error = await #expect(throws: GyreError.self) {
            try await datasets.upsert(Array(repeating: [:], count: 50_001), into: dataset.id, by: "ann")
        }
        #expect(error?.code == .limitExceeded)
    }
}
