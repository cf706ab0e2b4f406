// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML
internal import GyreHTTP

extension Console {
    func models(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let rows = (try await api("/models")["models"]?.array ?? []).map { model -> [HTML] in
            [
                .link(text(model["name"]), to: "/models/\(Block.query(text(model["name"])))"),
                HTML(text(model["versions"])),
                HTML(Self.aliases(model)), Block.short(text(model["description"])),
            ]
        }
        return Page(
            title: "Models", section: "Models",
            content: [
                Block.table(
                    "Models", ["Model", "Versions", "Aliases", "Purpose"], rows, empty: "No model is registered yet."),
                .element("p", [], .link("Models as runs logged them", to: "/logged-models")),
            ])
    }

    func model(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let name = request.parameter("name")
        let model = try await api("/models/\(Block.query(name))")
        let rows = (model["versions"]?.array ?? []).reversed().map { version -> [HTML] in
            let own = (model["aliases"]?.object?.members ?? []).filter { $0.value == version["number"] }.map(\.name)
            return [
                .link(
                    "version \(text(version["number"]))", to: "/models/\(Block.query(name))/\(text(version["number"]))"),
                HTML(own.joined(separator: ", ")), HTML(time(version["created_ms"]?.int.map { $0 * 1000 })),
                version["run_id"]?.string.flatMap {
                    $0.isEmpty ? nil : HTML.link(String($0.prefix(8)), to: "/runs/\($0)")
                } ?? HTML("–"),
                Block.lineage("model/\(name)@\(text(version["number"]))"),
            ]
        }
        return Page(
            title: name, section: "Models",
            content: [
                Block.table(
                    "Versions", ["Version", "Aliases", "Registered", "Run", "Lineage"], Array(rows),
                    empty: "It has no version.")
            ])
    }

    func card(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let (name, version) = (request.parameter("name"), request.parameter("version"))
        let card = try await api("/models/\(Block.query(name))/versions/\(Block.query(version))/card")
        let rows = (card.object?.members ?? []).filter { $0.name != "missing" }.map { member -> (String, HTML) in
            if let list = member.value.array {
                let parts = list.map { item in
                    item.string?.contains("@") == true ? Block.lineage(text(item)) : HTML(text(item))
                }
                return (member.name, .join(parts.flatMap { [$0, HTML(" ")] }))
            }
            if member.name == "created_ms" { return ("created", HTML(time(member.value.int.map { $0 * 1000 }))) }
            return (
                member.name,
                member.value.string?.contains("@") == true
                    ? Block.lineage(text(member.value)) : HTML(text(member.value))
            )
        }
        let missing = card["missing"]?.strings ?? []
        return Page(
            title: "\(name), version \(version)", section: "Models",
            content: [
                .element("p", [], HTML("The model card, filled from the ledger.")), Block.facts(rows),
                .element(
                    "p", [("class", "empty")],
                    HTML(missing.isEmpty ? "Nothing is missing." : "Missing: \(missing.joined(separator: ", ")).")),
            ])
    }

    func endpoints(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let rows = (try await api("/endpoints")["endpoints"]?.array ?? []).map { endpoint -> [HTML] in
            [
                .link(text(endpoint["name"]), to: "/endpoints/\(Block.query(text(endpoint["name"])))"),
                Self.traffic(endpoint),
            ]
        }
        return Page(
            title: "Endpoints", section: "Endpoints",
            content: [
                Block.table(
                    "Endpoints", ["Endpoint", "Traffic"], rows,
                    empty: "Nothing is served yet. Deploy a model: gyre endpoint deploy NAME"),
                try await served(),
            ], refreshSeconds: 3)
    }

    func endpoint(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let name = request.parameter("name")
        let endpoint = try await api("/endpoints/\(Block.query(name))")
        let rollouts = endpoint["rollouts"]?.array ?? []
        var judge = HTML.element("p", [("class", "empty")], HTML("No rollout yet."))
        if let last = rollouts.first {
            let numbers = last["last_numbers"] ?? [:]
            let rows = ["requests", "errors", "latency_us_p50", "latency_us_p99", "labels", "brier"].map { key in
                [HTML(key)] + ["stable", "canary"].map { judged(key, numbers[$0] ?? [:]) }
            }
            judge =
                .element("p", [], Block.badge(text(last["state"])), HTML(" \(text(last["last_reason"]))"))
                + Block.table("The judge's numbers", ["", "Stable", "Canary"], rows, empty: "")
        }
        let counts = (endpoint["counts"]?.array ?? []).map { row in
            ["version", "predictions", "labels", "errors", "latency_us_p50", "latency_us_p99"].map {
                cell(row[$0])
            }
        }
        let history = rollouts.map {
            [
                HTML(text($0["id"])), HTML("version \(text($0["canary"]?["version"]))"), Block.badge(text($0["state"])),
                HTML(text($0["last_reason"])),
            ]
        }
        let reports = (endpoint["reports"]?.array ?? []).map { report -> [HTML] in
            let drift = (report["drift"]?.array ?? []).sorted { ($0["psi"]?.double ?? 0) > ($1["psi"]?.double ?? 0) }
                .prefix(3)
            return [
                HTML(text(report["window"])), HTML(text(report["version"])), HTML(text(report["rows"])),
                cell(report["performance"]?["auc"]), cell(report["performance"]?["brier"]),
                HTML(drift.map { "\(text($0["column"])) \(text($0["psi"]))" }.joined(separator: ", ")),
            ]
        }
        return Page(
            title: name, section: "Endpoints",
            content: [
                Self.traffic(endpoint), sharing(endpoint), controls(name, endpoint), Block.section("The judge", judge),
                Block.section(
                    "Answers by version",
                    Block.table(
                        "Answers", ["Version", "Predictions", "Labels", "Errors", "p50 µs", "p99 µs"], counts,
                        empty: "No prediction yet.")),
                Block.section(
                    "Windows",
                    Block.table(
                        "Reports", ["Window", "Version", "Predictions", "AUC", "Brier", "Most drift (PSI)"], reports,
                        empty: "No window was looked at yet: gyre monitor \(name)")),
                Block.section(
                    "Rollouts",
                    Block.table(
                        "Rollouts", ["Rollout", "Canary", "State", "Last word"], history, empty: "No rollout yet.")),
            ], refreshSeconds: 3)
    }

    /// A number of the judge's; without labels there is none about them.
    private func judged(_ key: String, _ numbers: JSONValue) -> HTML {
        key == "brier" && numbers["labels"]?.int == 0 ? HTML("no labels yet") : cell(numbers[key])
    }
}
