// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreTestSupport
import Testing

@testable import GyreRegistry

/// What a version's number tells callers.
@Suite struct SemanticVersionTests {
    private func signature(_ inputs: JSONValue, _ outputs: JSONValue = []) -> JSONValue {
        ["inputs": inputs, "outputs": outputs]
    }

    @Test("a change that breaks callers is a new major version, one that does not is a minor one")
    func change() {
        let old = signature([["name": "a", "type": "double"]], [["name": "y", "type": "long"]])
        func change(
            _ inputs: JSONValue, _ outputs: JSONValue = [["name": "y", "type": "long"]]
        ) -> SemanticVersion.Change {
            SemanticVersion.change(from: old, to: signature(inputs, outputs))
        }
        #expect(change([["name": "a", "type": "double"]]) == .none)
        #expect(change([["name": "a", "type": "double", "required": false]]) == .compatible)
        #expect(
            change([["name": "a", "type": "double"], ["name": "b", "type": "long", "required": false]]) == .compatible)
        #expect(change([["name": "a", "type": "double"], ["name": "b", "type": "long"]]) == .breaking)
        #expect(change([["name": "a", "type": "string"]]) == .breaking)
        #expect(change([["name": "b", "type": "double"]]) == .breaking)
        #expect(change([["name": "a", "type": "double"]], []) == .breaking)
        #expect(change([["name": "a", "type": "double"]], [["name": "y", "type": "string"]]) == .breaking)
        #expect(
            change(
                [["name": "a", "type": "double"]], [["name": "y", "type": "long"], ["name": "z", "type": "long"]])
                == .compatible)
    }

    @Test("an optional input that is required now breaks callers, and nothing is known without signatures")
    func optional() {
        let optional = signature([["name": "a", "type": "double", "required": false]])
        let required = signature([["name": "a", "type": "double"]])
        #expect(SemanticVersion.change(from: optional, to: required) == .breaking)
        #expect(SemanticVersion.change(from: .null, to: required) == .none)
        #expect(SemanticVersion.change(from: required, to: .null) == .none)
        // MLmodel files hold JSON inside of text.
        #expect(
            SemanticVersion.change(from: ["inputs": .string(required["inputs"]?.text ?? "")], to: required) == .none)
    }

    @Test("versions of a model count on from the one before")
    func following() async throws {
        let registry = Registry(store: MemoryLedgerStore(now: { 0 }), surroundings: .still)
        _ = try await registry.createModel("m", by: "ann")
        func add(_ inputs: JSONValue) async throws -> String {
            var draft = Registry.VersionDraft(source: "s")
            draft.signature = signature(inputs)
            return try await registry.createVersion(of: "m", draft, by: "ann").semantic.description
        }
        #expect(try await add([["name": "a", "type": "double"]]) == "1.0.0")
        #expect(try await add([["name": "a", "type": "double"]]) == "1.0.1")
        #expect(
            try await add([["name": "a", "type": "double"], ["name": "b", "type": "long", "required": false]])
                == "1.1.0")
        #expect(try await add([["name": "c", "type": "double"]]) == "2.0.0")
        #expect(try await registry.version("m", 4).semantic == SemanticVersion(2, 0, 0))
    }

    @Test("only three numbers are a version", arguments: ["1.0", "1.0.0.0", "a.b.c", "", "1..0"])
    func text(text: String) { #expect(SemanticVersion(text) == nil) }
}
