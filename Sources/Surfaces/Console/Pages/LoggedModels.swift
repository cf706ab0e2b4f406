// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Models as runs logged them.
extension Console {
    func loggedModels(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let query = Percent.query([("experiment", request.query("experiment") ?? "")])
        let models = try await api("/logged-models" + query)["logged_models"]?.array ?? []
        return Page("Logged models", in: .models) {
            Self.modelTabs("Models as runs logged them")
            loggedModels(models, listing: Listing(request))
        }
    }

    /// A table of logged models.
    func loggedModels(_ models: [JSONValue], listing: Listing? = nil) -> Table {
        let rows = models.map { model -> [Words] in
            let id = text(model["id"])
            return [
                .link(text(model["name"]), to: Percent.path("logged-models", id)), .state(Self.status(model)),
                Self.milliseconds(model["created_ms"]), Self.run(model["run_id"]?.string), .text(id),
            ]
        }
        return Table(
            "Logged models", ["Model", "State", "Logged", "Run", "Id"], rows, empty: "No run has logged a model.",
            listing: listing)
    }

    func loggedModel(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let model = try await api(Percent.path("logged-models", request.parameter("id")))
        let (id, experiment, run) = (text(model["id"]), text(model["experiment"]), text(model["run_id"]))
        let metrics = (model["metrics"]?.array ?? []).map { metric -> [Words] in
            let run = text(metric["run_id"])
            return [
                .short(text(metric["name"])), .figure(metric["value"]?.double), Words(metric["step"]),
                Words(metric["dataset"]), .link(run, to: Percent.path("runs", run)),
            ]
        }
        return Page(
            text(model["name"]), in: .models, below: [("Models", "/models"), ("Logged models", "/logged-models")]
        ) {
            Facts([
                ("Logged model", .text(id)), ("State", .state(Self.status(model))),
                ("Kind", .text(text(model["type"]))),
                ("Experiment", .link(experiment, to: "/logged-models" + Percent.query([("experiment", experiment)]))),
                ("Run", run.isEmpty ? .none : .link(run, to: Percent.path("runs", run))),
                ("Logged", Self.milliseconds(model["created_ms"])), ("Files", .text(text(model["artifact_uri"]))),
                ("Lineage", .reference("logged-model/\(id)")),
            ])
            Section("Metrics") {
                Table(
                    "Metrics", ["Metric", .number("Value"), .number("Step"), "Dataset", "Run"], metrics,
                    empty: "No metric is about it.")
            }
            pairs("Params", "Param", model["params"], empty: "No param was logged.")
            pairs("Tags", "Tag", model["tags"], empty: "No tag was set.")
        }
    }

    private static func status(_ model: JSONValue) -> String {
        (model["status"]?.string ?? "").replacing("LOGGED_MODEL_", with: "")
    }
}
