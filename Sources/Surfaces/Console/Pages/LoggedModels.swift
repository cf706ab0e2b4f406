// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

/// Models as runs logged them.
extension Console {
    func loggedModels(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let query = Percent.query([("experiment", request.query("experiment") ?? "")])
        let models = try await get(API.LoggedModelList.self, "/logged-models" + query).loggedModels
        return Page("Logged models", in: .models) {
            Self.modelTabs("Models as runs logged them")
            loggedModels(models, listing: Listing(request))
        }
    }

    /// A table of logged models.
    func loggedModels(_ models: [API.LoggedModel], listing: Listing? = nil) -> Table {
        let rows = models.map { model -> [Words] in
            [
                .link(model.name, to: Percent.path("logged-models", model.id)), .state(Self.status(model)),
                .milliseconds(model.createdMs), Self.run(model.runId), .text(model.id),
            ]
        }
        return Table(
            "Logged models", ["Model", "State", "Logged", "Run", "Id"], rows, empty: "No run has logged a model.",
            listing: listing)
    }

    func loggedModel(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let model = try await get(API.LoggedModel.self, Percent.path("logged-models", request.parameter("id")))
        let (experiment, run) = (model.experiment, model.runId)
        let metrics = (model.metrics ?? []).map { metric -> [Words] in
            [
                .short(metric.name), .figure(metric.value), .whole(metric.step), .short(metric.dataset ?? "–"),
                .link(metric.runId, to: Percent.path("runs", metric.runId)),
            ]
        }
        return Page(
            model.name, in: .models, below: [("Models", "/models"), ("Logged models", "/logged-models")]
        ) {
            Facts([
                ("Logged model", .text(model.id)), ("State", .state(Self.status(model))),
                ("Kind", .text(model.type)),
                ("Experiment", .link(experiment, to: "/logged-models" + Percent.query([("experiment", experiment)]))),
                ("Run", run.isEmpty ? .none : .link(run, to: Percent.path("runs", run))),
                ("Logged", .milliseconds(model.createdMs)), ("Files", .text(model.artifactUri)),
                ("Lineage", .reference("logged-model/\(model.id)")),
            ])
            Section("Metrics") {
                Table(
                    "Metrics", ["Metric", .number("Value"), .number("Step"), "Dataset", "Run"], metrics,
                    empty: "No metric is about it.")
            }
            pairs("Params", "Param", model.params, empty: "No param was logged.")
            pairs("Tags", "Tag", model.tags, empty: "No tag was set.")
        }
    }

    private static func status(_ model: API.LoggedModel) -> String {
        model.status.replacing("LOGGED_MODEL_", with: "")
    }
}
