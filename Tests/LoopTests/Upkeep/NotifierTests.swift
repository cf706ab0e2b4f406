// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreNotification
import GyreRegistry
import GyreTestSupport
import GyreUpkeep
import Synchronization
import Testing

/// Webhooks that are told what happens in the registry.
@Suite struct NotifierTests {
    @Test("each change of a model is told once, in its order of kinds, with what a listener needs")
    func models() async throws {
        let world = try await World()
        _ = try await world.registry.createModel("m", description: "d", tags: ["team": "core"], by: "ann")
        _ = try await world.registry.createVersion(of: "m", .init(source: "s3://x"), by: "ann")
        try await world.registry.tagVersion("m", 1, "stage", "gold", by: "ann")
        try await world.registry.tagVersion("m", 1, "stage", nil, by: "ann")
        try await world.registry.setAlias("champion", of: "m", to: 1, by: "ann")
        try await world.registry.deleteAlias("champion", of: "m", by: "ann")
        // A model's own tag has no event.
        try await world.registry.tagModel("m", "quiet", "yes", by: "ann")
        try await world.notifier.tick()
        let told = await world.sender.wait(for: 6)
        #expect(
            Set(told.map(\.kind)) == [
                "registered_model.created", "model_version.created", "model_version_tag.set",
                "model_version_tag.deleted", "model_version_alias.created", "model_version_alias.deleted",
            ])
        let created = told.first { $0.kind == "registered_model.created" }?.data
        #expect(created == ["name": "m", "tags": ["team": "core"], "description": "d"])
        let alias = told.first { $0.kind == "model_version_alias.created" }?.data
        #expect(alias == ["name": "m", "alias": "champion", "version": "1"])
        try await world.notifier.tick()
        #expect(world.sender.told.count == 6, "each once")
    }

    @Test("a prompt is told as one, with its text and without the tags that only make it one")
    func prompts() async throws {
        let world = try await World()
        _ = try await world.registry.createModel("p", tags: ["mlflow.prompt.is_prompt": "true", "a": "b"], by: "ann")
        var draft = Registry.VersionDraft(source: "dummy")
        draft.tags = ["mlflow.prompt.text": "Hello {{name}}", "x": "y"]
        _ = try await world.registry.createVersion(of: "p", draft, by: "ann")
        try await world.registry.tagModel("p", "k", "v", by: "ann")
        try await world.registry.setAlias("live", of: "p", to: 1, by: "ann")
        try await world.notifier.tick()
        let told = await world.sender.wait(for: 4)
        #expect(told.first { $0.kind == "prompt.created" }?.data["tags"] == ["a": "b"])
        let version = told.first { $0.kind == "prompt_version.created" }?.data
        #expect(version?["template"] == "Hello {{name}}" && version?["tags"] == ["x": "y"])
        #expect(told.contains { $0.kind == "prompt_tag.set" } && told.contains { $0.kind == "prompt_alias.created" })
    }

    @Test("what is gone before it could be told is passed over, and what comes after it is told")
    func gone() async throws {
        let world = try await World()
        _ = try await world.registry.createModel("m", by: "ann")
        _ = try await world.registry.createVersion(of: "m", .init(source: "s3://x"), by: "ann")
        try await world.registry.deleteVersion("m", 1, by: "ann")
        try await world.registry.setAlias("a", of: "m", to: try await world.version().number, by: "ann")
        try await world.notifier.tick()
        let told = await world.sender.wait(for: 3)
        #expect(
            Set(told.map(\.kind)) == [
                "registered_model.created", "model_version.created", "model_version_alias.created",
            ])
    }

    @Test("a webhook that is made later is not told of what was before")
    func later() async throws {
        let world = try await World(hasWebhook: false)
        _ = try await world.registry.createModel("before", by: "ann")
        try await world.notifier.tick()
        try await world.listen()
        _ = try await world.registry.createModel("after", by: "ann")
        try await world.notifier.tick()
        #expect(await world.sender.wait(for: 1).map { $0.data["name"] } == ["after"])
    }

    private struct World {
        let ledger = MemoryLedgerStore(now: { 0 })
        let sender = RememberingSender()
        let registry: Registry
        let webhooks: Webhooks
        let notifier: Notifier

        init(hasWebhook: Bool = true) async throws {
            registry = Registry(store: ledger, surroundings: .still)
            webhooks = Webhooks(store: ledger, sender: sender, surroundings: .still, allowedSchemes: ["https"])
            notifier = Notifier(store: ledger, registry: registry, webhooks: webhooks)
            // The first look only finds the end of the ledger.
            try await notifier.tick()
            if hasWebhook { try await listen() }
        }

        func listen() async throws {
            var events: [Webhook.Event] = []
            for (entity, actions) in Webhook.Event.offered {
                for action in actions { events.append(try Webhook.Event(entity, action)) }
            }
            _ = try await webhooks.create(
                name: "all", description: "", url: "https://example.com/hook", events: events, secret: "",
                isActive: true, by: "ann")
        }

        func version() async throws -> ModelVersion {
            try await registry.createVersion(of: "m", .init(source: "s3://y"), by: "ann")
        }
    }
}

/// Keeps what would have been posted.
private final class RememberingSender: WebhookSender {
    struct Told: Sendable {
        let kind: String
        let data: JSONValue
    }

    private struct State: Sendable {
        var told: [Told] = []
        var waiting: (count: Int, continuation: CheckedContinuation<Void, Never>)?
    }

    private let state = Mutex(State())

    var told: [Told] { state.withLock { $0.told } }

    /// Waits until so many events were posted.
    func wait(for count: Int) async -> [Told] {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.told.count < count { state.waiting = (count, continuation) }
                return state.told.count >= count
            }
            if isThere { continuation.resume() }
        }
        return told
    }

    func post(
        _ url: String, headers: [(name: String, value: String)], body: [UInt8]
    ) async throws(GyreError) -> (status: Int, body: String) {
        let json = try JSONValue(parsing: body)
        let kind = "\(json["entity"]?.string ?? "").\(json["action"]?.string ?? "")"
        let ready = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.told.append(Told(kind: kind, data: json["data"] ?? .null))
            guard let waiting = state.waiting, waiting.count <= state.told.count else { return nil }
            state.waiting = nil
            return waiting.continuation
        }
        ready?.resume()
        return (200, "")
    }

    func check(_ url: String) async throws(GyreError) {}
}
