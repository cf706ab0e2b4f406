// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreHTML
import GyreHTTP
import Testing

@testable import GyreConsole

/// Each part of the console by itself: what it escapes, what it says where there is nothing, what it tells those who do not see it.
@Suite struct ConsolePartsTests {
    private let evil = "<script>alert(1)</script> & \"quotes\" 'single'"

    private func markup(_ part: any Part) -> String { part.html.markup }

    @Test("no part lets a text become markup, and all are well-formed")
    func escaping() {
        let words: [Words] = [
            .text(evil), .short(evil), .short(evil, 5), .link(evil, to: evil), .reference(evil), .state(evil),
            .code(evil),
            .latest(metric: evil, 0.123456), .choice(name: evil, value: evil, label: evil),
            .list([.text(evil)], separator: evil),
        ]
        let button = Form.Button(evil, name: evil, value: evil, warning: evil)
        let fields: [Form.Field] = [
            .text(evil, name: evil, value: evil, example: evil), .number(evil, name: evil, value: evil, least: evil),
            .choice(evil, name: evil, options: [(evil, evil)], chosen: evil), .hidden(name: evil, value: evil),
            .slider(evil, name: evil, most: evil, step: evil), .check(evil, name: evil),
        ]
        let table = Table(evil, [Table.Column(evil), Table.Column(evil, address: evil)], [words, words], empty: "")
        let item = Tree.Item(
            id: evil, name: evil, badges: [Badge(evil)], times: evil, lane: (0, 1),
            parts: [Detail(title: evil, part: CodeBlock(text: evil, label: evil))], children: [])
        let parts: [any Part] = [
            Sentence(.several(words)), BulletList(items: words), Links(.link(evil, to: evil)),
            Facts([(evil, .text(evil))]),
            Badge(evil), Note(.text(evil), title: evil, tone: .bad), EmptyState(evil, command: evil),
            CodeBlock(text: evil, label: evil), Log(text: evil, label: evil), table,
            Form(.command(address: evil), id: evil, fields: fields, buttons: [button]), Form(.search, fields: fields),
            Selection(address: evil, button: evil, table: table, links: Links(.text(evil))),
            Tabs(label: evil, tabs: [(evil, evil)], chosen: evil), Breadcrumb(steps: [(evil, evil)], here: evil),
            Chart(title: evil, run: evil, points: [(0, 1), (1, 2)]), Chart(title: evil, run: evil, points: []),
            LiveStatus(run: evil), Comparison(query: evil),
            Bars([Bars.Share(name: evil, kind: .canary, percent: 5)]),
            Bars([Bars.Share(name: evil, kind: .stable, percent: 5)], words: evil),
            Graph(label: evil, nodes: [Graph.Node(id: evil, text: evil, tone: .good, address: evil)], edges: []),
            Tree(label: evil, items: [item]), Section(evil, anchor: evil) { Badge(evil) },
            Panels(panels: [Panel(.text(evil)) { Badge(evil) }], empty: ""),
            Page(evil, in: .runs, below: [(evil, evil)]) {},
        ]
        for part in parts {
            let text = markup(part)
            #expect(!text.contains("<script>alert") && !text.contains("\"quotes\""), "\(type(of: part))")
            let problems = ConsoleMarkup(text).problems
            #expect(problems.isEmpty, "\(type(of: part)): \(problems)")
        }
    }

