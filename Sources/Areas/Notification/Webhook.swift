// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// An address that is told of certain events.
package struct Webhook: Sendable, Hashable {
    /// A UUID.
    package let id: String
    /// Its name; several may share one.
    package var name: String
    /// What it is for.
    package var description: String
    /// Where events are posted.
    package var url: String
    /// Which events.
    package var events: [Event]
    /// What deliveries are signed with; never shown again.
    package var secret: String
    /// Whether it is told at all.
    package var isActive: Bool
    /// When it was made, milliseconds since 1970.
    package let createdMilliseconds: Int64
    /// When it last changed, milliseconds since 1970.
    package var updatedMilliseconds: Int64

    /// Something that happens to something.
    package struct Event: Sendable, Hashable, Comparable {
        /// `registered_model`, `model_version_tag` and more.
        package let entity: String
        /// `created`, `set`, `deleted`.
        package let action: String

        /// An event.
        /// - Throws: `.invalid` for a pair that never happens.
        package init(_ entity: String, _ action: String) throws(GyreError) {
            guard let actions = Self.offered[entity] else {
                throw GyreError(
                    .invalid, "Invalid webhook entity '\(entity.prefix(40))'.",
                    why: "Valid entities are \(Self.offered.keys.sorted()).")
            }
            guard actions.contains(action) else {
                throw GyreError(
                    .invalid,
                    "Invalid action '\(action.prefix(40))' for entity '\(entity)'. Valid actions are: \(actions)")
            }
            self.entity = entity
            self.action = action
        }

        /// Which actions there are of each entity.
        package static let offered: [String: [String]] = [
            "registered_model": ["created"], "model_version": ["created"], "model_version_tag": ["set", "deleted"],
            "model_version_alias": ["created", "deleted"], "prompt": ["created"], "prompt_version": ["created"],
            "prompt_tag": ["set", "deleted"], "prompt_version_tag": ["set", "deleted"],
            "prompt_alias": ["created", "deleted"], "budget_policy": ["exceeded"],
        ]

        /// By entity, then action.
        package static func < (left: Event, right: Event) -> Bool {
            (left.entity, left.action) < (right.entity, right.action)
        }
    }

    /// A webhook that is told of events.
    package init(
        id: String, name: String, description: String, url: String, events: [Event], secret: String, isActive: Bool,
        atMilliseconds: Int64
    ) {
        self.id = id
        self.name = name
        self.description = description
        self.url = url
        self.events = events
        self.secret = secret
        self.isActive = isActive
        createdMilliseconds = atMilliseconds
        updatedMilliseconds = atMilliseconds
    }

    init(json: JSONValue) throws(GyreError) {
        let stored = StoredReader("webhook", json)
        self.init(
            id: try stored.text("id"), name: try stored.text("name"), description: try stored.text("description"),
            url: try stored.text("url"),
            events: try (json["events"]?.array ?? []).map { event throws(GyreError) in
                try Event(event["entity"]?.string ?? "", event["action"]?.string ?? "")
            }, secret: try stored.text("secret"), isActive: json["active"]?.bool ?? true,
            atMilliseconds: try stored.integer("created_ms"))
        updatedMilliseconds = try stored.integer("updated_ms")
    }

    var json: JSONValue {
        [
            "id": .string(id), "name": .string(name), "description": .string(description), "url": .string(url),
            "events": .array(events.map { ["entity": .string($0.entity), "action": .string($0.action)] }),
            "secret": .string(secret), "active": .bool(isActive), "created_ms": .int(createdMilliseconds),
            "updated_ms": .int(updatedMilliseconds),
        ]
    }

    /// `webhook/<id>`.
    package var ref: Ref { Ref("webhook", id) }
}
