// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML
internal import GyreHTTP

/// What a person can do about an endpoint's traffic, and what is told about how it is shared.
extension Console {
    /// What may be done, and when it makes sense.
    private static func verbs(_ endpoint: JSONValue) -> [(verb: String, title: String)] {
        var verbs: [(String, String)] = []
        if let rollout = endpoint["rollouts"]?.array?.first, endpoint["canary"]?.isNull == false {
            verbs.append(
                rollout["state"]?.string == "paused"
                    ? ("resume", "Let the rollout go on") : ("pause", "Pause the rollout"))
            verbs += [("promote", "Promote the canary"), ("abort", "Abort the rollout")]
        }
        verbs.append(
            endpoint["freeze"]?.isNull == false
                ? ("unfreeze", "Unfreeze the traffic") : ("freeze", "Freeze the traffic"))
        return verbs
    }

    /// Who gets how much; a bandit's shares are its own affair.
    static func traffic(_ endpoint: JSONValue) -> HTML {
        guard let arms = endpoint["bandit"]?["arms"]?.array else { return split(endpoint) }
        let versions = arms.map { $0["version"]?.text ?? "?" }.joined(separator: ", ")
        let words = "\(endpoint["bandit"]?["algorithm"]?.string ?? "A bandit") chooses among the versions \(versions)"
        return .element(
            "div", [("class", "split"), ("aria-hidden", "true")],
            .element("span", [("class", "part canary"), ("style", "flex-grow:1")], .empty))
            + .element("p", [("class", "shares")], HTML(words))
    }

    /// A form with a button for each thing that may be done; it is kept as it is while the page around it is fetched anew.
    func controls(_ name: String, _ endpoint: JSONValue) -> HTML {
        let verbs = Self.verbs(endpoint)
        let buttons = verbs.map { verb, title in
            HTML.element("button", [("name", "verb"), ("value", verb)], HTML(title))
        }
        var fields = [
            HTML.element(
                "label", [], HTML("Why "), .void("input", [("name", "reason"), ("maxlength", "500"), ("required", "")]))
        ]
        if verbs.contains(where: { $0.verb == "freeze" }) {
            fields.append(
                .element(
                    "label", [], HTML("Freeze for hours "),
                    .void(
                        "input",
                        [("name", "hours"), ("type", "number"), ("min", "0.1"), ("step", "any"), ("value", "24")])))
        }
        return .element(
            "form",
            [
                ("method", "post"), ("class", "controls"), ("action", "/endpoints/\(Block.query(name))"),
                ("id", "controls-\(verbs.map(\.verb).joined(separator: "-"))"),
            ], fields + buttons)
    }

    /// How the traffic is held, mirrored or shared beside its percents; nothing where it is not.
    func sharing(_ endpoint: JSONValue) -> HTML {
        var parts: [HTML] = []
        if let freeze = endpoint["freeze"], !freeze.isNull {
            let until = freeze["until"]?.int.map { " until \(time($0))" } ?? ""
            parts.append(
                .element(
                    "p", [], Block.badge("frozen"),
                    HTML(" by \(text(freeze["actor"]))\(until): \(text(freeze["reason"]))")))
        }
        if endpoint["mirrored"]?.bool == true {
            let compared = endpoint["rollouts"]?.array?.first?["last_numbers"]?["canary"]
            parts.append(
                .element(
                    "p", [], Block.badge("mirrored"),
                    HTML(
                        " The canary gets copies of the requests; \(text(compared?["agreed"])) of \(text(compared?["compared"])) answers were stable's."
                    )))
        }
        if let rules = endpoint["rules"]?.array, !rules.isEmpty {
            let rows = rules.map { rule in
                [
                    HTML(text(rule["attribute"])), HTML(rule["values"]?.strings.joined(separator: ", ") ?? ""),
                    HTML(text(rule["to"])),
                ]
            }
            parts.append(
                Block.section(
                    "Flags", Block.table("Rules about requests", ["Attribute", "Values", "To"], rows, empty: "")))
        }
        if let learned = endpoint["learned"]?.array {
            let rows = learned.map { arm in
                ["version", "requests", "rewards", "mean_reward"].map { cell(arm[$0]) }
            }
            parts.append(
                Block.section(
                    "Bandit",
                    .element(
                        "p", [], HTML("\(text(endpoint["bandit"]?["algorithm"])) chooses; rewards come with labels.")),
                    Block.table("Arms", ["Version", "Requests", "Rewards", "Mean reward"], rows, empty: "")))
        }
        return .join(parts)
    }

    /// Models in memory and graphs, whether an endpoint has them or not.
    func served() async throws(GyreError) -> HTML {
        let models = (try await api("/served")["models"]?.array ?? []).map { model -> [HTML] in
            [
                HTML(text(model["name"])), HTML(text(model["version"])), Block.badge(text(model["state"])),
                HTML(text(model["platform"])), HTML(text(model["bytes"]?.int.map { Self.mebibytes($0) })),
                HTML(text(model["requests"])), HTML(text(model["reason"])),
            ]
        }
        let graphs = (try await api("/inferencegraphs")["items"]?.array ?? []).map { graph -> [HTML] in
            let nodes = graph["spec"]?["nodes"]?.object?.members ?? []
            let steps = nodes.map { node in
                let names = (node.value["steps"]?.array ?? []).map { text($0["serviceName"] ?? $0["nodeName"]) }
                return "\(node.name): \(text(node.value["routerType"])) of \(names.joined(separator: ", "))"
            }
            return [
                HTML(text(graph["metadata"]?["name"])), HTML(text(graph["status"]?["url"])),
                HTML(steps.joined(separator: "; ")),
            ]
        }
        return Block.section(
            "Models",
            Block.table(
                "Known to the server", ["Model", "Version", "State", "Runs on", "Memory", "Requests", "Why"], models,
                empty: "No model is loaded. Serve a folder of them: gyre up --model-repository DIR"))
            + Block.section(
                "Graphs",
                Block.table(
                    "Inference graphs", ["Graph", "Address", "Nodes"], graphs,
                    empty: "No graph is applied: gyre apply -f FILE"))
    }

    private static func mebibytes(_ bytes: Int64) -> JSONValue {
        .string("\((Double(bytes) / 104_857.6).rounded() / 10) MiB")
    }

    /// A person's word, out of the form of an endpoint's page.
    func command(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("name")
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
        _ = try await act("/endpoints/\(Block.query(name))/\(path)", body)
        return HTTPResponse(status: 303, headers: [("location", "/endpoints/\(Block.query(name))")])
    }
}
