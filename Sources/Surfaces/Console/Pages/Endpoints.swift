// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

extension Console {
    /// What is served, whether an endpoint has it or not.
    func endpoints(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let panels = Self.panels(try await get(API.EndpointList.self, "/endpoints").endpoints)
        let (models, graphs) = (try await served(request), try await graphs())
        return Page("Endpoints", in: .endpoints, refreshSeconds: 3) {
            Panels(
                panels: panels,
                empty: EmptyState("Nothing is served yet. Deploy a model:", command: "gyre endpoint deploy NAME"))
            Section("Models") { models }
            Section("Graphs") { graphs }
        }
    }

    /// Who gets the traffic of each endpoint.
    static func panels(_ endpoints: [API.EndpointSummary]) -> [Panel] {
        endpoints.map { endpoint in
            Panel(.link(endpoint.name, to: Percent.path("endpoints", endpoint.name))) {
                traffic(endpoint.stable, endpoint.canary, endpoint.canaryPercent, endpoint.bandit)
            }
        }
    }

    /// Models in memory.
    private func served(_ request: HTTPRequest) async throws(GyreError) -> Table {
        let rows = try await get(API.ServedModels.self, "/served").models.map { model -> [Words] in
            [
                .text(model.name), .whole(model.version), .state(model.state), .text(model.platform ?? "–"),
                .bytes(model.bytes), .whole(model.requests), .short(model.reason),
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
    static func traffic(_ stable: API.Side, _ canary: API.Side?, _ percent: Int, _ bandit: API.Bandit?) -> Bars {
        if let bandit {
            let versions = bandit.arms.map { String($0.version) }.joined(separator: ", ")
            return Bars(
                [Bars.Share(name: bandit.algorithm, kind: .canary, percent: 100)],
                words: "\(bandit.algorithm) chooses among the versions \(versions)")
        }
        let share = Bars.Share(
            name: "version \(stable.version)", kind: .stable, percent: Double(100 - percent))
        guard let canary else { return Bars([share]) }
        return Bars([
            share, Bars.Share(name: "canary: version \(canary.version)", kind: .canary, percent: Double(percent)),
        ])
    }
}
