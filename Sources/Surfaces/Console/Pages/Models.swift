// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

extension Console {
    /// The two lists of models: those with names of their own, and those that runs logged.
    static func modelTabs(_ chosen: String) -> Tabs {
        Tabs(
            label: "Models",
            tabs: [("Registered models", "/models"), ("Models as runs logged them", "/logged-models")],
            chosen: chosen)
    }

    func models(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let rows = try await get(API.ModelList.self, "/models").models.map { model -> [Words] in
            [
                .link(model.name, to: Percent.path("models", model.name)), .whole(model.versions),
                .text(Self.aliases(model.aliases)), .short(model.description),
            ]
        }
        return Page("Models", in: .models) {
            Self.modelTabs("Registered models")
            Table(
                "Models", ["Model", .number("Versions"), "Aliases", "Purpose"], rows,
                empty: "No model is registered yet.",
                listing: Listing(request))
        }
    }

    func model(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let name = request.parameter("name")
        let model = try await get(API.Model.self, Percent.path("models", name))
        let rows = model.versions.reversed().map { version -> [Words] in
            let own = model.aliases.filter { $0.value == version.number }.keys.sorted()
            return [
                .link("version \(version.number)", to: Percent.path("models", name, String(version.number))),
                .text(own.joined(separator: ", ")), .milliseconds(version.createdMs), Self.run(version.runId),
                .reference("model/\(name)@\(version.number)"),
            ]
        }
        return Page(name, in: .models, below: [("Models", "/models")]) {
            Table(
                "Versions", ["Version", "Aliases", "Registered", "Run", "Lineage"], Array(rows),
                empty: "It has no version.", listing: Listing(request))
        }
    }

    /// The model card: what the ledger knows of a version.
    func card(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let (name, version) = (request.parameter("name"), request.parameter("version"))
        let card = try await api(Percent.path("models", name, "versions", version, "card"))
        let pairs = (card.object?.members ?? []).filter { $0.name != "missing" }.map(Self.line)
        let missing = card["missing"]?.strings ?? []
        return Page(
            "\(name), version \(version)", in: .models,
            below: [("Models", "/models"), (name, Percent.path("models", name))]
        ) {
            Sentence("The model card, filled from the ledger.")
            Facts(pairs)
            if missing.isEmpty {
                Note("Nothing is missing.", tone: .good)
            } else {
                Note("\(missing.joined(separator: ", ")).", title: "Missing:", tone: .busy)
            }
        }
    }

    private static func line(_ member: JSONObject.Member) -> (name: String, value: Words) {
        func words(_ value: JSONValue) -> Words {
            value.string?.contains("@") == true ? .reference(text(value)) : .text(text(value))
        }
        if let list = member.value.array { return (member.name, list.isEmpty ? .none : .several(list.map(words))) }
        if member.name == "created_ms" { return ("created", .milliseconds(member.value.int)) }
        return (member.name, words(member.value))
    }
}
