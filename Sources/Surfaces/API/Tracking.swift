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

    /// What somebody or something said of a trace or a span.
    package struct Assessment: APIObject {
        /// What it is about.
        package var name: String
        /// `feedback` or `expectation`.
        package var kind: String
        /// What was said.
        package var value: JSONValue
        /// Why nothing could be said.
        package var error: JSONValue
        /// The span; nil for the whole trace.
        package var spanId: String?
        /// Who said it.
        package var source: String
        /// `HUMAN`, `LLM_JUDGE` or `CODE`.
        package var sourceType: String
        /// Why.
        package var rationale: String?
        /// Whether no other one took its place.
        package var valid: Bool
        /// When it was said.
        package var createdMs: Int64
    }

    /// A moment within a span.
    package struct SpanEvent: APIObject {
        /// When.
        package var atNs: Int64
        /// What happened.
        package var name: String
        /// More about it.
        package var attributes: JSONValue
    }

    /// One call of a trace.
    package struct Span: APIObject {
        /// What tells it apart within the trace.
        package var id: String
        /// The call that it was part of; nil for none.
        package var parentId: String?
        /// What users call it.
        package var name: String
        /// `CHAIN`, `LLM`, `TOOL` and more; may be empty.
        package var type: String
        /// When it began.
        package var startNs: Int64
        /// When it ended; nil while it goes on.
        package var endNs: Int64?
        /// `OK`, `ERROR` or `UNSET`.
        package var status: String
        /// What went wrong; may be empty.
        package var message: String
        /// What went in, what came out, and more.
        package var attributes: JSONValue
        /// In order.
        package var events: [SpanEvent]
    }

    /// A metric of a logged model.
    package struct LoggedMetric: APIObject {
        /// Its key.
        package var name: String
        /// The value; nil where it is no number.
        package var value: Double?
        /// Where in the training.
        package var step: Int64
        /// The run that logged it.
        package var runId: String
        /// The dataset that it was measured on.
        package var dataset: String?
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
        package var assessments: [Assessment]
        /// Its spans, where one trace is asked for.
        package var spans: [Span]?
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
        package var metrics: [LoggedMetric]?
    }

    /// Models as runs logged them.
    package struct LoggedModelList: APIObject {
        /// Newest first.
        package var loggedModels: [LoggedModel]
    }
}
