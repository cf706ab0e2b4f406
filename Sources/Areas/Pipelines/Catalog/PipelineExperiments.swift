// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Groups of pipeline runs.
package struct PipelineExperiments: Sendable {
    private let ledger: any LedgerStore
    private let surroundings: Surroundings

    private static let kind = "pipeline-experiment"
    /// The experiment of runs for which none is named.
    package static let defaultName = "Default"

    /// Experiments in this store.
    package init(ledger: any LedgerStore, surroundings: Surroundings) {
        self.ledger = ledger
        self.surroundings = surroundings
    }

    /// Makes an experiment.
    /// - Throws: `.alreadyExists` for a name that is taken.
    package func create(
        _ name: String, description: String = "", by actor: String
    ) async throws(GyreError) -> PipelineExperiment {
        let (experiment, isNew) = try await made(name, description, by: actor)
        guard isNew else {
            throw GyreError(.alreadyExists, "There is an experiment \"\(name.prefix(80))\" already.")
        }
        return experiment
    }

    /// The experiment of this name, which is made if it is not there.
    package func named(_ name: String, by actor: String) async throws(GyreError) -> PipelineExperiment {
        try await made(name, "", by: actor).experiment
    }

    private func made(
        _ name: String, _ description: String, by actor: String
    ) async throws(GyreError) -> (experiment: PipelineExperiment, isNew: Bool) {
        let name = try PipelineCatalog.checked(name, "experiment")
        let new = PipelineExperiment(
            id: surroundings.newID(), name: name, description: description, createdAt: surroundings.now())
        return try await ledger.transact { store throws(GyreError) in
            for document in try store.documents(Self.kind, prefix: "") where document.body["name"]?.string == name {
                return Proposal((try PipelineExperiment(json: document.body), false))
            }
            return Proposal(
                (new, true), [.create(Document(Self.kind, new.id, new.json))],
                recording: [Fact("pipelines.experiment.created", new.ref, by: actor, body: new.json)])
        }
    }

    /// An experiment by its id.
    /// - Throws: `.notFound`.
    package func experiment(_ id: String) async throws(GyreError) -> PipelineExperiment {
        guard let document = try await ledger.document(Self.kind, id) else { throw Self.missing(id) }
        return try PipelineExperiment(json: document.body)
    }

    /// All experiments, in the order of their ids.
    package func experiments() async throws(GyreError) -> [PipelineExperiment] {
        try await ledger.documents(Self.kind).map { document throws(GyreError) in
            try PipelineExperiment(json: document.body)
        }
    }

    /// Leaves an experiment out of lists, or takes it in again.
    package func archive(_ id: String, _ isArchived: Bool, by actor: String) async throws(GyreError) {
        try await ledger.transact { store throws(GyreError) in
            guard let document = try store.document(Self.kind, id) else { throw Self.missing(id) }
            var experiment = try PipelineExperiment(json: document.body)
            experiment.isArchived = isArchived
            let kind = isArchived ? "pipelines.experiment.archived" : "pipelines.experiment.unarchived"
            return Proposal(
                (), [.put(Document(Self.kind, id, experiment.json))], recording: [Fact(kind, experiment.ref, by: actor)]
            )
        }
    }

    /// Removes an experiment; its runs stay.
    package func remove(_ id: String, by actor: String) async throws(GyreError) {
        let experiment = try await self.experiment(id)
        try await ledger.commit(
            [.remove(kind: Self.kind, key: id)],
            recording: [Fact("pipelines.experiment.removed", experiment.ref, by: actor, body: experiment.json)])
    }

    private static func missing(_ id: String) -> GyreError {
        GyreError(.notFound, "There is no experiment with the id \"\(id.prefix(80))\".")
    }
}
