// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger
package import GyreSearch

/// Where experiments and runs are kept.
///
/// Metric points, params and tags enter without a fact of their own: when the run ends, one fact holds their digest.
package protocol TrackingStore: Sendable {
    /// Makes an experiment; the fact is told with its new id.
    /// - Throws: `.alreadyExists` for a name that is taken, also by a deleted experiment.
    func createExperiment(
        _ draft: ExperimentDraft, recording fact: @escaping @Sendable (Int64) -> Fact
    ) async throws(GyreError) -> Experiment
    /// An experiment, deleted or not.
    func experiment(_ id: Int64) async throws(GyreError) -> Experiment?
    /// An experiment by name, deleted or not.
    func experiment(named name: String) async throws(GyreError) -> Experiment?
    /// All experiments of a view, newest change first.
    func experiments(_ view: LifecycleView) async throws(GyreError) -> [Experiment]
    /// Renames, deletes or restores; deleting takes the active runs along and restoring brings them back.
    func updateExperiment(
        _ id: Int64, _ change: ExperimentChange, at milliseconds: Int64, recording fact: Fact
    ) async throws(GyreError)

    /// How many runs there are, deleted ones too.
    func countRuns() async throws(GyreError) -> Int64

    /// Makes the run that `make` gives for its experiment, with its first tags.
    /// - Throws: `.notFound` without that experiment; `.alreadyExists` for an id that is taken; what `make` throws.
    func createRun(
        in experiment: Int64, _ make: @escaping @Sendable (Experiment) throws(GyreError) -> (run: Run, fact: Fact)
    ) async throws(GyreError) -> Run
    /// A run with its data, deleted or not.
    func run(_ id: String) async throws(GyreError) -> Run?
    /// Changes status, end or name, and records the fact if there is one.
    func updateRun(_ id: String, _ change: RunChange, recording fact: Fact?) async throws(GyreError)
    /// Stores points, params, tags and links, all or nothing.
    /// - Throws: `.notFound`; `.invalid` for a deleted run or a param that has another value already.
    func log(_ id: String, _ entries: RunEntries) async throws(GyreError)
    /// Adds an element to a tag that holds a JSON list.
    func appendToTag(_ key: String, _ element: JSONValue, of id: String) async throws(GyreError)
    /// Removes a tag.
    /// - Throws: `.notFound` if there is none.
    func deleteTag(_ key: String, of id: String) async throws(GyreError)
    /// Which runs fit, in order; their data is read with `runs`.
    func searchRuns(_ query: RunQuery) async throws(GyreError) -> RunPage
    /// Runs with their data, by the rows of a page; a run that is gone meanwhile is left out.
    func runs(_ rows: [Int64]) async throws(GyreError) -> [Run]
    /// Points of one metric by time, step and value, those after a given one; none of an unknown run.
    func history(
        of key: String, in id: String, after: MetricPoint?, limit: Int
    ) async throws(GyreError) -> [MetricPoint]
    /// At most about `count` points of one metric, evenly spread over all of them, the last one among them.
    func sample(of key: String, in id: String, count: Int) async throws(GyreError) -> [MetricPoint]
    /// The points that are about these logged models, whatever run logged them.
    func modelMetrics(_ modelIDs: [String]) async throws(GyreError) -> [ModelMetric]

    /// The different datasets that runs of these experiments used, by name.
    func datasets(in experimentIDs: [Int64]) async throws(GyreError) -> [UsedDataset]

    /// Runs that were deleted up to a time, those longest ago first.
    func deletedRuns(before milliseconds: Int64, limit: Int) async throws(GyreError) -> [Run]
    /// Experiments that were deleted up to a time.
    func deletedExperiments(before milliseconds: Int64) async throws(GyreError) -> [Experiment]
    /// Removes deleted runs for good, with all their data and the names of their artifacts.
    func remove(_ runs: [Run], recording facts: [Fact]) async throws(GyreError)
    /// Removes a deleted experiment without runs for good, with its traces; its name is free again.
    /// - Throws: `.conflict` while it has runs.
    func remove(_ experiment: Experiment, recording fact: Fact) async throws(GyreError)
    /// The blobs that artifacts name.
    func artifactDigests() async throws(GyreError) -> Set<Digest>

    /// The blob behind an artifact path.
    func artifact(_ path: RelativePath) async throws(GyreError) -> StoredBlob?
    /// Names a blob; an older one of that name is replaced.
    ///
    /// `replacing`: makes the fact that tells of it where the older one was another blob.
    func putArtifact(
        _ path: RelativePath, _ blob: StoredBlob, replacing: @escaping @Sendable (Digest) -> Fact
    ) async throws(GyreError)
    /// Files below a folder (all of them for nil), by path.
    func artifacts(below folder: RelativePath?) async throws(GyreError) -> [ArtifactFile]
    /// Removes a file or a folder; false, and no fact, if there was none.
    func deleteArtifacts(_ path: RelativePath, recording fact: Fact) async throws(GyreError) -> Bool
}

