// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

/// What applications of language models did, request by request.
extension Console {
    /// The columns that the server sorts by, and what it calls them.
    private static let columns = ["trace": "name", "state": "status", "when": "timestamp", "took": "execution_time"]

    func traces(_ request: HTTPRequest) async throws(GyreError) -> Page {
        func asked(_ name: String) -> String? { request.query(name).flatMap { $0.isEmpty ? nil : $0 } }
        let listing = Listing(request, keys: Set(Self.columns.keys), isFromServer: true)
        let order = listing.sort.flatMap { sort in
            Self.columns[sort.key].map { "attributes.\($0) \(sort.isDescending ? "DESC" : "ASC")" }
        }
        let answer = try await get(
            API.TraceList.self,
            "/traces"
                + Percent.query([
                    ("limit", "100"), ("experiment", asked("experiment")), ("run", asked("run")),
                    ("filter", asked("filter")), ("order_by", order), ("after", asked("after")),
                ]))
        let experiments = try await get(API.ExperimentList.self, "/experiments").experiments
        var fields: [Form.Field] = [
            Self.experiments(experiments, chosen: asked("experiment") ?? ""),
            .text(
                "Filter", name: "filter", value: asked("filter") ?? "", example: "status = 'ERROR' AND tag.team = 'a'"),
        ]
        if let run = asked("run") { fields.append(.hidden(name: "run", value: run)) }
        return Page("Traces", in: .traces) {
            if let run = asked("run") { Sentence("Of the run ", .link(run, to: Percent.path("runs", run)), ".") }
            Form(.search, fields: fields, buttons: [Form.Button("Search")])
            traces(answer.traces, listing: listing, next: answer.next.map { ("after", JSONValue.array($0).text) })
        }
    }

    /// A table of traces without their spans.
    func traces(
        _ traces: [API.Trace], listing: Listing? = nil, next: (name: String, value: String)? = nil
    ) -> Table {
        let rows = traces.map { trace -> [Words] in
            let said = trace.assessments.filter(\.valid).map { "\($0.name): \(text($0.value))" }
            return [
                .link(String((trace.name ?? trace.id).prefix(80)), to: Percent.path("traces", trace.id)),
                .state(trace.state), .milliseconds(trace.requestedMs), .text(Self.took(trace)),
                .short(trace.request ?? "–", 120), .short(trace.response ?? "–", 120),
                .short(said.joined(separator: "; "), 120),
            ]
        }
        return Table(
            "Traces", ["Trace", "State", "When", .number("Took"), "Request", "Response", "Assessments"], rows,
            empty: "No trace fits. Applications send theirs by mlflow or OpenTelemetry.", listing: listing, next: next)
    }

    /// A trace knows whole milliseconds only.
    static func took(_ trace: API.Trace) -> String {
        trace.durationMs == 0 ? "below 1 ms" : duration(trace.durationMs.map { Double($0) * 1e6 })
    }
}
