// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreNotification

extension MLflowDialect {
    var webhookRoutes: [CallRoute] {
        [
            .post("/webhooks", .administer, createWebhook),
            .get("/webhooks", .administer, listWebhooks),
            .get("/webhooks/{webhook_id}", .administer, getWebhook),
            .patch("/webhooks/{webhook_id}", .administer, updateWebhook),
            .delete("/webhooks/{webhook_id}", .administer, deleteWebhook),
            .post("/webhooks/{webhook_id}/test", .administer, testWebhook),
        ]
    }

    private func listWebhooks(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let most = try arguments.integer("max_results") ?? 100
        guard (0...1000).contains(most) else {
            throw GyreError(.invalid, "max_results must be between 1 and 1000.")
        }
        return try Page.of(
            try await webhooks.webhooks().map(Self.message), as: "webhooks", arguments,
            limit: most == 0 ? 100 : Int(most))
    }

    private func getWebhook(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        ["webhook": Self.message(try await webhooks.webhook(try arguments.text("webhook_id")))]
    }

    private func deleteWebhook(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        try await webhooks.delete(try arguments.text("webhook_id"), by: arguments.actor)
        return [:]
    }

    private func createWebhook(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        guard arguments["events"] != nil else { throw .missingParameter("events") }
        let webhook = try await webhooks.create(
            name: try arguments.text("name"), description: try arguments.optionalText("description") ?? "",
            url: try arguments.text("url"), events: try Self.events(arguments),
            secret: try arguments.optionalText("secret") ?? "",
            isActive: try arguments.optionalText("status") != "DISABLED", by: arguments.actor)
        return ["webhook": Self.message(webhook)]
    }

    private func updateWebhook(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let name = try arguments.optionalText("name") ?? ""
        let url = try arguments.optionalText("url") ?? ""
        let description = try arguments.optionalText("description")
        let secret = try arguments.optionalText("secret") ?? ""
        let status = try arguments.optionalText("status")
        let events = try Self.events(arguments)
        let webhook = try await webhooks.update(try arguments.text("webhook_id"), by: arguments.actor) { webhook in
            if !name.isEmpty { webhook.name = name }
            if !url.isEmpty { webhook.url = url }
            if let description { webhook.description = description }
            if !secret.isEmpty { webhook.secret = secret }
            if !events.isEmpty { webhook.events = events }
            switch status {
            case "ACTIVE": webhook.isActive = true
            case "DISABLED": webhook.isActive = false
            default: break
            }
        }
        return ["webhook": Self.message(webhook)]
    }

    private static func events(_ arguments: Arguments) throws(GyreError) -> [Webhook.Event] {
        try arguments.objects("events").map { json throws(GyreError) in try event(json) }
    }

    private static func event(_ json: JSONValue) throws(GyreError) -> Webhook.Event {
        try Webhook.Event((json["entity"]?.string ?? "").lowercased(), (json["action"]?.string ?? "").lowercased())
    }

    private static func message(_ webhook: Webhook) -> JSONValue {
        var json: JSONValue = ["webhook_id": .string(webhook.id), "name": .string(webhook.name)]
        if !webhook.description.isEmpty { json["description"] = .string(webhook.description) }
        json["url"] = .string(webhook.url)
        json["events"] = .array(
            webhook.events.map {
                ["entity": .string($0.entity.uppercased()), "action": .string($0.action.uppercased())]
            })
        json["status"] = webhook.isActive ? "ACTIVE" : "DISABLED"
        json["creation_timestamp"] = .int(webhook.createdMilliseconds)
        json["last_updated_timestamp"] = .int(webhook.updatedMilliseconds)
        return json
    }

    /// Sends an example, so that the receiving end can be tried.
    private func testWebhook(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let webhook = try await webhooks.webhook(try arguments.text("webhook_id"))
        var event = webhook.events.first
        if let asked = arguments["event"] { event = try Self.event(asked) }
        guard let event else { throw .missingParameter("event") }
        do {
            let answer = try await webhooks.deliver(event, Self.example(event), to: webhook)
            return [
                "result": [
                    "success": .bool((200..<300).contains(answer.status)),
                    "response_status": .int(Int64(answer.status)),
                    "response_body": .string(answer.body),
                ]
            ]
        } catch {
            return ["result": ["success": false, "error_message": .string("Failed to test webhook: \(error)")]]
        }
    }

    private static func example(_ event: Webhook.Event) -> JSONValue {
        let isPrompt = event.entity.hasPrefix("prompt")
        let name: JSONValue = isPrompt ? "example_prompt" : "example_model"
        let tags: JSONValue = ["example_key": "example_value"]
        let noun = event.entity.replacing("_", with: " ")
        switch event.entity {
        case "registered_model", "prompt":
            return ["name": name, "tags": tags, "description": .string("An example \(noun)")]
        case "model_version":
            return [
                "name": name, "version": "1", "source": "models:/123", "run_id": "abcd1234abcd5678", "tags": tags,
                "description": "An example model version",
            ]
        case "prompt_version":
            return [
                "name": name, "version": "1", "template": "Hello {{name}}!", "tags": tags,
                "description": "An example prompt version",
            ]
        case "budget_policy":
            return [
                "budget_policy_id": "bp-abc123", "budget_unit": "USD", "budget_amount": 100.0, "current_spend": 105.5,
            ]
        default:
            var data: JSONValue = ["name": name]
            if event.entity.hasSuffix("_alias") { data["alias"] = "example_alias" }
            if event.entity != "prompt_tag", event.entity.hasSuffix("_tag") || event.action == "created" {
                data["version"] = "1"
            }
            if event.entity.hasSuffix("_tag") { data["key"] = "example_key" }
            if event.action == "set" { data["value"] = "example_value" }
            return data
        }
    }
}