/// An experiment that is not stored yet.
package struct ExperimentDraft: Sendable, Hashable {
    /// What people will call it; no other experiment has it, deleted ones included.
    package let name: String
    /// Where artifacts go; nil for the server's own place.
    package let artifactLocation: String?
    /// What it is to be noted with; each key once.
    package let tags: [KeyValue]
    /// When, milliseconds since 1970.
    package let atMilliseconds: Int64

    /// A draft.
    package init(name: String, artifactLocation: String?, tags: [KeyValue], atMilliseconds: Int64) {
        self.name = name
        self.artifactLocation = artifactLocation
        self.tags = tags
        self.atMilliseconds = atMilliseconds
    }
}

/// A change to an experiment.
package enum ExperimentChange: Sendable, Hashable {
    case rename(String)
    case delete
    case restore
    case setTag(KeyValue)
    case deleteTag(String)
}

/// A change to a run.
package struct RunChange: Sendable, Hashable {
    /// A new status.
    package var status: Run.Status?
    /// A new end, milliseconds since 1970.
    package var endMilliseconds: Int64?
    /// A new name, which is also the tag `mlflow.runName`.
    package var name: String?
    /// Deletes or restores.
    package var isDeleted: Bool?

    /// No change.
    package init() {}
}

/// What one call logs to a run.
package struct RunEntries: Sendable, Hashable {
    /// Points.
    package var metrics: [MetricPoint] = []
    /// Params; one that is there already must have the same value.
    package var params: [KeyValue] = []
    /// What it is to be noted with; each key once.
    package var tags: [KeyValue] = []
    /// Datasets and models that the run used or made.
    package var links: [RunLink] = []

    /// Nothing.
    package init() {}
}

/// Which runs to find.
package struct RunQuery: Sendable, Hashable {
    /// In these experiments.
    package var experimentIDs: [Int64] = []
    /// That fit this.
    package var filter: Filter
    /// In this order; start, newest first, breaks ties.
    package var order: [OrderBy] = []
    /// Active, deleted or both.
    package var view: LifecycleView = .active
    /// After the run that a page ended with.
    package var after: [JSONValue]?
    /// At most this many.
    package var limit = 1000

    /// All active runs of these experiments.
    package init(experimentIDs: [Int64], filter: Filter) {
        self.experimentIDs = experimentIDs
        self.filter = filter
    }
}

/// One page of a search.
package struct RunPage: Sendable, Hashable {
    /// Where the store has the runs, in order.
    package let rows: [Int64]
    /// What the next page comes after; nil at the end.
    package let next: [JSONValue]?

    /// A page.
    package init(rows: [Int64], next: [JSONValue]?) {
        self.rows = rows
        self.next = next
    }
}

/// A point about a logged model.
package struct ModelMetric: Sendable, Hashable {
    /// The run that logged it.
    package let runID: String
    /// What was measured, when and at which step.
    package let point: MetricPoint

    /// A point that a run logged.
    package init(runID: String, point: MetricPoint) {
        self.runID = runID
        self.point = point
    }
}

/// A dataset as runs used it.
package struct UsedDataset: Sendable, Hashable {
    /// The experiment of the runs.
    package let experimentID: Int64
    /// What the client called it.
    package let name: String
    /// Its digest, as the client made it.
    package let digest: String
    /// What it was used for: `training`, `eval`.
    package let context: String?

    /// A dataset.
    package init(experimentID: Int64, name: String, digest: String, context: String?) {
        self.experimentID = experimentID
        self.name = name
        self.digest = digest
        self.context = context
    }
}

/// A file among the artifacts.
package struct ArtifactFile: Sendable, Hashable {
    /// Its path from the root of all artifacts.
    package let path: RelativePath
    /// Its content.
    package let blob: StoredBlob

    /// A file.
    package init(path: RelativePath, blob: StoredBlob) {
        self.path = path
        self.blob = blob
    }
}
