// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger
package import GyreSearch

/// Where traces are kept.
///
/// Spans enter without a fact of their own; what people say about traces, and their removal, has one.
package protocol TraceStore: Sendable {
    /// Changes traces in one transaction: hands out those that are there, and stores what comes back.
    func change(
        _ ids: [String], _ body: @escaping @Sendable ([String: StoredTrace]) throws(GyreError) -> [TraceChange]
    ) async throws(GyreError)
    /// Traces with tags, metadata and assessments, in the order of the ids; unknown ones are left out.
    func traces(_ ids: [String]) async throws(GyreError) -> [TraceInfo]
    /// The spans of a trace: those without a parent first, then by their start.
    func spans(of id: String) async throws(GyreError) -> [Span]
    /// How many spans are stored of a trace.
    func spanCount(of id: String) async throws(GyreError) -> Int
    /// Which traces fit, in order.
    func search(_ query: TraceQuery) async throws(GyreError) -> TracePage
    /// How many traces of these experiments fit the filter.
    func count(in experimentIDs: [Int64], _ filters: [Filter]) async throws(GyreError) -> Int
    /// The rows that figures over many traces are made from.
    func figures(_ query: FigureQuery) async throws(GyreError) -> [Figure]

    /// Removes traces with all that belongs to them, and says how many there were.
    func delete(
        _ selection: TraceSelection, recording fact: @escaping @Sendable (Int) -> Fact
    ) async throws(GyreError)
        -> Int
    /// Removes a tag.
    /// - Throws: `.notFound` if there is none.
    func deleteTag(_ key: String, of id: String) async throws(GyreError)
    /// Makes traces known to belong to a run, whether or not either is there.
    func link(_ ids: [String], toRun run: String) async throws(GyreError)
    /// Makes a trace known to have used versions of prompts.
    func link(_ id: String, toPrompts prompts: [String]) async throws(GyreError)

    /// Changes the assessments of a trace: hands out those that are there, and stores what comes back.
    /// - Throws: `.notFound` without that trace; what `body` throws.
    func changeAssessments(
        of id: String,
        _ body: @escaping @Sendable ([Assessment]) throws(GyreError) -> (assessments: [Assessment], fact: Fact?)
    ) async throws(GyreError)
}

/// A trace as it was before a change.
package struct StoredTrace: Sendable {
    /// Its account.
    package let info: TraceInfo
    /// Its spans so far.
    package let spans: [SpanSummary]

    /// A trace with its spans.
    package init(info: TraceInfo, spans: [SpanSummary]) {
        self.info = info
        self.spans = spans
    }
}

/// What is to be stored of one trace.
package struct TraceChange: Sendable {
    /// All of its account; its assessments are added to those that are there.
    package let info: TraceInfo
    /// Spans that are new, or sent again.
    package let spans: [Span]

    /// A change.
    package init(info: TraceInfo, spans: [Span] = []) {
        self.info = info
        self.spans = spans
    }
}

/// Which traces to find.
package struct TraceQuery: Sendable {
    /// In these experiments.
    package var experimentIDs: [Int64]
    /// That fit this.
    package var filter: Filter
    /// In this order; the time of the request, newest first, breaks ties.
    package var order: [OrderBy] = []
    /// After the trace that a page ended with.
    package var after: [JSONValue]?
    /// At most this many.
    package var limit = 100

    /// All traces of these experiments that fit.
    package init(experimentIDs: [Int64], filter: Filter) {
        self.experimentIDs = experimentIDs
        self.filter = filter
    }
}

/// One page of a search.
package struct TracePage: Sendable {
    /// The ids in order.
    package let ids: [String]
    /// What the next page comes after; nil at the end.
    package let next: [JSONValue]?

    /// A page.
    package init(ids: [String], next: [JSONValue]?) {
        self.ids = ids
        self.next = next
    }
}

/// Which traces to remove.
package enum TraceSelection: Sendable {
    /// These, as far as they are in the experiment.
    case ids([String], experimentID: Int64)
    /// The oldest ones up to a time, milliseconds since 1970.
    case upTo(Int64, most: Int?, experimentID: Int64)
}
