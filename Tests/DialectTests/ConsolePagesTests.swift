// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreConsole
import GyreHTTP
import Synchronization
import Testing

/// Every page over answers as the API gives them: full ones, empty ones, and ones that refuse.
@Suite struct ConsolePagesTests {
    /// What a console asked for and did.
    private final class Recorder: Sendable {
        let asked = Mutex<[String]>([])
        let done = Mutex<[(path: String, body: JSONValue)]>([])
    }

    private func router(
        _ answers: [String: JSONValue], _ recorder: Recorder = Recorder(), fails: Bool = false
    ) -> Router {
        Router([
            Console(
                call: { _, path, body, _ throws(GyreError) in
                    if let body {
                        recorder.done.withLock { $0.append((path, body)) }
                        return [:]
                    }
                    recorder.asked.withLock { $0.append(path) }
                    if fails {
                        throw GyreError(
                            .notFound, "There is no <b>such</b> thing.", why: "Nobody made it.", fix: "gyre up")
                    }
                    return CompletedAnswer.at(path, answers[String(path.prefix { $0 != "?" })] ?? [:])
                }, staticFile: { $0 == "uplot.min.js" ? [1] : nil }, mlflowFile: { _ in nil }
            ).routes
        ])
    }

    private func text(_ response: HTTPResponse) -> String {
        guard case .bytes(let bytes) = response.body else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func page(_ path: String, _ answers: [String: JSONValue], _ recorder: Recorder = Recorder()) async -> String
    {
        let response = await router(answers, recorder).respond(to: HTTPRequest("GET", path))
        #expect(response.status == 200, "\(path)")
        return text(response)
    }

    private static let places = [
        "/", "/runs", "/runs/r1", "/compare?id=r1&id=r2", "/compare", "/models", "/models/m", "/models/m/1",
        "/endpoints", "/endpoints/e",
        "/pipelines", "/pipelines/p1", "/pipelines/p1?log=train", "/data", "/data/d", "/lineage", "/lineage?ref=run/r1",
        "/ledger", "/access", "/approvals",
        "/ledger?sort=seq&after=3", "/traces", "/traces?run=r1&sort=-took", "/traces/t1", "/prompts", "/prompts/g",
        "/logged-models",
        "/logged-models/l1", "/console/parts", "/console/parts?sort=name&page=2",
    ]

    @Test("a warning stands on every page, and a promotion that labels speak against is told where it is looked at")
    func warned() async throws {
        let answers: [String: JSONValue] = [
            "/endpoints/e": [
                "name": "e", "stable": ["version": 2],
                "rollouts": [
                    ["state": "promoted", "contradicted": ["reason": "Labels say <no>.", "taken_back": false]]
                ],
            ],
            "/ledger": ["facts": [["subject": "rollout/e@1", "body": ["reason": "Labels say no."]]]],
        ]
        let warning = "Whoever reaches <it>"
        let router = Router([
            Console(
                call: { _, path, body, _ throws(GyreError) in
                    body == nil ? CompletedAnswer.at(path, answers[String(path.prefix { $0 != "?" })] ?? [:]) : [:]
                },
                staticFile: { _ in nil }, mlflowFile: { _ in nil },
                warning: warning
            ).routes
        ])
        for place in ["/", "/runs", "/endpoints/e"] {
            let page = text(await router.respond(to: HTTPRequest("GET", place)))
            #expect(page.contains("Whoever reaches &lt;it&gt;") || page.contains("Whoever reaches &lt;it>"), "\(place)")
        }
        #expect(await page("/endpoints/e", answers).contains("Labels say &lt;no"))
        let home = await page("/", answers)
        #expect(home.contains("contradicted") && home.contains("/endpoints/e") && !home.contains("Whoever"))
        let fact: JSONValue = [
            "subject": "rollout/e@1", "kind": "rollout.canary.taken-back", "body": ["reason": "Labels say no."],
        ]
        #expect(
            await !page("/", ["/ledger": ["facts": [fact]]]).contains("/endpoints/e"),
            "what was taken back is red no more")
    }

