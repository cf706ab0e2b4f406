// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

extension Console {
    func endpoint(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let name = request.parameter("name")
        let endpoint = try await get(API.Endpoint.self, Percent.path("endpoints", name))
        let counts = endpoint.counts.map { row -> [Words] in
            [
                .whole(row.version), .whole(row.predictions), .whole(row.labels), .whole(row.errors),
                .figure(row.latencyUsP50), .figure(row.latencyUsP99),
            ]
        }
        let history = endpoint.rollouts.map { rollout -> [Words] in
            [
                .text(rollout.id), .text("version \(rollout.canary.version)"), .state(rollout.state),
                .short(rollout.lastReason),
            ]
        }
        return Page(name, in: .endpoints, below: [("Endpoints", "/endpoints")], refreshSeconds: 3) {
            Self.traffic(endpoint.stable, endpoint.canary, endpoint.canaryPercent, endpoint.bandit)
            sharing(endpoint)
            controls(name, endpoint)
            Section("The judge") { judge(endpoint.rollouts.first) }
            Section("Answers by version") {
                Table(
                    "Answers",
                    [
                        "Version", .number("Predictions"), .number("Labels"), .number("Errors"),
                        .number("p50 µs"), .number("p99 µs"),
                    ], counts, empty: "No prediction yet.")
            }
            Section("Windows") { Self.reports(endpoint.reports, of: name) }
            Section("Rollouts") {
                Table(
                    "Rollouts", ["Rollout", "Canary", "State", "Last word"], history, empty: "No rollout yet.",
                    listing: Listing(request, name: "rollouts"))
            }
        }
    }

    /// What the judge of the last rollout saw.
    private func judge(_ rollout: API.Rollout?) -> [any Part] {
        guard let rollout else { return [EmptyState("No rollout yet.")] }
        let figures: [(name: Words, of: (API.SideNumbers) -> Words)] = [
            ("requests", { .whole($0.requests) }), ("errors", { .whole($0.errors) }),
            ("latency_us_p50", { .figure($0.latencyUsP50) }), ("latency_us_p99", { .figure($0.latencyUsP99) }),
            ("labels", { .whole($0.labels) }),
            // Without labels there is none about them.
            ("brier", { $0.labels == 0 ? "no labels yet" : .figure($0.brier) }),
        ]
        let sides = [rollout.lastNumbers.stable, rollout.lastNumbers.canary]
        // A judge of labels alone has no figures of requests.
        let rows = figures.map { figure in [figure.name] + sides.map { $0.map(figure.of) ?? .none } }
            .filter { row in row.dropFirst().contains { $0.rank != .nothing } }
        return Self.contradiction(rollout) + [
            Sentence(.state(rollout.state), " ", .text(rollout.lastReason)),
            Table("The judge's numbers", ["", .number("Stable"), .number("Canary")], rows, empty: ""),
        ]
    }

    /// What labels that came later said against a promotion; nothing where they did not.
    static func contradiction(_ rollout: API.Rollout) -> [any Part] {
        guard let contradicted = rollout.contradicted else { return [] }
        let outcome =
            contradicted.takenBack
            ? " The former version has its traffic back." : " The promoted version still has the traffic."
        return [Note(.text(contradicted.reason + outcome), title: "Contradicted:", tone: .bad)]
    }

    private static func reports(_ reports: [API.MonitorReport], of name: String) -> Table {
        let rows = reports.map { report -> [Words] in
            let drift = report.drift.sorted { $0.psi > $1.psi }.prefix(3)
            return [
                .text(report.window), .whole(report.version), .whole(report.rows), .figure(report.performance?.auc),
                .figure(report.performance?.brier),
                .text(drift.map { "\($0.column) \(Number.readable($0.psi))" }.joined(separator: ", ")),
            ]
        }
        return Table(
            "Reports",
            ["Window", "Version", .number("Predictions"), .number("AUC"), .number("Brier"), "Most drift (PSI)"], rows,
            empty: EmptyState("No window was looked at yet:", command: "gyre monitor \(name)"))
    }

    /// How the traffic is held, mirrored or shared beside its percents; nothing where it is not.
    private func sharing(_ endpoint: API.Endpoint) -> [any Part] {
        var parts: [any Part] = []
        if let freeze = endpoint.freeze {
            let until: [Words] = freeze.until.map { [" until ", .time($0)] } ?? []
            parts.append(
                Sentence(
                    .state("frozen"), " by \(freeze.actor)", .list(until, separator: ""), ": \(freeze.reason)"))
        }
        if endpoint.mirrored {
            let seen = endpoint.rollouts.first?.lastNumbers.canary
            parts.append(
                Sentence(
                    .state("mirrored"), " The canary gets copies of the requests; ", .whole(seen?.agreed), " of ",
                    .whole(seen?.compared), " answers were stable's."))
        }
        if let rules = endpoint.rules, !rules.isEmpty {
            let rows = rules.map { rule -> [Words] in
                [.text(rule.attribute), .text(rule.values.joined(separator: ", ")), .text(rule.to ?? "canary")]
            }
            parts.append(
                Section("Flags") { Table("Rules about requests", ["Attribute", "Values", "To"], rows, empty: "") })
        }
        if let learned = endpoint.learned {
            let rows = learned.map { arm -> [Words] in
                [.whole(arm.version), .whole(arm.requests), .whole(arm.rewards), .figure(arm.meanReward)]
            }
            let columns: [Table.Column] = ["Version", .number("Requests"), .number("Rewards"), .number("Mean reward")]
            parts.append(
                Section("Bandit") {
                    Sentence("\(endpoint.bandit?.algorithm ?? "A bandit") chooses; rewards come with labels.")
                    Table("Arms", columns, rows, empty: "No arm yet.")
                })
        }
        return parts
    }

    // MARK: A person's word

    /// What may be done, and when it makes sense; what cannot be taken back asks once more.
    private static func verbs(_ endpoint: API.Endpoint) -> [Form.Button] {
        var verbs: [Form.Button] = []
        func add(_ verb: String, _ title: String, warning: String? = nil) {
            verbs.append(Form.Button(title, name: "verb", value: verb, warning: warning))
        }
        if let rollout = endpoint.rollouts.first, endpoint.canary != nil {
            let isPaused = rollout.state == "paused"
            add(isPaused ? "resume" : "pause", isPaused ? "Let the rollout go on" : "Pause the rollout")
            add("promote", "Promote the canary", warning: "The canary becomes stable and gets all requests.")
            add("abort", "Abort the rollout", warning: "The canary gets no more requests; the rollout is over.")
        }
        let isFrozen = endpoint.freeze != nil
        add(isFrozen ? "unfreeze" : "freeze", isFrozen ? "Unfreeze the traffic" : "Freeze the traffic")
        return verbs
    }

    /// A form with a button for each thing that may be done; it is kept as it is while the page around it is fetched anew.
    private func controls(_ name: String, _ endpoint: API.Endpoint) -> Form {
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
