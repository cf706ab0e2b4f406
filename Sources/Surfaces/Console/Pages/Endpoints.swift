// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

extension Console {
    /// What is served, whether an endpoint has it or not.
    func endpoints(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let found = try await api("/endpoints")["endpoints"]?.array ?? []
        let panels = found.map { endpoint in
            let name = text(endpoint["name"])
            return Panel(.link(name, to: Percent.path("endpoints", name))) { Self.traffic(endpoint) }
        }
        let (models, graphs) = (try await served(request), try await graphs())
        return Page("Endpoints", in: .endpoints, refreshSeconds: 3) {
            Panels(
                panels: panels,
                empty: EmptyState("Nothing is served yet. Deploy a model:", command: "gyre endpoint deploy NAME"))
            Section("Models") { models }
            Section("Graphs") { graphs }
        }
    }

    /// Models in memory.
    private func served(_ request: HTTPRequest) async throws(GyreError) -> Table {
        let rows = (try await api("/served")["models"]?.array ?? []).map { model -> [Words] in
            [
                .text(text(model["name"])), .text(text(model["version"])), .state(text(model["state"])),
                .text(text(model["platform"])), .bytes(model["bytes"]?.int), Words(model["requests"]),
                .short(text(model["reason"])),
            ]
        }
        return Table(
            "Known to the server",
            ["Model", "Version", "State", "Runs on", .number("Memory"), .number("Requests"), "Why"], rows,
            empty: EmptyState(
                "No model is loaded. Serve a folder of them:", command: "gyre up --model-repository DIR"),
            listing: Listing(request, name: "models"))
    }

    private func graphs() async throws(GyreError) -> Table {
        let rows = (try await api("/inferencegraphs")["items"]?.array ?? []).map { graph -> [Words] in
            let steps = (graph["spec"]?["nodes"]?.object?.members ?? []).map { node in
                let names = (node.value["steps"]?.array ?? []).map { text($0["serviceName"] ?? $0["nodeName"]) }
                return "\(node.name): \(text(node.value["routerType"])) of \(names.joined(separator: ", "))"
            }
            return [
                .text(text(graph["metadata"]?["name"])), .text(text(graph["status"]?["url"])),
                .short(steps.joined(separator: "; ")),
            ]
        }
        return Table(
            "Inference graphs", ["Graph", "Address", "Nodes"], rows,
            empty: EmptyState("No graph is applied:", command: "gyre apply -f FILE"))
    }

    /// Who gets how much; a bandit's shares are its own affair.
    static func traffic(_ endpoint: JSONValue) -> Bars {
        if let arms = endpoint["bandit"]?["arms"]?.array {
            let versions = arms.map { $0["version"]?.text ?? "?" }.joined(separator: ", ")
            let algorithm = endpoint["bandit"]?["algorithm"]?.string ?? "A bandit"
            return Bars(
                [Bars.Share(name: algorithm, kind: .canary, percent: 100)],
                words: "\(algorithm) chooses among the versions \(versions)")
        }
        let percent = endpoint["canary_percent"]?.double ?? 0
        let stable = Bars.Share(
            name: "version \(endpoint["stable"]?["version"]?.text ?? "?")", kind: .stable, percent: 100 - percent)
        guard let canary = endpoint["canary"]?["version"] else { return Bars([stable]) }
        return Bars([stable, Bars.Share(name: "canary: version \(canary.text)", kind: .canary, percent: percent)])
    }
}