    @Test("every page is well-formed and lets no name become markup", arguments: places)
    func whole(path: String) async {
        let page = await page(path, ConsoleAnswers.full)
        let markup = ConsoleMarkup(page)
        #expect(markup.problems.isEmpty, "\(markup.problems)")
        #expect(!page.contains("<script>alert") && !page.contains("<i>"))
        #expect(page.utf8.count < 100_000)
        #expect(
            markup.links.allSatisfy { $0.hasPrefix("/") || $0.hasPrefix("?") || $0.hasPrefix("#") }, "\(markup.links)")
    }

    @Test("every page says that there is nothing where there is nothing", arguments: places)
    func empty(path: String) async {
        let page = await page(path, [:])
        #expect(ConsoleMarkup(page).problems.isEmpty)
        let isNeverEmpty = ["/lineage", "/console", "/access"].contains { path.hasPrefix($0) }
        #expect(page.contains("class=\"empty\"") || isNeverEmpty)
    }

    @Test(
        "what cannot be shown is told with its reason and what to do, escaped",
        arguments: places.filter { $0 != "/lineage" && !$0.hasPrefix("/console") })
    func failing(path: String) async {
        let response = await router([:], fails: true).respond(to: HTTPRequest("GET", path))
        let page = text(response)
        #expect(response.status == 404 && page.contains("<h1>Not found</h1>"))
        #expect(page.contains("There is no &lt;b&gt;such&lt;/b&gt; thing.") && page.contains("<code>gyre up</code>"))
        #expect(ConsoleMarkup(page).problems.isEmpty)
    }

    @Test("the heads of runs and traces sort on the server, and pages go on from where the last ended")
    func sorting() async {
        let recorder = Recorder()
        let runs = await page("/runs?sort=-started&experiment=1&after=%5B1%5D&page=2", ConsoleAnswers.full, recorder)
        #expect(runs.contains("aria-sort=\"descending\"") && runs.contains("page=3&amp;after=%5B7%5D"))
        #expect(runs.contains("/compare?experiment=1&amp;order_by=attributes.start_time%20DESC"))
        _ = await page("/traces?sort=took&filter=x", ConsoleAnswers.full, recorder)
        _ = await page("/ledger?sort=seq&after=3", ConsoleAnswers.full, recorder)
        _ = await page("/ledger?before=9&kind=run", ConsoleAnswers.full, recorder)
        let asked = recorder.asked.withLock { $0 }
        #expect(asked.contains("/runs?limit=100&experiment=1&order_by=attributes.start_time%20DESC&after=%5B1%5D"))
        #expect(asked.contains("/traces?limit=100&filter=x&order_by=attributes.execution_time%20ASC"))
        #expect(asked.contains("/ledger?limit=100&kind=&order=oldest&after=3"))
        #expect(asked.contains("/ledger?limit=100&kind=run&up_to=8"))
    }

    @Test("the ledger leads to older facts where a page is full")
    func ledger() async {
        let facts = (0..<100).map {
            JSONValue.object(JSONObject([("seq", .int(200 - $0)), ("kind", "a.b"), ("subject", "run/a")]))
        }
        let page = await page("/ledger?kind=a", ["/ledger": ["facts": .array(facts)]])
        #expect(
            page.contains("href=\"?kind=a&amp;sort=-seq&amp;page=2&amp;before=101\"")
                && page.contains("aria-sort=\"descending\""))
    }

    @Test("an endpoint says what may be done, and does it with the reason that was given")
    func commands() async {
        let shown = await page("/endpoints/e", ConsoleAnswers.full)
        for words in [
            "Pause the rollout", "Promote the canary", "Abort the rollout", "Unfreeze the traffic", "mirrored",
            "frozen",
        ] {
            #expect(shown.contains(words), "\(words)")
        }
        let recorder = Recorder()
        let router = router([:], recorder)
        func press(_ body: String) async -> Int {
            await router.respond(to: HTTPRequest("POST", "/endpoints/a%2Fb", body: Array(body.utf8))).status
        }
        #expect(await press("verb=promote&reason=it+is+good") == 303)
        #expect(await press("verb=freeze&hours=2&reason=") == 303)
        #expect(await press("verb=unfreeze") == 303)
        #expect(await press("verb=nonsense") == 400)
        let done = recorder.done.withLock { $0 }
        #expect(
            done.map(\.path) == [
                "/endpoints/a%2Fb/rollout/promote", "/endpoints/a%2Fb/freeze", "/endpoints/a%2Fb/unfreeze",
            ])
        #expect(done[0].body["reason"] == "it is good" && done[1].body["seconds"] == .int(7200))
        #expect(done[1].body["reason"] == "asked for in the console")
    }

    @Test("a bandit's shares are its own affair, and a paused rollout may go on")
    func bandit() async {
        let endpoint: JSONValue = [
            "name": "e", "bandit": ["algorithm": "thompson", "arms": [["version": 1], ["version": 2]]],
            "canary": ["version": 2],
            "rollouts": [["state": "paused"]],
            "learned": [["version": 1, "requests": 3, "rewards": 2, "mean_reward": 0.5]],
        ]
        let page = await page("/endpoints/e", ["/endpoints/e": endpoint])
        #expect(page.contains("thompson chooses among the versions 1, 2") && page.contains("Let the rollout go on"))
        #expect(page.contains("rewards come with labels"))
    }

    @Test("a live run is followed, and metrics beyond the first curves stand in a table")
    func live() async {
        let metrics = JSONObject((0..<40).map { ("m\($0)", JSONValue.double(Double($0) / 7)) })
        let run: JSONValue = ["id": "r1", "name": "live", "status": "RUNNING", "metrics": .object(metrics)]
        let page = await page("/runs/r1", ["/runs/r1": run])
        #expect(
            page.contains("data-live=\"r1\"") && page.contains("Further metrics")
                && page.contains("data-latest=\"m30\""))
        #expect(page.split(separator: "<figure class=\"curve\"").count == 25)
    }

    @Test("the browser's files come with their types, and others are told to be missing")
    func files() async {
        let router = router([:])
        for (name, type) in [
            ("gyre.css", "text/css"), ("gyre.js", "text/javascript"), ("uplot.min.js", "text/javascript"),
        ] {
            let response = await router.respond(to: HTTPRequest("GET", "/static/\(name)"))
            #expect(
                response.status == 200
                    && response.headers.contains { $0.name == "content-type" && $0.value.hasPrefix(type) })
        }
        #expect(await router.respond(to: HTTPRequest("GET", "/static/other.js")).status == 404)
        #expect(await router.respond(to: HTTPRequest("GET", "/favicon.ico")).status == 204)
        let moved = await router.respond(to: HTTPRequest("GET", "/mlflow?address=%2Fmodels%2Fm"))
        #expect(moved.headers.contains { $0.name == "location" && $0.value == "/models/m" })
    }
}
