// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Tracked runs, traces and logged models.
extension API {
    /// A group of tracked runs.
    package struct Experiment: APIObject {
        /// What tells it apart; the server makes it.
        package var id: String
        /// What users call it.
        package var name: String
        /// When it was made.
        package var createdMs: Int64
    }

    /// Experiments.
    package struct ExperimentList: APIObject {
        /// Those that are not deleted.
        package var experiments: [Experiment]
    }

    /// A tracked run.
    package struct Run: APIObject {
        /// What tells it apart; the server makes it.
        package var id: String
        /// The id of its experiment.
        package var experiment: String
        /// What users call it.
        package var name: String
        /// `RUNNING`, `FINISHED`, `FAILED` and more.
        package var status: String
        /// When it started.
        package var startMs: Int64
        /// When it ended.
        package var endMs: Int64?
        /// The newest value of each metric.
        package var metrics: JSONValue
        /// Its parameters.
        package var params: [String: String]
        /// Keys and values, as clients set them.
        package var tags: [String: String]
    }

    /// Tracked runs.
    package struct RunList: APIObject {
        /// In the order that was asked for.
        package var runs: [Run]
        /// Where the next page begins: `after`.
        package var next: [JSONValue]?
    }

    /// A point of a metric.
    package struct Point: APIObject {
        /// Where in the training.
        package var step: Int64
        /// The value; may be no number.
        package var value: JSONValue
        /// When it was logged.
        package var timestampMs: Int64
    }

    /// Points of a metric.
    package struct History: APIObject {
        /// In order.
        package var points: [Point]
        /// Where events of the run go on.
        package var cursor: String?
    }

    /// What happened in an application, call by call.
    package struct Trace: APIObject {
        /// What tells it apart; the server makes it.
        package var id: String
        /// The id of its experiment.
        package var experiment: String
        /// What users call it.
        package var name: String?
        /// `OK`, `ERROR`, `IN_PROGRESS`.
        package var state: String
        /// When it began.
        package var requestedMs: Int64
        /// How long it took.
        package var durationMs: Int64?
        /// The run that it belongs to.
        package var runId: String?
        /// The beginning of what was asked.
        package var request: String?
        /// The beginning of what was answered.
        package var response: String?
        /// Keys and values, as clients set them.
        package var tags: [String: String]
        /// What the client noted.
        package var metadata: [String: String]
        /// Feedback and expectations.
        package var assessments: [JSONValue]
        /// Its spans, where one trace is asked for.
        package var spans: [JSONValue]?
    }

    /// Traces.
    package struct TraceList: APIObject {
        /// Newest first.
        package var traces: [Trace]
        /// Where the next page begins: `after`.
        package var next: [JSONValue]?
    }

    /// A model as a run logged it.
    package struct LoggedModel: APIObject {
        /// What tells it apart; the server makes it.
        package var id: String
        /// The id of its experiment.
        package var experiment: String
        /// What users call it.
        package var name: String
        /// The tracked one that it belongs to; empty or nil for none.
        package var runId: String
        /// What kind of model.
        package var type: String
        /// Whether it is ready.
        package var status: String
        /// Where its files are.
        package var artifactUri: String
        /// Its parameters.
        package var params: [String: String]
        /// Keys and values, as clients set them.
        package var tags: [String: String]
        /// When it was logged.
        package var createdMs: Int64
        /// Its metrics, where one model is asked for.
        package var metrics: [JSONValue]?
    }

    /// Models as runs logged them.
    package struct LoggedModelList: APIObject {
        /// Newest first.
        package var loggedModels: [LoggedModel]
    }
}
