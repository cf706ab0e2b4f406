// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreRegistry
import GyreTestSupport
import Testing

/// Models as runs log them.
@Suite struct LoggedModelsTests {
    private let ledger = MemoryLedgerStore(now: { 0 })
    private var models: LoggedModels { LoggedModels(store: ledger, surroundings: .still) }

    private func create(_ experiment: String = "1") async throws -> LoggedModel {
        try await models.create(
            name: "tree", experimentID: experiment, runID: "r1", modelType: "agent", params: ["depth": "3"],
            tags: ["t": "v"], by: "ann"
        ) { "mlflow-artifacts:/\(experiment)/models/\($0)/artifacts" }
    }

    @Test("a logged model is read back as it was made, and lies where its id says")
    func made() async throws {
        let model = try await create()
        #expect(model.artifactURI == "mlflow-artifacts:/1/models/\(model.id)/artifacts")
        #expect(try await models.model(model.id) == model)
        let fact = try #require(try await ledger.facts(FactQuery()).last?.fact)
        #expect(fact.inputs == [Ref("run", "r1")] && fact.outputs == [model.ref])
    }

    @Test("a deleted model is seen only by those who ask for deleted ones, until it is removed for good")
    func deleted() async throws {
        let (kept, gone) = (try await create(), try await create())
        _ = try await create("2")
        try await models.delete(gone.id, by: "ann")
        try await models.delete(gone.id, by: "ann")
        #expect(try await models.models(in: ["1"]).map(\.id) == [kept.id])
        #expect(try await models.models(in: ["1", "2"]).count == 2)
        let error = await #expect(throws: GyreError.self) { try await models.model(gone.id) }
        #expect(error?.code == .notFound)
        let found = try await models.model(gone.id, allowsDeleted: true)
        #expect(found.isDeleted)
        await #expect(throws: GyreError.self) {
            try await models.update(gone.id, recording: "registry.logged-model.tagged", by: "ann") { _ in }
        }
        #expect(try await models.deleted(before: 0).isEmpty)
        #expect(try await models.deleted(before: .max) == [found])
        try await models.remove(found, by: "gyre")
        await #expect(throws: GyreError.self) { try await models.model(gone.id, allowsDeleted: true) }
        await #expect(throws: GyreError.self) { try await models.delete(gone.id, by: "ann") }
    }

    @Test("a logged model tells the versions that it became, after what stood there before")
    func registered() async throws {
        let model = try await create()
        let registry = Registry(store: ledger, surroundings: .still)
        _ = try await registry.createModel("m", by: "ann")
        var draft = Registry.VersionDraft(source: "models:/\(model.id)")
        draft.modelID = model.id
        draft.runID = "r1"
        for _ in 1...2 { _ = try await registry.createVersion(of: "m", draft, by: "ann") }
        let tag = try await models.model(model.id).tags["mlflow.modelVersions"]
        #expect(tag == "[{\"name\": \"m\", \"version\": 1}, {\"name\": \"m\", \"version\": 2}]")
        let changed = try await models.update(model.id, recording: "registry.logged-model.finalized", by: "ann") {
            $0.status = "LOGGED_MODEL_READY"
        }
        #expect(changed.status == "LOGGED_MODEL_READY" && changed.params == ["depth": "3"])
    }
}
