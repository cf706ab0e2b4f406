// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreConsole
import GyreHTTP
import Testing

/// Pages over answers that stand in the tests.
@Suite struct ConsoleTests {
    private func console(_ answers: [String: JSONValue] = [:], files: [String: String] = [:]) -> Router {
        let console = Console(
            call: { _, path, body, _ throws(GyreError) in
                body == nil ? CompletedAnswer.at(path, answers[String(path.prefix { $0 != "?" })] ?? [:]) : [:]
            },
            staticFile: { _ in nil },
            mlflowFile: { path in files[path.description].map { Array($0.utf8) } })
        return Router([console.routes])
    }

    private func text(_ response: HTTPResponse) -> String {
        guard case .bytes(let bytes) = response.body else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "the home page is JSON only for who names JSON, and for KServe's client, which takes anything",
        arguments: [
            ([:], false), (["accept": "*/*"], false), (["accept": "text/html,*/*;q=0.8"], false),
            (["accept": "*/*", "user-agent": "Mozilla/5.0"], false), (["accept": "application/json"], true),
            (["accept": "text/html, application/json"], false),
            (["accept": "*/*", "user-agent": "python-httpx/0.28.1"], true),
            (["accept": "text/html", "user-agent": "python-httpx/0.28.1"], false),
        ] as [([String: String], Bool)])
    func front(headers: [String: String], isJSON: Bool) async {
        let response = await console().respond(to: HTTPRequest("GET", "/", headers: headers))
        #expect(text(response).contains("\"alive\"") == isJSON)
        #expect(text(response).contains("<h1>Home</h1>") != isJSON)
    }

