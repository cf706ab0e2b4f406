// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Every part of the console in each of its states: what a person or a test looks at before and after a change of looks.
///
/// It is in no navigation, and its content is made up.
enum Samples {
    static let long = String(repeating: "a-name-that-has-no-end-", count: 8)
    static let words = String(
        repeating: "Many words that go on and on and make a line too long for any screen. ", count: 6)
    static let rightToLeft = "نموذج التأخير، الإصدار ٣"
    static let markup = "<script>alert(1)</script> & \"quotes\""

    static func page(_ request: HTTPRequest) -> Page {
        Page("Parts", in: nil, below: [("Home", "/")]) {
            Sentence("Every part of the console in each of its states, with made-up content.")
            badges
            notes
            facts
            tables(request)
            forms(request)
            charts
            graphs
            texts
            tree
        }
    }

    private static var badges: Section {
        let states = ["SUCCEEDED", "RUNNING", "FAILED", "rolled_back", "passed with warnings", "", rightToLeft]
        return Section("Badges and words") {
            Sentence(
                .several(
                    (states + ["an unknown word"]).map { .state($0) }
                        + Tone.allCases.map { .badge(Badge("@\($0)", $0)) }))
            Sentence(
                .list(
                    [
                        .figure(0), .figure(3e-7), .figure(-0.1234567), .figure(123_456_789.25), .figure(1e300),
                        .figure(.nan), .figure(.infinity), .figure(nil), .bytes(0), .bytes(1536), .bytes(5 << 40),
                        .time(1_700_000_000_000_000), .time(nil), .code("gyre up"), .reference("model/delay@3"),
                    ], separator: " · "))
        }
    }

    private static var notes: Section {
        Section("Notes, empty states, tabs") {
            Tabs(
                label: "Samples",
                tabs: [("First", "?tab=first"), ("Second", "?tab=second"), (rightToLeft, "?tab=third")],
                chosen: "First")
            Note("A remark beside what is shown.")
            Note(shown: 50, of: 1234, "runs, the newest first", more: .link("All runs", to: "/runs"))
            Note("All checks passed.", title: "Good:", tone: .good)
            Note("The report is three days old.", title: "Late:", tone: .busy)
            Note(.text("The server could not read \(markup). \(words)"), title: "Failed:", tone: .bad)
            EmptyState("Nothing is here yet.")
            EmptyState("Nothing is served yet. Deploy a model:", command: "gyre endpoint deploy \(long)")
        }
    }

    private static var facts: Section {
        Section("Facts") {
            Facts([])
            Facts([("One", "thing")])
            Facts([
                ("Short", "text"), ("State", .state("finished")), ("Markup", .text(markup)), ("Long", .text(long)),
                ("Words", .short(words)), ("Right to left", .text(rightToLeft)), ("Nothing", .none),
                ("Lineage", .reference("run/\(long)")), (long, .figure(1e-12)),
            ])
        }
    }

    private static func tables(_ request: HTTPRequest) -> Section {
        let columns: [Table.Column] = ["Name", "State", .number("Value"), "When", "Message"]
        func row(_ index: Int, _ name: String, _ value: Double?, _ message: String = "") -> [Words] {
            [
                .link(name, to: "/runs"), .state(["finished", "running", "failed"][index % 3]), .figure(value),
                .time(1_700_000_000_000_000 + Int64(index) * 3_600_000_000), .short(message),
            ]
        }
        let many = (1...120).map { row($0, "run \($0)", Double(($0 * 7919) % 1000) / 7) }
        let hard = [
            row(0, long, 1e-300, words), row(1, rightToLeft, -1e300, rightToLeft), row(2, markup, .nan, markup),
            row(3, "", nil, ""),
        ]
        return Section("Tables") {
            Table("No rows", columns, [], empty: EmptyState("No run fits.", command: "gyre run list"))
            Table("One row", columns, [row(0, "only", 0.5, "one")], empty: "")
            Table("Hard rows", columns, hard, empty: "")
            Table(
                "Many rows", columns, many, empty: "",
                listing: Listing(request, sort: Sort("value", isDescending: true)))
            Table(
                "Many columns", ["Name"] + (1...24).map { .number("metric \($0)") },
                (1...3).map { row in [Words.text("run \(row)")] + (1...24).map { .figure(Double($0 * row) / 7) } },
                empty: "")
        }
    }

