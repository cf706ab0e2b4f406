// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreLedger

/// Results by content: the same code on the same inputs in the same environment gives the same outputs.
struct TaskCache: Sendable {
    let store: any LedgerStore

    /// Everything that decides what a task gives; the digest of all is the key.
    struct Identity: Sendable {
        let parts: JSONValue
        let component: String
        var key: Digest { Digest(of: parts.canonicalBytes) }
    }

    static func identity(
        _ container: Container, component: String, parameters: [String: JSONValue], artifacts: [String: [Artifact]],
        outputs: [String]
    ) -> Identity {
        var inputs: JSONValue = [:]
        for (name, value) in parameters {
            inputs["parameter \(name)"] = .string(Digest(of: value.canonicalBytes).short)
        }
        for (name, list) in artifacts { inputs["artifact \(name)"] = .strings(list.map(\.tree.digest.hex)) }
        let code = JSONValue.array(container.command + container.arguments)
        return Identity(
            parts: [
                "code": .string(Digest(of: code.canonicalBytes).hex), "image": .string(container.image),
                "inputs": inputs,
                "outputs": .strings(outputs.sorted()),
            ], component: component)
    }

    /// The result of an earlier task of this identity, and the reason in words for having it or not.
    func find(_ identity: Identity, pipeline: String) async throws(GyreError) -> (outputs: TaskValues?, reason: String)
    {
        if let found = try await store.document("task-cache", identity.key.hex) {
            let source = found.body["task"]?.string ?? "an earlier task"
            return (
                try TaskValues(json: found.body["outputs"] ?? [:]),
                "hit: same code, environment and inputs as \(source)"
            )
        }
        guard let last = try await store.document("task-last", "\(pipeline)/\(identity.component)")?.body["parts"]
        else {
            return (nil, "miss: this component never ran before")
        }
        var changed: [String] = []
        if last["code"] != identity.parts["code"] { changed.append("code") }
        if last["image"] != identity.parts["image"] { changed.append("image") }
        let names = Set(
            (last["inputs"]?.object?.members ?? []).map(\.name)
                + (identity.parts["inputs"]?.object?.members ?? []).map(\.name))
        changed += names.sorted().filter { last["inputs"]?[$0] != identity.parts["inputs"]?[$0] }
        return (
            nil,
            changed.isEmpty
                ? "miss: no result is kept" : "miss: changed since the last run: \(changed.joined(separator: ", "))"
        )
    }

    /// The changes that keep a result; they are committed with the fact of the task's end.
    func keep(_ outputs: TaskValues, of identity: Identity, task: Ref, pipeline: String) -> [Change] {
        [
            .put(
                Document("task-cache", identity.key.hex, ["task": .string(task.description), "outputs": outputs.json])),
            .put(Document("task-last", "\(pipeline)/\(identity.component)", ["parts": identity.parts])),
        ]
    }
}
