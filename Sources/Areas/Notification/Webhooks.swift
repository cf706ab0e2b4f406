// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation
package import GyreBase
package import GyreLedger
internal import Synchronization

/// Sends a request out; the port to an HTTP client.
package protocol WebhookSender: Sendable {
    /// Posts a body and gives the status and the beginning of the answer.
    /// - Throws: `.unavailable` where nobody answers; `.denied` where the address is not public.
    func post(
        _ url: String, headers: [(name: String, value: String)], body: [UInt8]
    ) async throws(GyreError) -> (status: Int, body: String)
    /// Checks that an address may be posted to.
    /// - Throws: `.invalid` where it is not public.
    func check(_ url: String) async throws(GyreError)
}

/// Keeps webhooks and tells them what happens.
package struct Webhooks: Sendable {
    private let store: any LedgerStore
    private let sender: any WebhookSender
    private let surroundings: Surroundings
    private let allowedSchemes: [String]
    private let pending = Pending()
    private static let kind = "webhook"
    /// The most deliveries at a time; what comes on top is not told.
    private static let mostPending = 1000
    /// The waits before the second and further tries, in seconds.
    private static let waits = [0.0, 2, 4]

    /// Webhooks in `store`.
    ///
    /// `allowedSchemes`: `https` unless somebody decided otherwise.
    package init(
        store: any LedgerStore, sender: any WebhookSender, surroundings: Surroundings, allowedSchemes: [String]
    ) {
        self.store = store
        self.sender = sender
        self.surroundings = surroundings
        self.allowedSchemes = allowedSchemes
    }

    private var now: Int64 { surroundings.now() / 1000 }

    // MARK: Keeping

    /// Makes a webhook.
    package func create(
        name: String, description: String, url: String, events: [Webhook.Event], secret: String, isActive: Bool,
        by actor: String
    ) async throws(GyreError) -> Webhook {
        let webhook = Webhook(
            id: uuid(), name: name, description: description, url: url, events: events.sorted(), secret: secret,
            isActive: isActive, atMilliseconds: now)
        try check(webhook)
        try await sender.check(url)
        try await store.commit(
            [.create(Document(Self.kind, webhook.id, webhook.json))],
            recording: [Fact("notification.webhook.created", webhook.ref, by: actor, body: ["url": .string(url)])])
        return webhook
    }

    /// A webhook.
    /// - Throws: `.notFound`.
    package func webhook(_ id: String) async throws(GyreError) -> Webhook {
        guard let found = try await store.document(Self.kind, id) else { throw Self.missing(id) }
        return try Webhook(json: found.body)
    }

    /// All webhooks, newest first.
    package func webhooks() async throws(GyreError) -> [Webhook] {
        try await store.documents(Self.kind).map { document throws(GyreError) in try Webhook(json: document.body) }
            .sorted { ($1.createdMilliseconds, $1.id) < ($0.createdMilliseconds, $0.id) }
    }

    /// Changes a webhook.
    package func update(
        _ id: String, by actor: String, _ change: @escaping @Sendable (inout Webhook) -> Void
    ) async throws(GyreError) -> Webhook {
        let now = now
        var draft = try await webhook(id)
        change(&draft)
        try check(draft)
        try await sender.check(draft.url)
        return try await store.transact { ledger throws(GyreError) in
            guard let found = try ledger.document(Self.kind, id) else { throw Self.missing(id) }
            var webhook = try Webhook(json: found.body)
            change(&webhook)
            webhook.events.sort()
            webhook.updatedMilliseconds = now
            try check(webhook)
            return Proposal(
                webhook, [.put(Document(Self.kind, id, webhook.json))],
                recording: [
                    Fact("notification.webhook.updated", webhook.ref, by: actor, body: ["url": .string(webhook.url)])
                ])
        }
    }

    /// Removes a webhook.
    package func delete(_ id: String, by actor: String) async throws(GyreError) {
        let webhook = try await webhook(id)
        try await store.commit(
            [.remove(kind: Self.kind, key: id)],
            recording: [Fact("notification.webhook.deleted", webhook.ref, by: actor)])
    }

    private func check(_ webhook: Webhook) throws(GyreError) {
        let letters = webhook.name.utf8.map { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        let others = webhook.name.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || "._-".utf8.contains(byte)
        }
        guard (1...63).contains(webhook.name.utf8.count), others, letters.first == true, letters.last == true else {
            throw GyreError(
                .invalid,
                "Webhook name '\(webhook.name.prefix(80))' is invalid. It must start and end with a letter or digit, be "
                    + "less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-)."
            )
        }
        guard !webhook.events.isEmpty, Set(webhook.events).count == webhook.events.count else {
            throw GyreError(
                .invalid, "Webhook events must be a non-empty list of WebhookEvent objects, each of them once.")
        }
        guard !webhook.url.allSatisfy(\.isWhitespace), webhook.url.utf8.count <= 2000,
            let url = URL(string: webhook.url)
        else {
            throw GyreError(.invalid, "Webhook URL cannot be empty or just whitespace: \(webhook.url.prefix(80))")
        }
        guard allowedSchemes.contains(url.scheme ?? "") else {
            throw GyreError(
                .invalid,
                "Invalid webhook URL scheme: '\(url.scheme ?? "")'. Allowed schemes are: \(allowedSchemes.joined(separator: ", "))."
            )
        }
        guard let host = url.host, !host.isEmpty else {
            throw GyreError(.invalid, "Webhook URL must include a hostname: '\(webhook.url.prefix(80))'")
        }
    }

    // MARK: Telling

    /// Tells every active webhook of an event, in the background; failures are tried again and then given up.
    package func tell(_ entity: String, _ action: String, _ data: JSONValue) async {
        do {
            let event = try Webhook.Event(entity, action)
            let listening = try await webhooks().filter { $0.isActive && $0.events.contains(event) }
            for webhook in listening {
                let mayStart = pending.count.withLock { count in
                    guard count < Self.mostPending else { return false }
                    count += 1
                    return true
                }
                guard mayStart else { continue }
                Task.detached {
                    _ = try? await deliver(event, data, to: webhook)  // nobody waits for the outcome
                    pending.count.withLock { $0 -= 1 }
                }
            }
        } catch {
            // What happened is done and recorded; that nobody could be told does not undo it.
        }
    }

    /// Posts one event, with tries again where that may help.
    package func deliver(
        _ event: Webhook.Event, _ data: JSONValue, to webhook: Webhook
    ) async throws(GyreError) -> (status: Int, body: String) {
        var writer = JSONWriter(separators: .spaced)
        let text = Timestamp.text(surroundings.now())
        writer.value([
            "entity": .string(event.entity), "action": .string(event.action),
            "timestamp": .string("\(text.dropLast())+00:00"), "data": data,
        ])
        let (id, seconds) = (uuid(), String(now / 1000))
        var headers = [
            ("content-type", "application/json"), ("x-mlflow-delivery-id", id), ("x-mlflow-timestamp", seconds),
        ]
        if !webhook.secret.isEmpty {
            let signed = Array("\(id).\(seconds).".utf8) + writer.bytes
            let code = HMAC<SHA256>.authenticationCode(
                for: signed, using: SymmetricKey(data: Array(webhook.secret.utf8)))
            headers.append(("x-mlflow-signature", "v1,\(Data(code).base64EncodedString())"))
        }
        var attempt = 0
        while true {
            do {
                let answer = try await sender.post(webhook.url, headers: headers, body: writer.bytes)
                guard [429, 500, 502, 503, 504].contains(answer.status), attempt < Self.waits.count else {
                    return answer
                }
            } catch {
                guard error.code == .unavailable, attempt < Self.waits.count else { throw error }
            }
            let wait = Self.waits[attempt] + surroundings.random()
            try? await Task.sleep(for: .seconds(wait))  // a cancelled wait only tries sooner
            attempt += 1
        }
    }

    private func uuid() -> String {
        let digits = Array(surroundings.newID())
        let cuts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
        return cuts.map { String(digits[$0]) }.joined(separator: "-")
    }

    private static func missing(_ id: String) -> GyreError {
        GyreError(.notFound, "Webhook with ID \(id.prefix(80)) not found.")
    }
}

/// How many deliveries are under way.
private final class Pending: Sendable {
    let count = Mutex(0)
}
