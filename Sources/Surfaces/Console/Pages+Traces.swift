// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML
internal import GyreHTTP

/// What applications of language models did, request by request.
extension Console {
    func traces(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let names = ["experiment", "run", "filter"]
        let asked = names.map { ($0, request.query($0).flatMap { $0.isEmpty ? nil : $0 }) }
        let query = Percent.query(asked.map { (name: $0.0, value: $0.1) })
        let after = request.query("after").map { "&after=\(Block.query($0))" } ?? ""
        let answer = try await api("/traces\(query.isEmpty ? "?" : query + "&")limit=100\(after)")
        let experiments = try await api("/experiments")["experiments"]?.array ?? []
        var content = [
            search(experiments, experiment: request.query("experiment") ?? "", filter: request.query("filter") ?? ""),
            traces(answer["traces"]?.array ?? []),
        ]
        if let run = request.query("run"), !run.isEmpty {
            content.insert(
                .element("p", [], HTML("Of the run "), .link(run, to: "/runs/\(Block.query(run))"), HTML(".")), at: 0)
        }
        if let next = answer["next"] {
            let address = "/traces\(query.isEmpty ? "?" : query + "&")after=\(Block.query(next.text))"
            content.append(.element("p", [], .link("Older traces", to: address)))
        }
        return Page(title: "Traces", section: "Traces", content: content)
    }

    private func search(_ experiments: [JSONValue], experiment: String, filter: String) -> HTML {
        let options =
            [HTML.element("option", [("value", "")], HTML("All experiments"))]
            + experiments.prefix(500).map {
                let id = text($0["id"])
                return .element(
                    "option", [("value", id), id == experiment ? ("selected", "") : ("", "")],
                    Block.short(text($0["name"]), 80))
            }
        return .element(
            "form", [("role", "search")],
            .element("label", [], HTML("Experiment "), .element("select", [("name", "experiment")], options)),
            .element(
                "label", [], HTML("Filter "),
                .void(
                    "input",
                    [("name", "filter"), ("value", filter), ("placeholder", "status = 'ERROR' AND tag.team = 'a'")])),
            .element("button", [], HTML("Search")))
    }

    /// A table of traces without their spans.
    func traces(_ traces: [JSONValue]) -> HTML {
        let rows = traces.map { trace -> [HTML] in
            let said = (trace["assessments"]?.array ?? []).filter { $0["valid"]?.bool == true }.map {
                "\(text($0["name"])): \(text($0["value"]))"
            }
            return [
                .link(
                    String(text(trace["name"] ?? trace["id"]).prefix(80)),
                    to: "/traces/\(Block.query(text(trace["id"])))"),
                Block.badge(text(trace["state"])), HTML(time(trace["requested_ms"]?.int.map { $0 * 1000 })),
                HTML(Self.took(trace)), Block.short(text(trace["request"]), 120),
                Block.short(text(trace["response"]), 120), Block.short(said.joined(separator: "; "), 120),
            ]
        }
        return Block.table(
            "Traces", ["Trace", "State", "When", "Took", "Request", "Response", "Assessments"], rows,
            empty: "No trace fits. Applications send theirs by mlflow or OpenTelemetry.")
    }

    func trace(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let trace = try await api("/traces/\(Block.query(request.parameter("id")))")
        let experiment = text(trace["experiment"])
        let run = trace["run_id"]?.string
        let spans = trace["spans"]?.array ?? []
        return Page(
            title: text(trace["name"] ?? trace["id"]), section: "Traces",
            content: [
                Block.facts([
                    ("Trace", HTML(text(trace["id"]))), ("State", Block.badge(text(trace["state"]))),
                    (
                        "Experiment",
                        .link(experiment, to: "/traces?experiment=\(Block.query(experiment))")
                    ), ("Run", run.map { .link($0, to: "/runs/\(Block.query($0))") } ?? HTML("–")),
                    ("When", HTML(time(trace["requested_ms"]?.int.map { $0 * 1000 }))),
                    ("Took", HTML(Self.took(trace))),
                ]),
                Block.section(
                    "Spans",
                    spans.isEmpty
                        ? .element("p", [("class", "empty")], HTML("No span of it has come."))
                        : SpanTree(spans).html), assessments(trace["assessments"]?.array ?? []),
                pairs("Tags", "Tag", trace["tags"], empty: "No tag was set."),
                pairs("Metadata", "Name", trace["metadata"], empty: "Nothing more was told."),
            ])
    }

    private func assessments(_ assessments: [JSONValue]) -> HTML {
        let rows = assessments.map { said -> [HTML] in
            [
                Block.short(text(said["name"]), 80), HTML(text(said["kind"])),
                Block.short(said["error"]?.isNull == false ? "error: \(text(said["error"]))" : text(said["value"])),
                HTML(text(said["source"])), Block.short(text(said["rationale"])),
                HTML(time(said["created_ms"]?.int.map { $0 * 1000 })),
                said["valid"]?.bool == true ? .empty : HTML("another took its place"),
            ]
        }
        return Block.section(
            "Assessments",
            Block.table(
                "Assessments", ["What", "Kind", "Value", "By", "Why", "When", ""], rows,
                empty: "Nobody has said how good it was."))
    }

