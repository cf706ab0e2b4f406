// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreNotification
import GyreTestSupport
import Synchronization
import Testing

/// Webhooks: what may be one, and how it is told.
@Suite struct WebhooksTests {
    private let ledger = MemoryLedgerStore(now: { 0 })
    private let sender = RecordingSender()
    private var webhooks: Webhooks {
        Webhooks(store: ledger, sender: sender, surroundings: .still, allowedSchemes: ["https"])
    }

    private func create(
        _ name: String = "hook", _ url: String = "https://example.org/x", secret: String = "",
        events: [Webhook.Event]? = nil, isActive: Bool = true
    ) async throws -> Webhook {
        try await webhooks.create(
            name: name, description: "d", url: url, events: events ?? [try Webhook.Event("model_version", "created")],
            secret: secret, isActive: isActive, by: "ann")
    }

    @Test("a webhook is kept as it was made, changed and removed")
    func kept() async throws {
        let webhook = try await create()
        #expect(try await webhooks.webhook(webhook.id) == webhook)
        let (late, early) = (
            try Webhook.Event("registered_model", "created"), try Webhook.Event("model_version_tag", "set")
        )
        let changed = try await webhooks.update(webhook.id, by: "bob") { $0.events = [late, early] }
        #expect(changed.events == [early, late])
        #expect(try await webhooks.webhooks() == [changed])
        await #expect(throws: GyreError.self) { try await webhooks.update(webhook.id, by: "bob") { $0.name = "-" } }
        #expect(try await webhooks.webhook(webhook.id) == changed)
        try await webhooks.delete(webhook.id, by: "ann")
        let error = await #expect(throws: GyreError.self) { try await webhooks.webhook(webhook.id) }
        #expect(error?.code == .notFound)
    }

    @Test(
        "names that MLflow refuses are refused",
        arguments: ["", "-a", "a-", "a b", "ä", String(repeating: "a", count: 64)])
    func names(name: String) async {
        let error = await #expect(throws: GyreError.self) { try await create(name) }
        #expect(error?.what.contains("is invalid") == true)
    }

    @Test(
        "addresses that nobody may be told at are refused",
        arguments: ["", "  ", "http://example.org", "https://", "ftp://x"])
    func addresses(url: String) async {
        let error = await #expect(throws: GyreError.self) { try await create("hook", url) }
        #expect(error?.code == .invalid)
    }

    @Test("an address that the sender refuses is no webhook, and no fact says so")
    func refusedBySender() async throws {
        sender.refuses.withLock { $0 = true }
        await #expect(throws: GyreError.self) { try await create() }
        #expect(try await ledger.facts(FactQuery()).isEmpty)
    }

    @Test("events that never happen, none, and the same twice are refused")
    func events() async throws {
        #expect(throws: GyreError.self) { try Webhook.Event("weather", "changed") }
        #expect(throws: GyreError.self) { try Webhook.Event("model_version", "set") }
        await #expect(throws: GyreError.self) { try await create(events: []) }
        let event = try Webhook.Event("prompt", "created")
        await #expect(throws: GyreError.self) { try await create(events: [event, event]) }
    }

    @Test("a delivery is signed with the secret over its id, time and body")
    func signature() async throws {
        let webhook = try await create(secret: "s3cret")
        let answer = try await webhooks.deliver(webhook.events[0], ["name": "m"], to: webhook)
        #expect(answer.status == 200)
        let post = try #require(sender.posts.first)
        #expect(
            post.body == """
                {"entity": "model_version", "action": "created", "timestamp": "2023-11-14T22:13:20+00:00", \
                "data": {"name": "m"}}
                """)
        #expect(post.headers["x-mlflow-timestamp"] == "1700000000")
        #expect(post.headers["x-mlflow-signature"]?.hasPrefix("v1,") == true)
        let unsigned = try await create()
        _ = try await webhooks.deliver(webhook.events[0], [:], to: unsigned)
        #expect(sender.posts.last?.headers["x-mlflow-signature"] == nil)
    }

    @Test("what may pass is tried again, four times at most; what will not is not", arguments: [429, 503])
    func tries(status: Int) async throws {
        let webhook = try await create()
        sender.answers([status, 200])
        let event = webhook.events[0]
        // A cancelled wait only tries sooner, so that nothing is waited for here.
        func deliver() async throws -> (status: Int, body: String) {
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await webhooks.deliver(event, [:], to: webhook)
            }
            return try await task.value
        }
        #expect(try await deliver().status == 200)
        #expect(sender.posts.count == 2)
        sender.answers([status, status, status, status, status])
        #expect(try await deliver().status == status)
        #expect(sender.posts.count == 6)
        sender.answers([404])
        #expect(try await deliver().status == 404)
        #expect(sender.posts.count == 7)
        sender.answers([0, 200])
        #expect(try await deliver().status == 200)
        #expect(sender.posts.count == 9)
    }

    @Test("only active webhooks that asked for an event are told of it")
    func tell() async throws {
        _ = try await create("listens", "https://example.org/listens")
        _ = try await create("sleeps", "https://example.org/sleeps", isActive: false)
        _ = try await create("other", "https://example.org/other", events: [try Webhook.Event("prompt", "created")])
        await webhooks.tell("weather", "changed", [:])
        await webhooks.tell("model_version", "created", ["name": "m"])
        #expect(await sender.next().url == "https://example.org/listens")
        await webhooks.tell("prompt", "created", [:])
        #expect(await sender.next().url == "https://example.org/other")
        #expect(sender.posts.count == 2)
    }
}

/// Sends nothing: keeps what it was given, and answers as it was told to.
private final class RecordingSender: WebhookSender {
    struct Post: Sendable {
        let url: String
        let headers: [String: String]
        let body: String
    }

    private struct State {
        var posts: [Post] = []
        var statuses: [Int] = []
        var read = 0
        var reader: CheckedContinuation<Post, Never>?
    }

    private let state = Mutex(State())
    let refuses = Mutex(false)

    var posts: [Post] { state.withLock { $0.posts } }

    /// The statuses of the next answers; 0 for nobody who answers.
    func answers(_ statuses: [Int]) { state.withLock { $0.statuses = statuses } }

    /// The next post, once it is there.
    func next() async -> Post {
        await withCheckedContinuation { continuation in
            let post = state.withLock { state -> Post? in
                guard state.read < state.posts.count else {
                    state.reader = continuation
                    return nil
                }
                state.read += 1
                return state.posts[state.read - 1]
            }
            if let post { continuation.resume(returning: post) }
        }
    }

    func post(
        _ url: String, headers: [(name: String, value: String)], body: [UInt8]
    ) async throws(GyreError) -> (status: Int, body: String) {
        let post = Post(
            url: url, headers: Dictionary(uniqueKeysWithValues: headers.map { ($0.name, $0.value) }),
            body: String(decoding: body, as: UTF8.self))
        let (status, reader) = state.withLock { state in
            state.posts.append(post)
            let reader = state.reader
            state.reader = nil
            if reader != nil { state.read += 1 }
            return (state.statuses.isEmpty ? 200 : state.statuses.removeFirst(), reader)
        }
        reader?.resume(returning: post)
        if status == 0 { throw GyreError(.unavailable, "Nobody answers.") }
        return (status, "")
    }

    func check(_ url: String) async throws(GyreError) {
        if refuses.withLock({ $0 }) { throw GyreError(.invalid, "The address is not public.") }
    }
}
