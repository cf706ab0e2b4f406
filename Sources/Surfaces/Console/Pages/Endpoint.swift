// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

extension Console {
    func endpoint(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let name = request.parameter("name")
        let endpoint = try await api(Percent.path("endpoints", name))
        let rollouts = endpoint["rollouts"]?.array ?? []
        let counts = (endpoint["counts"]?.array ?? []).map { row in
            ["version", "predictions", "labels", "errors", "latency_us_p50", "latency_us_p99"].map { Words(row[$0]) }
        }
        let history = rollouts.map { rollout -> [Words] in
            [
                .text(text(rollout["id"])), .text("version \(text(rollout["canary"]?["version"]))"),
                .state(text(rollout["state"])), .short(text(rollout["last_reason"])),
            ]
        }
        return Page(name, in: .endpoints, below: [("Endpoints", "/endpoints")], refreshSeconds: 3) {
            Self.traffic(endpoint)
            sharing(endpoint)
            controls(name, endpoint)
            Section("The judge") { judge(rollouts.first) }
            Section("Answers by version") {
                Table(
                    "Answers",
                    [
                        "Version", .number("Predictions"), .number("Labels"), .number("Errors"),
                        .number("p50 µs"), .number("p99 µs"),
                    ], counts, empty: "No prediction yet.")
            }
            Section("Windows") { Self.reports(endpoint["reports"]?.array ?? [], of: name) }
            Section("Rollouts") {
                Table(
                    "Rollouts", ["Rollout", "Canary", "State", "Last word"], history, empty: "No rollout yet.",
                    listing: Listing(request, name: "rollouts"))
            }
        }
    }

    /// What the judge of the last rollout saw.
    private func judge(_ rollout: JSONValue?) -> [any Part] {
        guard let rollout else { return [EmptyState("No rollout yet.")] }
        let numbers = rollout["last_numbers"] ?? [:]
        let rows = ["requests", "errors", "latency_us_p50", "latency_us_p99", "labels", "brier"].map { key in
            [Words.text(key)] + ["stable", "canary"].map { judged(key, numbers[$0] ?? [:]) }
        }
        return Self.contradiction(rollout) + [
            Sentence(.state(text(rollout["state"])), " ", .text(text(rollout["last_reason"]))),
            Table("The judge's numbers", ["", .number("Stable"), .number("Canary")], rows, empty: ""),
        ]
    }

    /// What labels that came later said against a promotion; nothing where they did not.
    static func contradiction(_ rollout: JSONValue) -> [any Part] {
        guard let contradicted = rollout["contradicted"], !contradicted.isNull else { return [] }
        let outcome =
            contradicted["taken_back"]?.bool == true
            ? " The former version has its traffic back." : " The promoted version still has the traffic."
        return [Note(.text(text(contradicted["reason"]) + outcome), title: "Contradicted:", tone: .bad)]
    }

    /// A number of the judge's; without labels there is none about them.
    private func judged(_ key: String, _ numbers: JSONValue) -> Words {
        key == "brier" && numbers["labels"]?.int == 0 ? "no labels yet" : Words(numbers[key])
    }

    private static func reports(_ reports: [JSONValue], of name: String) -> Table {
        let rows = reports.map { report -> [Words] in
            let drift = (report["drift"]?.array ?? []).sorted { ($0["psi"]?.double ?? 0) > ($1["psi"]?.double ?? 0) }
                .prefix(3)
            return [
                .text(text(report["window"])), .text(text(report["version"])), Words(report["rows"]),
                Words(report["performance"]?["auc"]), Words(report["performance"]?["brier"]),
                .text(drift.map { "\(text($0["column"])) \(text($0["psi"]))" }.joined(separator: ", ")),
            ]
        }
        return Table(
            "Reports",
            ["Window", "Version", .number("Predictions"), .number("AUC"), .number("Brier"), "Most drift (PSI)"], rows,
            empty: EmptyState("No window was looked at yet:", command: "gyre monitor \(name)"))
    }