    @Test(
        "links of MLflow's client lead to the page of what they are about",
        arguments: [
            ("/experiments/7", "/runs?experiment=7"), ("/experiments/7?workspace=a", "/runs?experiment=7"),
            ("/experiments/7/overview", "/runs?experiment=7"), ("/experiments/7/runs/ab?workspace=a", "/runs/ab"),
            ("/experiments/7/runs/ab/artifactPath/model", "/runs/ab"),
            ("/experiments/7/evaluation-runs?selectedRunUuid=ab", "/runs/ab"),
            (
                "/experiments/7/evaluation-runs",
                "/runs?experiment=7&filter=tags.%60mlflow.runType%60%20%3D%20%27genai_evaluate%27"
            ), ("/experiments/7/traces", "/traces?experiment=7"),
            ("/experiments/7/traces/tr-1", "/traces/tr-1"),
            ("/experiments/7/traces?selectedEvaluationId=tr-1", "/traces/tr-1"),
            ("/experiments/7/models", "/logged-models?experiment=7"),
            ("/experiments/7/models/m-1/artifacts", "/logged-models/m-1"),
            ("/experiments/7/prompts/hello", "/prompts/hello"), ("/prompts", "/prompts"),
            ("/prompts/hello?promptVersion=2", "/prompts/hello#version-2"),
            ("/models/a%20b/versions/3", "/models/a%20b/3"), ("/models/a%20b", "/models/a%20b"), ("/models", "/models"),
            ("/compare-runs?runs=%5B%22a%22%2C%22b%22%5D&experiments=%5B%227%22%5D", "/compare?id=a&id=b"),
            ("//evil.example/x", "/"), ("", "/"), ("/models/..%2f..%2fx", "/models/..%2F..%2Fx"),
        ])
    func links(address: String, page: String) { #expect(MLflowAddress.page(address) == page) }

    private func run(_ index: Int, tiny: Double) -> JSONValue {
        [
            "id": .string("id\(index)"), "name": .string("run \(index)"), "params": ["same": "1"],
            "metrics": ["tiny": .double(tiny), "alike": 0.5, "none": .double(.nan)],
        ]
    }

    @Test("all runs that were picked are compared, and values that differ are told however small they are")
    func comparing() async {
        let runs = (0..<10).map { run($0, tiny: 3e-7 + Double($0) * 1e-13) }
        let router = console(["/runs": ["runs": .array(runs)]])
        let target = "/compare?" + (0..<10).map { "id=id\($0)" }.joined(separator: "&")
        let page = text(await router.respond(to: HTTPRequest("GET", target)))
        for index in 0..<10 { #expect(page.contains(">run \(index)</a>")) }
        // They differ in a digit that is not shown otherwise.
        #expect(
            page.contains("<td>tiny</td>") && page.contains("<td>3e-07</td>") && page.contains("<td>3.000001e-07</td>"))
        #expect(!page.contains("<td>alike</td>") && !page.contains("<td>none</td>"))
    }

    @Test("what is cut is said: runs that were not found, names beyond the first 200")
    func cut() async {
        let many = JSONValue.object(JSONObject((0..<250).map { ("p\($0)", JSONValue.string("v")) }))
        let runs: [JSONValue] = [
            ["id": "a", "name": "a", "params": many, "metrics": [:]],
            ["id": "b", "name": "b", "params": [:], "metrics": [:]],
        ]
        let router = console(["/runs": ["runs": .array(runs)]])
        let page = text(await router.respond(to: HTTPRequest("GET", "/compare?id=a&id=b&id=c")))
        #expect(page.contains("Shown are 2 of 3 chosen runs."))
        #expect(page.contains("Shown are 200 of 250 params that differ."))
    }

    @Test("a canary's share is named beside the bar, however small it is", arguments: [0, 1, 5, 10, 50])
    func canary(percent: Int64) async {
        let endpoint: JSONValue = [
            "name": "e", "stable": ["version": 1], "canary": ["version": 2], "canary_percent": .int(percent),
        ]
        let router = console(["/endpoints": ["endpoints": [endpoint]]])
        let page = text(await router.respond(to: HTTPRequest("GET", "/endpoints")))
        #expect(page.contains("</span> <bdi>version 1</bdi> · \(100 - percent) %</span>"))
        #expect(page.contains("</span> <bdi>canary: version 2</bdi> · \(percent) %</span>"))
    }

    @Test("the spans of a trace are shown once each, whatever they say of their parents")
    func spans() async {
        func span(_ id: String, _ parent: String?) -> JSONValue {
            [
                "id": .string(id), "parent_id": .optional(parent), "name": .string("span \(id)"), "start_ns": 1,
                "end_ns": 2,
            ]
        }
        let trace: JSONValue = [
            "id": "tr-1", "experiment": "0", "state": "OK", "requested_ms": 1,
            "spans": [span("a", nil), span("b", "a"), span("c", "gone"), span("d", "d")],
        ]
        let page = text(await console(["/traces/tr-1": trace]).respond(to: HTTPRequest("GET", "/traces/tr-1")))
        for id in ["a", "b", "c", "d"] { #expect(page.split(separator: "<summary>span \(id)").count == 2) }
    }

    @Test("files of MLflow's pages are given with their types, and nothing outside of them")
    func frame() async {
        let router = console(files: ["lib/x/index.html": "<p>", "lib/x/a.js": "1"])
        let page = await router.respond(to: HTTPRequest("GET", "/static-files/lib/x/index.html"))
        #expect(page.status == 200)
        #expect(page.headers.contains { $0.name == "content-type" && $0.value.hasPrefix("text/html") })
        #expect(
            page.headers.contains { $0.name == "content-security-policy" && $0.value.contains("frame-ancestors *") })
        let script = await router.respond(to: HTTPRequest("GET", "/static-files/lib/x/a.js"))
        #expect(script.headers.contains { $0.name == "content-type" && $0.value.hasPrefix("text/javascript") })
        let missing = await router.respond(to: HTTPRequest("GET", "/static-files/lib/x/none.js"))
        #expect(missing.status == 404 && text(missing).contains("make setup"))
        #expect(await router.respond(to: HTTPRequest("GET", "/static-files/..%2Fgyre.db")).status == 400)
    }
}
