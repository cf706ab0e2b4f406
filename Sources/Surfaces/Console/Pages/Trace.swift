// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

extension Console {
    func trace(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let trace = try await get(API.Trace.self, Percent.path("traces", request.parameter("id")))
        let experiment = trace.experiment
        let spans = trace.spans ?? []
        let tree = SpanTree(spans)
        return Page(trace.name ?? trace.id, in: .traces, below: [("Traces", "/traces")]) {
            Facts([
                ("Trace", .text(trace.id)), ("State", .state(trace.state)),
                ("Experiment", .link(experiment, to: "/traces" + Percent.query([("experiment", experiment)]))),
                ("Run", trace.runId.map { .link($0, to: Percent.path("runs", $0)) } ?? .none),
                ("When", .milliseconds(trace.requestedMs)), ("Took", .text(Self.took(trace))),
            ])
            Section("Spans") {
                if spans.isEmpty {
                    EmptyState("No span of it has come.")
                } else {
                    Tree(label: "Spans", items: tree.items)
                    Note(shown: tree.shown, of: spans.count, "spans")
                }
            }
            assessments(trace.assessments)
            pairs("Tags", "Tag", trace.tags, empty: "No tag was set.")
            pairs("Metadata", "Name", trace.metadata, empty: "Nothing more was told.")
        }
    }

    private func assessments(_ assessments: [API.Assessment]) -> Section {
        let rows = assessments.map { said -> [Words] in
            [
                .short(said.name, 80), .text(said.kind),
                .short(said.error.isNull ? text(said.value) : "error: \(text(said.error))"), .text(said.source),
                .short(said.rationale ?? "–"), .milliseconds(said.createdMs),
                .text(said.valid ? "" : "another took its place"),
            ]
        }
        return Section("Assessments") {
            Table(
                "Assessments", ["What", "Kind", "Value", "By", "Why", "When", ""], rows,
                empty: "Nobody has said how good it was.")
        }
    }
}

/// The spans of a trace as a tree: what each took, when within the whole, what went in and what came out.
private struct SpanTree {
    private static let (mostSpans, mostDepth) = (500, 100)
    let items: [Tree.Item]
    /// How many spans are in it.
    let shown: Int

    init(_ spans: [API.Span]) {
        let taken = spans.prefix(Self.mostSpans)
        let ids = Set(taken.map(\.id))
        let begin = Double(taken.map(\.startNs).min() ?? 0)
        let whole = max(1, (taken.compactMap(\.endNs).max().map { Double($0) } ?? begin) - begin)
        // A span whose parent has not come, or is itself, begins a tree of its own.
        func parent(_ span: API.Span) -> String? {
            span.parentId.flatMap { ids.contains($0) && $0 != span.id ? $0 : nil }
        }
        let children = Dictionary(grouping: taken.filter { parent($0) != nil }) { parent($0) ?? "" }
        var seen: Set<String> = []
        func item(_ span: API.Span, _ depth: Int) -> Tree.Item {
            seen.insert(span.id)
            var below: [Tree.Item] = []
            for child in children[span.id] ?? [] where depth < Self.mostDepth && !seen.contains(child.id) {
                below.append(item(child, depth + 1))
            }
            return Self.item(span, begin: begin, whole: whole, children: below)
        }
        items = taken.filter { parent($0) == nil }.map { item($0, 0) }
        shown = seen.count
    }

    private static func item(_ span: API.Span, begin: Double, whole: Double, children: [Tree.Item]) -> Tree.Item {
        let start = Double(span.startNs)
        let took = span.endNs.map { Double($0) - start }
        let left = min(100, max(0, (start - begin) / whole * 100))
        return Tree.Item(
            id: span.id, name: span.name,
            badges: (span.type.isEmpty ? [] : [Badge(span.type)]) + (span.status == "ERROR" ? [Badge("failed")] : []),
            times: "\(Console.duration(took)), from \(Console.duration(start - begin))",
            lane: (left, min(100 - left, max(0.5, (took ?? 0) / whole * 100))), parts: content(span), children: children
        )
    }

    private static func content(_ span: API.Span) -> [any Part] {
        var parts: [any Part] = []
        if !span.message.isEmpty { parts.append(Note(.short(span.message, 2000), tone: .bad)) }
        var others = span.attributes.object?.members ?? []
        for (key, title) in [("mlflow.spanInputs", "Inputs"), ("mlflow.spanOutputs", "Outputs")] {
            if let value = span.attributes[key], !value.isNull {
                let block = CodeBlock(text: value.string ?? value.indented(), label: title)
                parts.append(Detail(title: title, part: block))
            }
            others.removeAll { $0.name == key }
        }
        if !others.isEmpty {
            let pairs = others.prefix(100).map { (name: $0.name, value: Words.short($0.value.string ?? $0.value.text)) }
            parts.append(Detail(title: "Attributes", part: Facts(pairs)))
        }
        for event in span.events.prefix(50) {
            let block = CodeBlock(text: event.attributes.indented(), label: "Event")
            parts.append(Detail(title: "Event: \(event.name)", part: block))
        }
        return parts
    }
}