    private static func forms(_ request: HTTPRequest) -> Section {
        let choices = [
            (value: "", title: "All experiments"), (value: "1", title: long), (value: "2", title: rightToLeft),
        ]
        let rows: [[Words]] = (1...3).map {
            [.choice(name: "id", value: "\($0)", label: "Compare \($0)"), "run \($0)"]
        }
        return Section("Forms") {
            Form(
                .search,
                fields: [
                    .choice("Experiment", name: "experiment", options: choices, chosen: "1"),
                    .text("Filter", name: "filter", example: "metrics.auc > 0.7"),
                    .text("Order", name: "order", value: long), .hidden(name: "run", value: "a"),
                ], buttons: [Form.Button("Search")])
            Form(
                .command(address: "/console/parts"), id: "sample-command",
                fields: [
                    .text("Why", name: "reason", isRequired: true),
                    .number("Freeze for hours", name: "hours", value: "24", least: "0.1"),
                ],
                buttons: [
                    Form.Button("Pause the rollout", name: "verb", value: "pause"),
                    Form.Button(
                        "Promote the canary", name: "verb", value: "promote",
                        warning: "The canary becomes stable and gets all requests."),
                ])
            Form(
                .settings(id: "sample-settings"),
                fields: [
                    .slider("Smoothing", name: "sample-smooth", most: "0.99", step: "0.01"),
                    .check("Logarithmic", name: "sample-log"),
                ])
            Selection(
                address: "/compare", button: "Compare the chosen runs",
                table: Table("Runs to choose", ["Compare", "Run"], rows, empty: "No run."),
                links: Links(.link("CSV", to: "/runs"), .link("JSON", to: "/runs")))
        }
    }

    private static var charts: Section {
        let falling = (0..<60).map { (x: Double($0), y: 1 / Double($0 + 1)) }
        let wide = [(x: 0.0, y: -1e300), (x: 1.0, y: 1e300), (x: 2.0, y: .nan), (x: 3.0, y: 1e-300)]
        func share(_ name: String, _ kind: Bars.Kind, _ percent: Double) -> Bars.Share {
            Bars.Share(name: name, kind: kind, percent: percent)
        }
        return Section("Charts and bars") {
            Charts(
                charts: [
                    Chart(title: "loss", run: "a", points: falling), Chart(title: long, run: "a", points: wide),
                    Chart(title: rightToLeft, run: "a", points: [(x: 0, y: 3e-7)]),
                    Chart(title: "flat", run: "a", points: [(x: 0, y: 1), (x: 1, y: 1)]),
                    Chart(title: "none", run: "a", points: []),
                ], isLive: false)
            Bars([])
            Bars([share("version 3", .stable, 100)])
            Bars([share("version 3", .stable, 99.5), share("canary: version 4", .canary, 0.5)])
            Bars([share("version \(long)", .stable, 50), share("canary: \(rightToLeft)", .canary, 50)])
            Bars([share("thompson", .canary, 100)], words: "thompson chooses among the versions 1, 2, 3")
            Panels(
                panels: ["delay", long].map { name in
                    Panel(.link(name, to: "/endpoints")) { Bars([share("version 1", .stable, 100)]) }
                }, empty: "")
        }
    }

    private static var graphs: Section {
        func node(_ id: String, _ tone: Tone, _ text: String? = nil) -> Graph.Node {
            Graph.Node(id: id, text: text ?? id, tone: tone, address: "?log=\(Percent.encode(id))")
        }
        let pairs = [
            ("load", "check"), ("load", "features"), ("check", "train"), ("features", "train"), ("train", "report"),
        ]
        return Section("Graphs") {
            Graph(label: "No boxes", nodes: [], edges: [])
            Graph(label: "One box", nodes: [node("only", .plain)], edges: [Graph.Edge(from: "only", to: "only")])
            Graph(
                label: "A pipeline",
                nodes: [
                    node("load", .good), node("check", .good), node("features", .busy, rightToLeft),
                    node("train", .bad, long), node("report", .plain, markup),
                ], edges: pairs.map { Graph.Edge(from: $0.0, to: $0.1) })
        }
    }

    private static var texts: Section {
        Section("Texts and logs") {
            CodeBlock(text: "{\n  \"role\": \"system\",\n  \"content\": \"\(rightToLeft)\"\n}", label: "A short text")
            CodeBlock(text: words + long, label: "A long line")
            Log(text: nil, label: "No log")
            Log(
                text: (1...30).map { "line \($0): \($0 == 30 ? markup : "epoch done")" }.joined(separator: "\n"),
                label: "A log")
            BulletList(items: ["one failure", .text(words)])
        }
    }

    private static var tree: Section {
        func item(
            _ name: String, _ badges: [Badge], _ lane: (Double, Double), _ parts: [any Part], _ children: [Tree.Item]
        )
            -> Tree.Item
        {
            Tree.Item(
                id: name, name: name, badges: badges, times: "12.5 ms, from 0 µs", lane: lane, parts: parts,
                children: children)
        }
        let failed: [any Part] = [
            Note("it was <i>not</i> to be", tone: .bad),
            Detail(title: "Inputs", part: CodeBlock(text: "{\"question\": \"no\"}", label: "Inputs")),
            Detail(title: "Attributes", part: Facts([("model", "small"), (long, .short(words))])),
        ]
        return Section("Trees") {
            Tree(
                label: "Spans",
                items: [
                    item(
                        "answer", [Badge("CHAIN")], (0, 100), failed,
                        [
                            item("look up", [Badge("RETRIEVER")], (5, 30), [], []),
                            item(long, [Badge("failed")], (35, 0.5), failed, [item(rightToLeft, [], (35, 65), [], [])]),
                        ])
                ])
        }
    }
}
