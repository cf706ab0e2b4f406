// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// One step of a trace.
package struct Span: Sendable, Hashable {
    /// `tr-` and 32 hexadecimal digits.
    package let traceID: String
    /// 16 hexadecimal digits.
    package let id: String
    /// The step it is a part of; nil for the first one.
    package let parentID: String?
    /// What the step is called.
    package let name: String
    /// When it began, nanoseconds since 1970.
    package let startNanoseconds: Int64
    /// When it ended, nanoseconds since 1970; 0 where it has not.
    package let endNanoseconds: Int64
    /// How it went.
    package let status: Status
    /// What was told about it, each value decoded.
    package var attributes: JSONObject
    /// What happened in it.
    package let events: [Event]
    /// Spans of other traces that it has to do with.
    package let links: [Link]

    /// How a step went.
    package struct Status: Sendable, Hashable {
        /// `UNSET`, `OK` or `ERROR`.
        package let code: String
        /// What went wrong.
        package let message: String

        /// A status.
        package init(code: String, message: String = "") {
            self.code = code
            self.message = message
        }
    }

    /// Something that happened at one moment.
    package struct Event: Sendable, Hashable {
        /// When, nanoseconds since 1970.
        package let atNanoseconds: Int64
        /// What.
        package let name: String
        /// More about it.
        package let attributes: JSONObject

        /// An event.
        package init(atNanoseconds: Int64, name: String, attributes: JSONObject) {
            self.atNanoseconds = atNanoseconds
            self.name = name
            self.attributes = attributes
        }
    }

    /// A span of another trace.
    package struct Link: Sendable, Hashable {
        /// 32 hexadecimal digits.
        package let traceID: String
        /// 16 hexadecimal digits.
        package let spanID: String
        /// More about it.
        package let attributes: JSONObject

        /// A link.
        package init(traceID: String, spanID: String, attributes: JSONObject) {
            self.traceID = traceID
            self.spanID = spanID
            self.attributes = attributes
        }
    }

    /// A span as a client sent it.
    ///
    /// Its attributes are brought into one form: see `SpanAttributes`.
    package init(
        traceID: String, id: String, parentID: String?, name: String, startNanoseconds: Int64, endNanoseconds: Int64,
        status: Status, attributes: JSONObject, events: [Event], links: [Link]
    ) {
        self.traceID = traceID
        self.id = id
        self.parentID = parentID
        self.name = name
        self.startNanoseconds = startNanoseconds
        self.endNanoseconds = endNanoseconds
        self.status = status
        self.attributes = attributes
        self.events = events
        self.links = links
    }

    /// `LLM`, `TOOL`, `CHAIN` and more; empty where it was not told.
    package var type: String { attributes["mlflow.spanType"]?.string ?? "" }

    /// What the trace as a whole needs to know of it.
    package var summary: SpanSummary {
        SpanSummary(
            id: id, parentID: parentID, startNanoseconds: startNanoseconds, endNanoseconds: endNanoseconds,
            tokenUsage: attributes["mlflow.chat.tokenUsage"], cost: attributes["mlflow.llm.cost"])
    }
}

/// The part of a span that sums over a trace are made from.
package struct SpanSummary: Sendable, Hashable {
    /// 16 hexadecimal digits.
    package let id: String
    /// The step it is a part of.
    package let parentID: String?
    /// Nanoseconds since 1970.
    package let startNanoseconds: Int64
    /// Nanoseconds since 1970; 0 where it has not ended.
    package let endNanoseconds: Int64
    /// Tokens in and out.
    package let tokenUsage: JSONValue?
    /// Cost in and out.
    package let cost: JSONValue?

    /// A summary.
    package init(
        id: String, parentID: String?, startNanoseconds: Int64, endNanoseconds: Int64, tokenUsage: JSONValue?,
        cost: JSONValue?
    ) {
        self.id = id
        self.parentID = parentID
        self.startNanoseconds = startNanoseconds
        self.endNanoseconds = endNanoseconds
        self.tokenUsage = tokenUsage
        self.cost = cost
    }
}
