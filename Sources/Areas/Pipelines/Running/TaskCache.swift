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

    /// What a result is remembered under that was given a key by hand.
    static func identity(memo cache: String, key: String, component: String) -> Identity {
        Identity(parts: ["cache": .string(cache), "key": .string(key)], component: component)
    }

    /// The result of an earlier task of this identity, and the reason in words for having it or not.
    ///
    /// `maximumAge`: seconds after which one is too old; nil for never.
    func find(
        _ identity: Identity, pipeline: String, maximumAge: Double?, now: Int64
    ) async throws(GyreError) -> (outputs: TaskValues?, reason: String) {
        if let found = try await store.document("task-cache", identity.key.hex) {
            let age = Double(now - (found.body["kept_at"]?.int ?? 0)) / 1_000_000
            if let maximumAge, age > maximumAge {
                return (
                    nil, "miss: the result that is kept is \(age.rounded()) seconds old, and \(maximumAge) is the most"
                )
            }
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
    func keep(
        _ outputs: TaskValues, of identity: Identity, task: Ref, pipeline: String, now: Int64
    ) -> [Change] {
        [
            .put(
                Document(
                    "task-cache", identity.key.hex,
                    ["task": .string(task.description), "outputs": outputs.json, "kept_at": .int(now)])),
            .put(Document("task-last", "\(pipeline)/\(identity.component)", ["parts": identity.parts])),
        ]
    }
}
