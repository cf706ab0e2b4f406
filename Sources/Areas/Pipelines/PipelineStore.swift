// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Where runs of pipelines are kept, with their tasks and what happened to them.
///
/// Tasks that only stand for others, and events, enter without a fact of their own: when the run ends, one fact holds the digest of all.
package protocol PipelineStore: Sendable {
    /// Keeps a new run.
    /// - Throws: `.alreadyExists` for an id that is taken, or a name that another run of its namespace has.
    func create(_ run: PipelineRun, recording fact: Fact) async throws(GyreError)
    /// Keeps what came of some events, all or nothing; on disk when it returns.
    func keep(_ step: RunStep) async throws(GyreError)
    /// Changes a run that has ended.
    /// - Throws: `.notFound`; what `change` throws.
    func update(
        _ id: String, recording fact: Fact?,
        _ change: @escaping @Sendable (inout PipelineRun) throws(GyreError) -> Void
    ) async throws(GyreError) -> PipelineRun
    /// Lets a run that has ended go on: it is running again, and these tasks are as if they had never been.
    func reopen(_ run: PipelineRun, forgetting paths: [String], recording fact: Fact) async throws(GyreError)
    /// Removes a run with its tasks.
    func remove(_ id: String, recording fact: Fact) async throws(GyreError)

    /// A run by its whole id.
    func run(_ id: String) async throws(GyreError) -> PipelineRun?
    /// Runs whose id begins so; two at most.
    func runs(beginning prefix: String) async throws(GyreError) -> [PipelineRun]
    /// Runs that fit, a page of them.
    func runs(_ query: PipelineRunQuery) async throws(GyreError) -> PipelineRunPage
    /// Runs whose end was told to nobody, oldest first.
    func untold() async throws(GyreError) -> [PipelineRun]
    /// Remembers that the end of a run was told.
    func told(_ id: String, recording fact: Fact) async throws(GyreError)

    /// The tasks of a run by path; those after `after`, at most `limit`.
    func tasks(of id: String, after: String?, limit: Int) async throws(GyreError) -> [TaskRecord]
    /// One task.
    func task(_ path: String, of id: String) async throws(GyreError) -> TaskRecord?
    /// What happened to a run that has not ended, in order.
    func events(of id: String) async throws(GyreError) -> [JSONValue]
    /// The blobs that runs and tasks name.
    func namedDigests() async throws(GyreError) -> Set<Digest>
}

extension PipelineStore {
    /// All tasks of a run.
    package func tasks(of id: String) async throws(GyreError) -> [TaskRecord] {
        try await tasks(of: id, after: nil, limit: .max)
    }
}

/// What came of some events of a run.
package struct RunStep: Sendable {
    /// What it belongs to, by id.
    package let run: String
    /// The events as they are stored, with the number of the first.
    package var events: [JSONValue] = []
    /// Tasks as they are now.
    package var tasks: [TaskRecord] = []
    /// What the cache remembers.
    package var changes: [Change] = []
    /// What happened, for the ledger.
    package var facts: [Fact] = []
    /// The run where it has ended, with the fact of it: that is told the digest of all tasks and how many there are.
    package var end: (run: PipelineRun, fact: @Sendable (Digest, Int) -> Fact)?

    /// A step of a run.
    package init(run: String) { self.run = run }
}

/// Which runs to list.
package struct PipelineRunQuery: Sendable {
    /// What is known of each.
    package var conditions: [Condition] = []
    /// What they are ordered by.
    package var order = Column.startedAt
    /// Whether the first are the smallest.
    package var isAscending = false
    /// Where a page goes on, as the page before says.
    package var after: [JSONValue]?
    /// At most this many.
    package var limit = 100

    /// Every run, newest first.
    package init() {}

    /// What runs are told apart by.
    package enum Column: String, Sendable, CaseIterable {
        case id
        case name
        case pipeline
        case namespace
        case experiment
        case schedule
        case state
        case isArchived = "is_archived"
        case startedAt = "started_at"
        case endedAt = "ended_at"
    }

    /// What must hold of a run that is listed.
    package struct Condition: Sendable, Hashable {
        /// What it is about.
        package let column: Column
        /// How it is compared.
        package let comparison: Comparison
        /// With what: a text, a whole number, a truth, or a list for `.among`.
        package let value: JSONValue

        /// A condition.
        package init(_ column: Column, _ comparison: Comparison, _ value: JSONValue) {
            self.column = column
            self.comparison = comparison
            self.value = value
        }

        /// How two values compare.
        package enum Comparison: Sendable, Hashable {
            case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, among, contains
        }
    }
}

/// Some runs.
package struct PipelineRunPage: Sendable {
    /// In their order.
    package let runs: [PipelineRun]
    /// Where the next page goes on; nil for the last.
    package let next: [JSONValue]?
    /// How many there are in all.
    package let total: Int

    /// A page.
    package init(runs: [PipelineRun], next: [JSONValue]?, total: Int) {
        self.runs = runs
        self.next = next
        self.total = total
    }
}