    /// How the traffic is held, mirrored or shared beside its percents; nothing where it is not.
    private func sharing(_ endpoint: JSONValue) -> [any Part] {
        var parts: [any Part] = []
        if let freeze = endpoint["freeze"], !freeze.isNull {
            let until: [Words] = freeze["until"]?.int.map { [" until ", .time($0)] } ?? []
            parts.append(
                Sentence(
                    .state("frozen"), " by \(text(freeze["actor"]))", .list(until, separator: ""),
                    ": \(text(freeze["reason"]))"))
        }
        if endpoint["mirrored"]?.bool == true {
            let compared = endpoint["rollouts"]?.array?.first?["last_numbers"]?["canary"]
            parts.append(
                Sentence(
                    .state("mirrored"),
                    " The canary gets copies of the requests; \(text(compared?["agreed"])) of \(text(compared?["compared"])) answers were stable's."
                ))
        }
        if let rules = endpoint["rules"]?.array, !rules.isEmpty {
            let rows = rules.map { rule -> [Words] in
                [
                    .text(text(rule["attribute"])), .text(rule["values"]?.strings.joined(separator: ", ") ?? ""),
                    .text(text(rule["to"])),
                ]
            }
            parts.append(
                Section("Flags") { Table("Rules about requests", ["Attribute", "Values", "To"], rows, empty: "") })
        }
        if let learned = endpoint["learned"]?.array {
            let rows = learned.map { arm in ["version", "requests", "rewards", "mean_reward"].map { Words(arm[$0]) } }
            let columns: [Table.Column] = ["Version", .number("Requests"), .number("Rewards"), .number("Mean reward")]
            parts.append(
                Section("Bandit") {
                    Sentence("\(text(endpoint["bandit"]?["algorithm"])) chooses; rewards come with labels.")
                    Table("Arms", columns, rows, empty: "No arm yet.")
                })
        }
        return parts
    }

    // MARK: A person's word

    /// What may be done, and when it makes sense; what cannot be taken back asks once more.
    private static func verbs(_ endpoint: JSONValue) -> [Form.Button] {
        var verbs: [Form.Button] = []
        func add(_ verb: String, _ title: String, warning: String? = nil) {
            verbs.append(Form.Button(title, name: "verb", value: verb, warning: warning))
        }
        if let rollout = endpoint["rollouts"]?.array?.first, endpoint["canary"]?.isNull == false {
            let isPaused = rollout["state"]?.string == "paused"
            add(isPaused ? "resume" : "pause", isPaused ? "Let the rollout go on" : "Pause the rollout")
            add("promote", "Promote the canary", warning: "The canary becomes stable and gets all requests.")
            add("abort", "Abort the rollout", warning: "The canary gets no more requests; the rollout is over.")
        }
        let isFrozen = endpoint["freeze"]?.isNull == false
        add(isFrozen ? "unfreeze" : "freeze", isFrozen ? "Unfreeze the traffic" : "Freeze the traffic")
        return verbs
    }

    /// A form with a button for each thing that may be done; it is kept as it is while the page around it is fetched anew.
    private func controls(_ name: String, _ endpoint: JSONValue) -> Form {
        let verbs = Self.verbs(endpoint)
        var fields: [Form.Field] = [.text("Why", name: "reason", isRequired: true)]
        if verbs.contains(where: { $0.value == "freeze" }) {
            fields.append(.number("Freeze for hours", name: "hours", value: "24", least: "0.1"))
        }
        return Form(
            .command(address: Percent.path("endpoints", name)),
            id: "controls-\(verbs.compactMap(\.value).joined(separator: "-"))", fields: fields, buttons: verbs)
    }

    /// A person's word, out of the form of an endpoint's page.
    func command(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let address = Percent.path("endpoints", request.parameter("name"))
        let form = Percent.form(try await request.body.collect(limit: 65_536))
        let reason = form["reason"].flatMap { $0.isEmpty ? nil : $0 } ?? "asked for in the console"
        var body: JSONValue = ["reason": .string(reason)]
        let path: String
        switch form["verb"] {
        case let verb? where ["pause", "resume", "promote", "abort"].contains(verb): path = "rollout/\(verb)"
        case "freeze":
            path = "freeze"
            if let hours = form["hours"].flatMap(Double.init) {
                body["seconds"] = .int(Int64(max(0, min(hours * 3600, 1e9))))
            }
        case "unfreeze": path = "unfreeze"
        default: throw GyreError(.invalid, "The form does not say what is to be done.")
        }
        _ = try await act("\(address)/\(path)", body)
        return HTTPResponse(status: 303, headers: [("location", address)])
    }
}