    /// A trace knows whole milliseconds only.
    private static func took(_ trace: JSONValue) -> String {
        trace["duration_ms"]?.int == 0 ? "below 1 ms" : duration(trace["duration_ms"]?.double.map { $0 * 1e6 })
    }

    /// A time that something took, in the unit that suits it.
    static func duration(_ nanoseconds: Double?) -> String {
        guard let nanoseconds else { return "–" }
        switch nanoseconds {
        case ..<1e6: return "\(Number.readable(nanoseconds / 1e3)) µs"
        case ..<1e9: return "\(Number.readable(nanoseconds / 1e6)) ms"
        default: return "\(Number.readable(nanoseconds / 1e9)) s"
        }
    }
}

/// The spans of a trace as a tree: what each took, when within the whole, what went in and what came out.
struct SpanTree {
    private static let mostSpans = 500
    private let children: [String: [JSONValue]]
    private let roots: [JSONValue]
    private let total: Int
    private let begin: Double
    private let whole: Double

    init(_ spans: [JSONValue]) {
        let shown = spans.prefix(Self.mostSpans)
        let ids = Set(shown.compactMap { $0["id"]?.string })
        total = spans.count
        begin = shown.compactMap { $0["start_ns"]?.double }.min() ?? 0
        whole = max(1, (shown.compactMap { $0["end_ns"]?.double }.max() ?? begin) - begin)
        // A span whose parent has not come, or is itself, begins a tree of its own.
        func parent(_ span: JSONValue) -> String? {
            span["parent_id"]?.string.flatMap { ids.contains($0) && $0 != span["id"]?.string ? $0 : nil }
        }
        children = Dictionary(grouping: shown.filter { parent($0) != nil }) { parent($0) ?? "" }
        roots = shown.filter { parent($0) == nil }
    }

    var html: HTML {
        var seen: Set<String> = []
        let tree = roots.map { item($0, 0, &seen) }
        return .element(
            "div", [("class", "scroll tree"), ("tabindex", "0"), ("role", "region"), ("aria-label", "Spans")],
            .element("ul", [], tree)) + Block.cut(seen.count, of: total, "spans")
    }

    private func item(_ span: JSONValue, _ depth: Int, _ seen: inout Set<String>) -> HTML {
        let id = span["id"]?.string ?? ""
        seen.insert(id)
        var below: [HTML] = []
        for child in children[id] ?? [] where depth < 100 && !seen.contains(child["id"]?.string ?? "") {
            below.append(item(child, depth + 1, &seen))
        }
        return .element(
            "li", [("data-key", id)],
            [
                .element("details", depth == 0 ? [("open", "")] : [], [head(span)] + content(span)),
                below.isEmpty ? .empty : .element("ul", [], below),
            ])
    }

    private func head(_ span: JSONValue) -> HTML {
        let start = span["start_ns"]?.double ?? begin
        let took = span["end_ns"]?.double.map { $0 - start }
        let left = min(100, max(0, (start - begin) / whole * 100))
        let width = min(100 - left, max(0.5, (took ?? 0) / whole * 100))
        let status = span["status"]?.string == "ERROR" ? HTML(" ") + Block.badge("failed") : .empty
        let type = span["type"]?.string ?? ""
        return .element(
            "summary", [], Block.short(span["name"]?.string ?? "", 120),
            type.isEmpty ? .empty : HTML(" ") + Block.badge(type), status,
            HTML(" \(Console.duration(took)), from \(Console.duration(start - begin))"),
            .element(
                "span", [("class", "lane"), ("aria-hidden", "true")],
                .element(
                    "span", [("style", "margin-left:\(Number.readable(left))%;width:\(Number.readable(width))%")],
                    .empty)))
    }

    private func content(_ span: JSONValue) -> [HTML] {
        var parts: [HTML] = []
        if let message = span["message"]?.string, !message.isEmpty {
            parts.append(.element("p", [("class", "bad")], Block.short(message, 2000)))
        }
        var others = span["attributes"]?.object?.members ?? []
        for (key, title) in [("mlflow.spanInputs", "Inputs"), ("mlflow.spanOutputs", "Outputs")] {
            if let value = span["attributes"]?[key], !value.isNull {
                parts.append(.element("h3", [], HTML(title)))
                parts.append(Block.block(value.string ?? value.indented(), title))
            }
            others.removeAll { $0.name == key }
        }
        if !others.isEmpty {
            let pairs = others.prefix(100).map { ($0.name, Block.short($0.value.string ?? $0.value.text)) }
            parts += [.element("h3", [], HTML("Attributes")), Block.facts(Array(pairs))]
        }
        for event in (span["events"]?.array ?? []).prefix(50) {
            parts.append(.element("h3", [], HTML("Event: \(event["name"]?.string ?? "")")))
            parts.append(Block.block((event["attributes"] ?? [:]).indented(), "Event"))
        }
        return parts
    }
}
