// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What is known of one trace besides its spans.
package struct TraceInfo: Sendable, Hashable {
    /// `tr-` and 32 hexadecimal digits unless an old client made it.
    package let id: String
    /// The experiment it belongs to.
    package var experimentID: Int64
    /// When the request came, milliseconds since 1970.
    package var requestMilliseconds: Int64
    /// How long it took; nil while it runs.
    package var durationMilliseconds: Int64?
    /// How it went.
    package var state: State
    /// The id that the caller gave the request.
    package var clientRequestID: String?
    /// The beginning of what was asked.
    package var requestPreview: String?
    /// The beginning of what was answered.
    package var responsePreview: String?
    /// Its tags; `mlflow.traceName` is its name.
    package var tags: [String: String] = [:]
    /// What never changes: token counts, session, user and more.
    package var metadata: [String: String] = [:]
    /// What people, judges and code said about it, oldest first.
    package var assessments: [Assessment] = []

    /// How a trace went.
    package enum State: String, Sendable, Hashable, CaseIterable {
        case unspecified = "STATE_UNSPECIFIED"
        case ok = "OK"
        case error = "ERROR"
        case inProgress = "IN_PROGRESS"

        /// Whether spans may still decide it.
        var isOpen: Bool { self == .unspecified || self == .inProgress }
    }

    /// A trace of which nothing but its place and time is known.
    package init(id: String, experimentID: Int64, requestMilliseconds: Int64, state: State) {
        self.id = id
        self.experimentID = experimentID
        self.requestMilliseconds = requestMilliseconds
        self.state = state
    }

    /// `trace/<id>`.
    package var ref: Ref { Ref("trace", id) }

    /// Whether its own account of itself has come, and not its spans alone.
    var isFinalized: Bool { metadata[MetadataKey.isFinalized] == "true" }

    /// How many spans it says that it has; nil where it does not say.
    package var announcedSpans: Int? {
        guard let text = metadata[MetadataKey.sizeStatistics] else { return nil }
        // A client's own text: what cannot be read announces nothing.
        return (try? JSONValue(parsing: text))?["num_spans"]?.int.map { Int($0) }
    }
}

/// Names of tags that mean something here.
package enum TagKey {
    /// The trace's name.
    package static let name = "mlflow.traceName"
    /// Where files of the trace are.
    package static let artifactLocation = "mlflow.artifactLocation"
    /// Where its spans are.
    package static let spansLocation = "mlflow.trace.spansLocation"
    /// The value of `spansLocation` for spans that are kept here.
    package static let spansAreHere = "TRACKING_STORE"
    /// Tags that are not the client's to change.
    package static let immutable: Set = [
        spansLocation, "mlflow.trace.archiveLocation", "mlflow.trace.archivalFailure",
    ]
}

/// Names of metadata that mean something here.
package enum MetadataKey {
    /// Whether the trace's own account has come.
    package static let isFinalized = "mlflow.trace.infoFinalized"
    /// Tokens in and out, as JSON.
    package static let tokenUsage = "mlflow.trace.tokenUsage"
    /// What it cost, as JSON.
    package static let cost = "mlflow.trace.cost"
    /// The conversation it is a part of.
    package static let session = "mlflow.trace.session"
    /// Who asked.
    package static let user = "mlflow.trace.user"
    /// How large it is, as JSON.
    package static let sizeStatistics = "mlflow.trace.sizeStats"
    /// The run that it was made in.
    package static let sourceRun = "mlflow.sourceRun"
}
