// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreServing
import Testing

/// Paths into requests, and graphs that go round.
@Suite struct JSONPathTests {
    @Test(
        "a path finds what gjson finds",
        arguments: [
            ("a.b.0", "7"), ("a.b.#", "2"), ("@this.c", "\"x\""), (#"[@this].#(c=="x").c"#, "\"x\""),
            (#"list.#(n>1).m"#, "\"two\""), (#"list.#(m=="two").n"#, "2"),
        ])
    func paths(path: String, expected: String) throws {
        let document = try JSONValue(
            parsing: #"{"a": {"b": [7, 8]}, "c": "x", "list": [{"n": 1, "m": "one"}, {"n": 2, "m": "two"}]}"#)
        #expect(try JSONPath(path).value(in: document)?.text == expected)
    }

    @Test("a path that leads nowhere finds nothing, and one that is none is refused")
    func nowhere() throws {
        #expect(try JSONPath(#"list.#(n==9)"#).value(in: ["list": [["n": 1]]]) == nil)
        #expect(throws: GyreError.self) { try JSONPath("a|@pretty") }
    }

    @Test("a graph that goes round in a circle is refused")
    func circle() {
        let step = InferenceGraph.Step(name: "0", target: .node("root"))
        #expect(throws: GyreError.self) {
            try InferenceGraph(name: "g", nodes: ["root": InferenceGraph.Node(kind: .sequence, steps: [step])])
        }
    }
}
