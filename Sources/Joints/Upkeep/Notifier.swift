// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger
package import GyreNotification
package import GyreRegistry

/// Reads the ledger as it grows and tells webhooks what happened in the registry, whoever did it.
///
/// Each fact is told once; one during which the process was killed is told again after the start.
package struct Notifier: Sendable {
    private let registry: Registry
    private let webhooks: Webhooks
    private let cursor: LedgerCursor

    /// A notifier that goes on where the last one stopped.
    package init(store: any LedgerStore, registry: Registry, webhooks: Webhooks) {
        self.registry = registry
        self.webhooks = webhooks
        cursor = LedgerCursor("webhooks", in: store, kindPrefix: "registry.")
    }

    /// Tells of all that was recorded since the last time.
    package func tick() async throws(GyreError) {
        let isAnybodyThere = try await webhooks.webhooks().contains(where: \.isActive)
        try await cursor.advance { recorded throws(GyreError) in
            guard isAnybodyThere else { return false }
            do throws(GyreError) { try await tell(recorded.fact) } catch {
                // What it is about is gone meanwhile, and there is nothing left to tell.
                if error.code != .notFound { throw error }
            }
            return true
        }
    }

    private func tell(_ fact: Fact) async throws(GyreError) {
        let name = fact.subject.name
        let version = fact.subject.version.flatMap(Int.init)
        let isPrompt = try await isPrompt(name)
        let parent = isPrompt ? "prompt" : "registered_model"
        let child = isPrompt ? "prompt_version" : "model_version"
        switch fact.kind {
        case "registry.model.created":
            await webhooks.tell(
                parent, "created",
                [
                    "name": .string(name), "tags": Self.visible(fact.body["tags"]),
                    "description": fact.body["description"] ?? "",
                ])
        case "registry.version.created":
            guard let version else { return }
            await webhooks.tell(child, "created", try await created(name, version, isPrompt: isPrompt))
        case "registry.model.tagged", "registry.model.untagged":
            guard isPrompt else { return }
            await tellTag("prompt_tag", fact, ["name": .string(name)])
        case "registry.version.tagged", "registry.version.untagged":
            guard let version else { return }
            await tellTag("\(child)_tag", fact, ["name": .string(name), "version": .string(String(version))])
        case "registry.alias.set":
            let target = fact.inputs.first?.version ?? ""
            await webhooks.tell(
                isPrompt ? "prompt_alias" : "model_version_alias", "created",
                ["name": .string(name), "alias": fact.body["alias"] ?? "", "version": .string(target)])
        case "registry.alias.deleted":
            await webhooks.tell(
                isPrompt ? "prompt_alias" : "model_version_alias", "deleted",
                ["name": .string(name), "alias": fact.body["alias"] ?? ""])
        default: return
        }
    }

    private func tellTag(_ entity: String, _ fact: Fact, _ subject: JSONValue) async {
        var data = subject
        data["key"] = fact.body["key"] ?? ""
        if let value = fact.body["new"], !value.isNull {
            data["value"] = value
            await webhooks.tell(entity, "set", data)
        } else {
            await webhooks.tell(entity, "deleted", data)
        }
    }

    private func created(_ name: String, _ number: Int, isPrompt: Bool) async throws(GyreError) -> JSONValue {
        let version = try await registry.version(name, number)
        let tags = Self.visible(
            .object(JSONObject(version.tags.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })))
        let description: JSONValue = version.description.isEmpty ? .null : .string(version.description)
        guard isPrompt else {
            return [
                "name": .string(name), "version": .string(String(number)), "source": .string(version.source),
                "run_id": version.runID.isEmpty ? .null : .string(version.runID), "tags": tags,
                "description": description,
            ]
        }
        return [
            "name": .string(name), "version": .string(String(number)),
            "template": .string(version.tags["mlflow.prompt.text"] ?? ""), "tags": tags, "description": description,
        ]
    }

    /// A model that is gone meanwhile is taken for no prompt.
    private func isPrompt(_ name: String) async throws(GyreError) -> Bool {
        do { return try await registry.model(name).isPrompt } catch {
            if error.code == .notFound { return false }
            throw error
        }
    }

    /// Tags without those that only make a prompt a prompt.
    private static func visible(_ tags: JSONValue?) -> JSONValue {
        let hidden: Set = [RegisteredModel.promptTag, "_mlflow_prompt_type", "mlflow.prompt.text"]
        let members = (tags?.object?.members ?? []).filter { !hidden.contains($0.name) }
        return .object(JSONObject(members.map { ($0.name, $0.value) }))
    }
}
