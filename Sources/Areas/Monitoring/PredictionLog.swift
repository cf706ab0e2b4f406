// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Where predictions and their labels are kept.
package protocol PredictionLog: Sendable {
    /// Appends a prediction. When this returns a killed process does not lose it; it takes a few microseconds and does not suspend.
    func append(_ prediction: Prediction) throws(GyreError)
    /// Appends labels; they are on disk when this returns.
    func append(_ labels: [Label], endpoint: String) async throws(GyreError)
    /// Rows of an endpoint whose event falls in a window, with their labels, in the order in which they were answered.
    func rows(_ query: PredictionQuery) async throws(GyreError) -> [LoggedRow]
    /// One prediction by its id, with its label if there is one.
    func find(_ id: String, endpoint: String) async throws(GyreError) -> JSONValue?
    /// Those of `ids` that the log has predictions of.
    func known(_ ids: [String], endpoint: String) async throws(GyreError) -> Set<String>
    /// Ids that begin with `digits`, at most `limit` of them.
    func ids(beginningWith digits: String, endpoint: String, limit: Int) async throws(GyreError) -> [String]
    /// How many predictions, labels and failures an endpoint has had, by model version.
    func counts(_ endpoint: String) async throws(GyreError) -> JSONValue
    /// Makes segments of what is full, or of everything; one endpoint's trouble does not keep the others from it.
    ///
    /// `record`: writes down each segment, once its file is there and before what it was made of goes; after a kill it may be told of
    /// a segment again.
    /// - Throws: what went wrong, once all were tried.
    func closeSegments(
        all: Bool, record: @Sendable (ClosedSegment) async throws(GyreError) -> Void
    ) async throws(GyreError)
}

/// Which rows to read.
package struct PredictionQuery: Sendable, Hashable {
    /// The name of the endpoint that was asked.
    package let endpoint: String
    /// From this event time on, microseconds since 1970.
    package let from: Int64
    /// Up to but not including this one.
    package let to: Int64
    /// Only of this version.
    package let version: Int?
    /// Only rows answered at or after this time.
    package var answeredFrom: Int64 = 0
    /// Only rows answered before this time.
    package var answeredBefore = Int64.max
    /// Only so many, those answered last.
    package var newest: Int?
    /// Whether rows come with the columns of their inputs, which take most of the memory.
    package var hasInputs = true

    /// A window.
    package init(endpoint: String, from: Int64, to: Int64, version: Int? = nil) {
        self.endpoint = endpoint
        self.from = from
        self.to = to
        self.version = version
    }
}

/// A row of the log as monitors need it.
package struct LoggedRow: Sendable, Hashable {
    /// The request's id, with `#n` for the n-th row after the first.
    package let id: String
    /// The model version.
    package let version: Int
    /// The columns of the input.
    package let inputs: [Double?]
    /// The one number that quality is computed from; nil where the answer has none.
    package let score: Double?
    /// The label, once it is known.
    package let label: Double?
    /// How long the answer took.
    package let latencyMicroseconds: Int64
    /// Whether there was no answer.
    package let isError: Bool
    /// How likely this version was to be asked; nil where that was not known.
    package let probability: Double?
    /// What the score is; nil where that was not written down.
    package let scoreKind: ScoreKind?
    /// Its place among the rows of its request, from 0.
    package let row: Int
    /// Whether a canary answered it that only watches.
    package let isMirrored: Bool

    /// A row.
    package init(
        id: String, version: Int, inputs: [Double?], score: Double?, label: Double?, latencyMicroseconds: Int64,
        isError: Bool, probability: Double? = nil, scoreKind: ScoreKind? = nil, row: Int = 0, isMirrored: Bool = false
    ) {
        self.id = id
        self.version = version
        self.inputs = inputs
        self.score = score
        self.label = label
        self.latencyMicroseconds = latencyMicroseconds
        self.isError = isError
        self.probability = probability
        self.scoreKind = scoreKind
        self.row = row
        self.isMirrored = isMirrored
    }
}

/// A segment that will not change any more.
package struct ClosedSegment: Sendable, Hashable {
    /// The name of the endpoint that was asked.
    package let endpoint: String
    /// Its name: the time it was closed.
    package let name: String
    /// How many predictions it holds.
    package let rows: Int64
    /// The digest of its bytes.
    package let digest: Digest
    /// Whether it was made before, by a server that was killed: it may have been recorded then.
    package let wasMade: Bool

    /// A segment.
    package init(endpoint: String, name: String, rows: Int64, digest: Digest, wasMade: Bool = false) {
        self.wasMade = wasMade
        self.endpoint = endpoint
        self.name = name
        self.rows = rows
        self.digest = digest
    }
}