    @Test("where there is nothing, a part says so or is not there")
    func emptiness() {
        #expect(
            markup(Table("Runs", ["Run"], [], empty: EmptyState("No run fits.", command: "gyre run"))).contains(
                "No run fits. <code>gyre run"))
        #expect(markup(Facts([])).contains("Nothing is known"))
        #expect(markup(Graph(label: "g", nodes: [], edges: [])).contains("nothing to draw"))
        #expect(markup(Bars([])).contains("Nothing has a share"))
        #expect(
            markup(Log(text: nil, label: "l")).contains("no log")
                && markup(Log(text: "", label: "l")).contains("no log"))
        #expect(markup(BulletList(items: [])).isEmpty && markup(Breadcrumb(steps: [], here: "x")).isEmpty)
        #expect(markup(Panels(panels: [], empty: "None.")).contains("None."))
        #expect(markup(Charts(charts: [], isLive: false)).contains("id=\"no-metric\""))
        #expect(!markup(Charts(charts: [], isLive: false)).contains("<form"))
        #expect(markup(Charts(charts: [], isLive: true)).contains("<form"))
        #expect(Note(shown: 3, of: 3, "runs") == nil)
    }

    @Test(
        "words of answers: dashes for nothing, digits at hand, sizes in their unit",
        arguments: [
            (Words(nil), "–"), (Words(.null), "–"), (Words(.int(5)), "5"), (Words(.bool(true)), "true"),
            (Words(.double(0.1234567)), "<span title=\"0.1234567\">0.1235</span>"), (.figure(nil), "–"),
            (.figure(.nan), "NaN"), (.figure(2), "2"), (.bytes(0), "0 B"), (.bytes(nil), "–"),
            (.bytes(1536), "<span title=\"1536 B\">1.5 KiB</span>"), (.time(nil), "–"),
            (.time(0), "<time datetime=\"1970-01-01T00:00:00Z\">1970-01-01 00:00:00</time>"),
            (.short("abcdef", 4), "<span title=\"abcdef\">abc…</span>"),
            (.link("", to: "/x"), "<a href=\"/x\">(no name)</a>"),
            (.reference("model/a b@1"), "<a href=\"/lineage?ref=model%2Fa%20b%401\">model/a b@1</a>"),
        ] as [(Words, String)])
    func words(words: Words, expected: String) { #expect(words.html.markup == expected) }

    @Test(
        "a state has a tone by its word",
        arguments: [
            ("SUCCEEDED", Tone.good), ("FAILED", .bad), ("rolled_back", .bad), ("RUNNING", .busy), ("paused", .busy),
            ("SCHEDULED", .plain), ("", .plain),
        ])
    func badges(word: String, tone: Tone) {
        #expect(Badge(word).tone == tone)
        #expect(markup(Badge(word)).contains("badge \(tone.rawValue)"))
    }

    // MARK: Tables

    private let columns: [Table.Column] = ["Name", .number("Value")]

    private func table(_ query: String, rows: [(String, Double?)]) -> Table {
        Table(
            "Runs", columns, rows.map { [.text($0.0), .figure($0.1)] }, empty: "No run.",
            listing: Listing(HTTPRequest("GET", "/runs?" + query)))
    }

    private func names(_ table: Table) -> [String] {
        markup(table).split(separator: "<tr><td>").dropFirst().map { String($0.prefix { $0 != "<" }) }
    }

    @Test("rows are sorted by what they mean: numbers by size, names by the numbers in them, nothing last")
    func sorting() {
        let rows: [(String, Double?)] = [("run 10", 2), ("run 9", nil), ("Run 1", 10), ("run 2", .nan), ("run 3", -1)]
        #expect(names(table("", rows: rows)) == ["run 10", "run 9", "Run 1", "run 2", "run 3"])
        #expect(names(table("sort=name", rows: rows)) == ["Run 1", "run 2", "run 3", "run 9", "run 10"])
        #expect(names(table("sort=-name", rows: rows)) == ["run 10", "run 9", "run 3", "run 2", "Run 1"])
        #expect(names(table("sort=value", rows: rows)) == ["run 3", "run 10", "Run 1", "run 9", "run 2"])
        #expect(names(table("sort=-value", rows: rows)) == ["Run 1", "run 10", "run 3", "run 9", "run 2"])
        #expect(names(table("sort=nonsense", rows: rows)).count == 5)
    }

    @Test("the head of the column that is sorted says so, and a press turns it round")
    func heads() {
        let rows: [(String, Double?)] = [("a", 1), ("b", 2)]
        let up = markup(table("sort=value&filter=a%20b&page=3", rows: rows))
        #expect(
            up.contains(
                "<th scope=\"col\" class=\"number\" aria-sort=\"ascending\"><a class=\"sort\" href=\"?filter=a%20b&amp;sort=-value\">Value"
            ))
        #expect(up.contains("<th scope=\"col\"><a class=\"sort\" href=\"?filter=a%20b&amp;sort=name\">Name"))
        let down = markup(table("sort=-value", rows: rows))
        #expect(down.contains("aria-sort=\"descending\"") && down.contains("href=\"?sort=value\""))
        #expect(!markup(table("", rows: rows)).contains("aria-sort"))
        #expect(markup(table("", rows: rows)).contains("<td class=\"number\">1</td>"))
    }

    @Test(
        "a long list has pages, and an address beyond them shows the last",
        arguments: [
            ("", "row 1", 50), ("page=2", "row 51", 50), ("page=3", "row 101", 20), ("page=99", "row 101", 20),
            ("page=-1", "row 1", 50),
        ])
    func pages(query: String, first: String, count: Int) {
        let shown = names(table(query, rows: (1...120).map { ("row \($0)", Double($0)) }))
        #expect(shown.first == first && shown.count == count)
    }

    @Test("pages lead to their neighbours and keep what was chosen")
    func pager() {
        let page = markup(
            table("sort=-value&page=2&page=7&filter=x", rows: (1...180).map { ("row \($0)", Double($0)) }))
        #expect(page.contains("Page 2 of 4, 180 in all") && page.contains("aria-label=\"Pages of Runs\""))
        #expect(page.contains("href=\"?filter=x&amp;sort=-value\" rel=\"prev\""))
        #expect(page.contains("href=\"?filter=x&amp;sort=-value&amp;page=3\" rel=\"next\""))
        #expect(!markup(table("", rows: [("a", 1)])).contains("class=\"pager\""))
    }

    @Test("a list of the server's goes on from where it ended, and is sorted by no other columns than it knows")
    func cursors() {
        let listing = Listing(
            HTTPRequest("GET", "/runs?sort=-name&page=2&after=x&experiment=1"), keys: ["name"], isFromServer: true)
        let table = Table(
            "Runs", columns, [["b", .figure(1)], ["a", .figure(2)]], empty: "", listing: listing,
            next: ("after", "[1,\"y\"]"))
        #expect(names(table) == ["b", "a"])
        let page = markup(table)
        #expect(page.contains("?experiment=1&amp;sort=-name&amp;page=3&amp;after=%5B1%2C%22y%22%5D"))
        #expect(page.contains("href=\"?experiment=1&amp;sort=-name\" rel=\"first\"") && !page.contains(">Value</a>"))
        #expect(Listing(HTTPRequest("GET", "/runs?sort=evil"), keys: ["name"]).sort == nil)
        #expect(Sort(address: "-") == nil && Sort(address: "") == nil && Sort(address: nil) == nil)
    }

    @Test("two lists of one page have addresses of their own")
    func named() {
        let listing = Listing(HTTPRequest("GET", "/x?sort=a&models-sort=-b&models-page=2"), name: "models")
        #expect(listing.sort == Sort("b", isDescending: true) && listing.page == 2)
        #expect(listing.address(sortedBy: "c") == "?sort=a&models-sort=c")
    }

    // MARK: Others

    @Test("a button that cannot be taken back asks once more, without a script")
    func confirming() {
        let form = Form(
            .command(address: "/endpoints/e"), fields: [.text("Why", name: "reason", isRequired: true)],
            buttons: [
                Form.Button("Pause", name: "verb", value: "pause"),
                Form.Button("Promote the canary", name: "verb", value: "promote", warning: "All requests go there."),
            ])
        let text = markup(form)
        #expect(text.contains("<button name=\"verb\" value=\"pause\">Pause</button>"))
        #expect(
            text.contains(
                "<details class=\"confirm\" data-key=\"confirm promote\"><summary class=\"button\">Promote the canary</summary>"
            ))
        #expect(text.contains("All requests go there.") && text.contains("Yes, promote the canary"))
        #expect(text.contains("required=\"\"") && text.contains("method=\"post\""))
    }

    @Test("marks of state for those who do not see them")
    func roles() {
        let tabs = markup(Tabs(label: "Views", tabs: [("A", "/a"), ("B", "/b")], chosen: "B"))
        #expect(tabs.contains("<a href=\"/b\" aria-current=\"page\">B") && !tabs.contains("\"/a\" aria-current"))
        #expect(markup(Note("x", tone: .bad)).contains("role=\"alert\"") && !markup(Note("x")).contains("role"))
        #expect(markup(LiveStatus(run: "r")).contains("aria-live=\"polite\""))
        #expect(
            markup(CodeBlock(text: "x", label: "A text")).contains(
                "tabindex=\"0\" role=\"region\" aria-label=\"A text\""))
        let trail = markup(Breadcrumb(steps: [("Runs", "/runs")], here: "run 1"))
        #expect(trail.contains("aria-label=\"Breadcrumb\"") && trail.contains("<li aria-current=\"page\">run 1"))
        let chart = markup(Chart(title: "loss", run: "r", points: [(0, 1), (1, .nan), (2, 0.5)]))
        #expect(chart.contains("role=\"img\" aria-label=\"loss: from 1 to 0.5, between 0.5 and 1\""))
    }

    @Test("a graph tells what comes before a box; a circle and a missing end do no harm")
    func graphs() {
        let nodes = ["a", "b", "c"].map { Graph.Node(id: $0, text: $0, tone: .plain, address: "?log=\($0)") }
        let pairs = [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a"), ("x", "a"), ("a", "x")]
        let text = markup(Graph(label: "Tasks", nodes: nodes, edges: pairs.map { Graph.Edge(from: $0.0, to: $0.1) }))
        #expect(text.contains("<title>b, after a</title>") && text.contains("aria-label=\"Tasks\""))
        #expect(ConsoleMarkup(text).links == ["?log=a", "?log=b", "?log=c"])
    }

    @Test("what is long is cut, and that is said: a text at its end, a log at its beginning")
    func cutting() {
        let long = "begin" + String(repeating: "x", count: 60_000) + "end"
        let block = markup(CodeBlock(text: long, label: "t"))
        #expect(
            block.contains("begin") && !block.contains("end<") && block.contains("Shown are 20000 of 60008 characters.")
        )
        let log = markup(Log(text: long, label: "t"))
        #expect(!log.contains("begin") && log.contains("end<") && log.contains("Shown are 50000 of 60008 characters"))
    }
}
