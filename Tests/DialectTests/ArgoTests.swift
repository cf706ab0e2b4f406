// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreTestSupport
import Testing

@testable import GyreArgo
@testable import GyrePipelines

/// The languages of Argo's workflows, and what is refused before anything runs.
@Suite struct ArgoTests {
    private struct Names: ExpressionScope {
        var now: Int64 { 1_767_225_600_000_000 }
        var seed: String { "s" }
        var values: JSONValue = [:]

        func value(_ path: [String]) throws(GyreError) -> JSONValue? {
            path.reduce(values as JSONValue?) { $0?[$1] }
        }
    }

    private let names = Names(values: [
        "inputs": ["parameters": ["n": "4", "a-b": "x", "json": #"{"list": [3, 1, 2], "who": {"name": "ann"}}"#]],
        "item": ["k": "v"],
    ])

    private func text(_ expression: String) throws -> String {
        try Tag.fill("{{=\(expression)}}", names)
    }

    @Test(
        "expressions come to what expr-lang says",
        arguments: [
            ("1 + 2 * 3", "7"), ("7 / 2", "3.5"), ("2 ** 10", "1024"), ("asInt(inputs.parameters.n) * 10", "40"),
            ("inputs.parameters['a-b'] + '!'", "x!"), ("true && !false ? 'yes' : 'no'", "yes"),
            ("filter([1, 2, 3], {# > 1})", "[2,3]"), ("map([1, 2], # * 2)", "[2,4]"), ("len('abc')", "3"),
            ("sum([1, 2, 3])", "6"), ("any([1, 2], {# == 2})", "true"), ("3 in [1, 2, 3]", "true"),
            ("'abc' contains 'b' and 'abc' startsWith 'a'", "true"), ("'abc' matches '^a.c$'", "true"),
            ("nil ?? 'other'", "other"), ("[1, 2, 3][1:]", "[2,3]"), ("[1, 2, 3][-1]", "3"), ("{a: 1}.a", "1"),
            ("jsonpath(inputs.parameters.json, '$.list[0]')", "3"), ("item.k", "v"),
            ("jsonpath(inputs.parameters.json, '$.list[?(@ > 1)]')", "[3,2]"),
            ("jsonpath(inputs.parameters.json, '$..name')", #"["ann"]"#), ("1..3 | len()", "3"),
            ("toJson({a: [1, true, nil]})", #"{"a":[1,true,null]}"#), ("reduce([1, 2, 3], #acc + #, 10)", "16"),
            ("sprig.date('2006-01-02', '2026-03-04T05:06:07Z')", "2026-03-04"), ("sprig.trim('  x ')", "x"),
            ("sprig.add(1, 2, 3)", "6"), ("sprig.default('d', '')", "d"), ("sprig.b64dec('aGk=')", "hi"),
            ("sprig.join('-', sprig.list('a', 'b'))", "a-b"), ("sprig.ternary(1, 2, true)", "1"),
            ("sprig.regexReplaceAll('a(x*)b', '-axxb-', '${1}')", "-xx-"), ("now()", "2026-01-01T00:00:00Z"),
            ("sprig.snakecase('FirstName')", "first_name"), ("sprig.sha256sum('') | len()", "64"),
            ("max(1, 5, 2)", "5"), ("sortBy([3, 1, 2], #)", "[1,2,3]"), ("sprig.seq(1, 3)", "1 2 3"),
        ])
    func expressions(expression: String, expected: String) throws {
        #expect(try text(expression) == expected)
    }

    @Test(
        "what is no expression, or has no value, is told",
        arguments: [
            "1 +", "foo(1)", "'abc", "[1, 2][5]", "1 / 'a'", "unknown.name", "asInt('x')", "sprig.env('HOME')", "#",
            "9223372036854775807 + 1", "1 ? 2 : 3", "(((((1", "sprig.div(1, 0)", "jsonpath('{}', '$.a')",
        ])
    func errors(expression: String) { #expect(throws: GyreError.self) { try text(expression) } }

    @Test("an expression that is nested without end is refused, and the thread lives")
    func deep() {
        #expect(throws: GyreError.self) {
            try ExpressionParser.parse(String(repeating: "(", count: 5000) + "1" + String(repeating: ")", count: 5000))
        }
        #expect(throws: GyreError.self) { try DependsExpression(parsing: String(repeating: "(", count: 5000)) }
    }

    @Test(
        "when: words without quotes are texts, numbers compare as numbers",
        arguments: [
            ("heads == heads", true), ("heads == tails", false), ("10 > 9", true), ("'10' > 9", false), ("true", true),
            ("5 in (1, 5)", true), ("a in (b, c)", false), ("hello =~ hel", true), ("'a b' == 'a b' && !(1 > 2)", true),
            ("a != b || false", true), ("\"x\" == x", true), ("", true), ("2 >= 2 && 1 <= 0", false),
        ])
    func when(condition: String, holds: Bool) throws {
        if condition.hasPrefix("'10'") {
            #expect(throws: GyreError.self) { try WhenCondition.holds(condition) }
        } else {
            #expect(try WhenCondition.holds(condition) == holds)
        }
    }

    @Test("what depends on ends of tasks")
    func depends() throws {
        let views: [String: TaskView] = [
            "good": TaskView(path: "good", state: .succeeded), "bad": TaskView(path: "bad", state: .failed),
            "broken": TaskView(path: "broken", state: .failed, isErrored: true),
            "passed": TaskView(path: "passed", state: .skipped),
            "left": TaskView(path: "left", state: .skipped, isBlocked: true),
            "some": TaskView(path: "some", state: .failed, iterations: [.failed, .succeeded]),
            "none": TaskView(path: "none", state: .failed, iterations: [.failed, .failed]),
        ]
        let cases: [(String, Bool)] = [
            ("good", true), ("bad", false), ("bad.Failed", true), ("broken.Failed", false), ("broken.Errored", true),
            ("passed", true), ("left", false), ("left.Omitted", true), ("good && (bad || bad.Failed)", true),
            ("!bad.Succeeded", true), ("some.AnySucceeded", true), ("some.AllFailed", false), ("none.AllFailed", true),
        ]
        for (text, holds) in cases {
            #expect(try DependsExpression(parsing: text).holds { views[$0] } == holds, "\(text)")
        }
        #expect(try DependsExpression(parsing: "a-b && c.Failed").tasks == ["a-b", "c"])
        for text in ["a &&", "a.Done", "", "a b", "(a"] {
            #expect(throws: GyreError.self, "\(text)") { try DependsExpression(parsing: text) }
        }
    }

    @Test("sequences, selectors, durations")
    func small() throws {
        #expect(try WorkflowSequence.items(["start": "1", "end": "3"]) == ["1", "2", "3"])
        #expect(try WorkflowSequence.items(["count": 2, "format": "n%02X"]) == ["n00", "n01"])
        #expect(try WorkflowSequence.items(["start": 2, "end": 0]) == ["2", "1", "0"])
        for bad: JSONValue in [["count": 10_000_000], ["count": "x"], [:], ["count": 1, "format": "%s%n"]] {
            #expect(throws: GyreError.self) { try WorkflowSequence.items(bad) }
        }
        let labels = ["a": "1", "b": "2"]
        for (text, fits) in [
            ("a=1", true), ("a==1,b!=3", true), ("a in (1, 2),b notin (3)", true), ("!c,b", true), ("c", false),
            ("a!=1", false), ("", true),
        ] { #expect(try Selector(text).fits(labels) == fits, "\(text)") }
        #expect(GoTime.seconds("1m30s") == 90)
        #expect(GoTime.seconds("2") == 2)
        #expect(GoTime.seconds("soon") == nil)
    }

    // MARK: Reading

    private func read(_ templates: String, entrypoint: String = "main") throws -> Pipeline {
        let text = """
            apiVersion: argoproj.io/v1alpha1
            kind: Workflow
            metadata: {generateName: w-}
            spec: {entrypoint: \(entrypoint), arguments: {parameters: [{name: p, value: "1"}]}, templates: [\(templates)]}
            """
        #expect(WorkflowPackage.isWorkflow(Array(text.utf8)))
        return try WorkflowPackage.read(Array(text.utf8))
    }

    private static let leaf =
        "{name: t, inputs: {parameters: [{name: x, default: d}]}, container: {image: alpine, command: [echo, '{{inputs.parameters.x}}']}}"

    @Test("steps and tasks become graphs: their order, their loops, what decides")
    func graphs() throws {
        let steps = try read(
            "\(Self.leaf), {name: main, parallelism: 2, steps: [[{name: a, template: t, withItems: [1, 2]}], [{name: b, template: t, when: '1 == 1', continueOn: {failed: true}}]]}"
        )
        guard case .graph(let graph)? = steps.components["main"]?.body else {
            Issue.record("main is no graph")
            return
        }
        #expect(graph.tasks["b"]?.upstream == ["a"])
        #expect(graph.tasks["b"]?.mayFail == true)
        #expect(graph.tasks["a"]?.iterator?.parallelism == 2)
        #expect(graph.parallelism == 2)
        let dag = try read(
            "\(Self.leaf), {name: main, dag: {target: b, tasks: [{name: a, template: t}, {name: b, template: t, depends: 'a.Failed'}, {name: c, template: t}]}}"
        )
        guard case .graph(let tasks)? = dag.components["main"]?.body else {
            Issue.record("main is no graph")
            return
        }
        #expect(Set(tasks.tasks.keys) == ["a", "b"])
        #expect(tasks.targets == ["b"])
        #expect(tasks.failsFast)
    }

    @Test(
        "what cannot be right is refused with its place",
        arguments: [
            (
                "{name: main, container: {image: alpine, args: ['{{inputs.parameters.y}}']}}",
                "spec.templates[0].container.args[0]"
            ),
            ("{name: main, container: {image: alpine, args: ['{{workflow.parameters.q}}']}}", "workflow.parameters.q"),
            ("{name: main, steps: [[{name: a, template: none}]]}", "spec.templates[0].steps[0][0].template"),
            ("{name: main, container: {image: alpine}, sidecars: [{name: s}]}", "spec.templates[0].sidecars"),
            ("{name: main, container: {image: alpine}, volumes: [{name: v, persistentVolumeClaim: {}}]}", "volumes[0]"),
            ("{name: main}", "spec.templates[0] is of no kind"),
            (
                "{name: main, inputs: {artifacts: [{name: a, path: /a, s3: {key: k}}]}, container: {image: alpine}}",
                "s3"
            ),
            ("{name: main, container: {image: alpine}, retryStrategy: {limit: many}}", "limit"),
            ("{name: main, dag: {tasks: [{name: 'a b', template: main}]}}", "dag.tasks[0]"),
        ])
    func refused(templates: String, place: String) throws {
        let error = #expect(throws: GyreError.self) { try read(templates) }
        #expect(error?.description.contains(place) == true, "\(error?.description ?? "")")
    }

    @Test("a stored template is merged under the workflow that refers to it, and pinned with it")
    func templates() throws {
        let workflow: JSONValue = [
            "metadata": ["name": "w"],
            "spec": [
                "workflowTemplateRef": ["name": "lib"], "arguments": ["parameters": [["name": "p", "value": "mine"]]],
            ],
        ]
        let spec: JSONValue = [
            "entrypoint": "t",
            "arguments": ["parameters": [["name": "p", "value": "theirs"], ["name": "q", "value": "2"]]],
            "templates": [["name": "t", "container": ["image": "alpine", "command": ["true"]]]],
        ]
        let package = WorkflowPackage(workflow: workflow, templates: ["lib": spec])
        let read = try WorkflowPackage(reading: package.bytes)
        #expect(read == package)
        let parameters = try read.pipeline().root.inputParameters
        #expect(parameters["p"]?.defaultValue == "mine")
        #expect(parameters["q"]?.defaultValue == "2")
        #expect(throws: GyreError.self) { try WorkflowPackage(workflow: workflow).pipeline() }
    }
}
