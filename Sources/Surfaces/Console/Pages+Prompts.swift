// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML
internal import GyreHTTP

/// Prompts with their texts, and models as runs logged them.
extension Console {
    func prompts(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let rows = (try await api("/prompts")["prompts"]?.array ?? []).map { prompt -> [HTML] in
            [
                .link(text(prompt["name"]), to: "/prompts/\(Block.query(text(prompt["name"])))"),
                HTML(text(prompt["versions"])), HTML(Self.aliases(prompt)), Block.short(text(prompt["description"])),
            ]
        }
        return Page(
            title: "Prompts", section: "Prompts",
            content: [
                Block.table(
                    "Prompts", ["Prompt", "Versions", "Aliases", "Purpose"], rows,
                    empty: "No prompt is registered yet: mlflow.genai.register_prompt(name, template)")
            ])
    }

    func prompt(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let name = request.parameter("name")
        let prompt = try await api("/prompts/\(Block.query(name))")
        let versions = prompt["texts"]?.array ?? []
        let shown = versions.reversed().prefix(50).map { version -> HTML in
            let own = (prompt["aliases"]?.object?.members ?? []).filter { $0.value == version["number"] }.map(\.name)
            let body = version["text"]?.string
            // A chat's messages are JSON; what cannot be read is shown as it stands.
            let isChat = version["type"]?.string == "chat"
            let messages = isChat ? body.flatMap { try? JSONValue(parsing: $0) } : nil
            return .element(
                "section", [("id", "version-\(text(version["number"]))")],
                [
                    .element("h2", [], HTML("Version \(text(version["number"]))")),
                    .element(
                        "p", [],
                        own.flatMap { [Block.badge("@\($0)"), HTML(" ")] }
                            + [HTML(time(version["created_ms"]?.int.map { $0 * 1000 })), HTML(" ")]
                            + [Block.short(version["message"]?.string ?? "")]),
                    Block.block(
                        messages?.indented() ?? body ?? "It has no text.", "Text of version \(text(version["number"]))"),
                ])
        }
        return Page(
            title: name, section: "Prompts",
            content: [
                Block.facts([
                    ("Purpose", HTML(text(prompt["description"]))), ("Aliases", HTML(Self.aliases(prompt))),
                    ("Lineage", Block.lineage("model/\(name)")),
                ])
            ] + shown + [Block.cut(shown.count, of: versions.count, "versions, the newest first")])
    }

    static func aliases(_ model: JSONValue) -> String {
        let aliases = (model["aliases"]?.object?.members ?? []).map { "\($0.name) → \($0.value.text)" }
        return aliases.isEmpty ? "–" : aliases.joined(separator: ", ")
    }

    func loggedModels(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let experiment = request.query("experiment") ?? ""
        let models = try await api("/logged-models?experiment=\(Block.query(experiment))")["logged_models"]?.array ?? []
        return Page(
            title: "Logged models", section: "Models",
            content: [
                .element(
                    "p", [],
                    HTML("Models as runs logged them; those with a name of their own are among the "),
                    .link("registered models", to: "/models"), HTML(".")), loggedModels(Array(models.prefix(200))),
                Block.cut(min(200, models.count), of: models.count, "logged models, the newest first"),
            ])
    }

    /// A table of logged models.
    func loggedModels(_ models: [JSONValue]) -> HTML {
        let rows = models.map { model -> [HTML] in
            let run = text(model["run_id"])
            return [
                .link(text(model["name"]), to: "/logged-models/\(Block.query(text(model["id"])))"),
                Block.badge(Self.status(model)), HTML(time(model["created_ms"]?.int.map { $0 * 1000 })),
                run.isEmpty ? HTML("–") : .link(String(run.prefix(8)), to: "/runs/\(Block.query(run))"),
                HTML(text(model["id"])),
            ]
        }
        return Block.table(
            "Logged models", ["Model", "State", "Logged", "Run", "Id"], rows, empty: "No run has logged a model.")
    }

    func loggedModel(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let model = try await api("/logged-models/\(Block.query(request.parameter("id")))")
        let (run, experiment) = (text(model["run_id"]), text(model["experiment"]))
        let metrics = (model["metrics"]?.array ?? []).map {
            [
                Block.short(text($0["name"])), Block.figure($0["value"]?.double), HTML(text($0["step"])),
                HTML(text($0["dataset"])),
                HTML.link(text($0["run_id"]), to: "/runs/\(Block.query(text($0["run_id"])))"),
            ]
        }
        return Page(
            title: text(model["name"]), section: "Models",
            content: [
                Block.facts([
                    ("Logged model", HTML(text(model["id"]))), ("State", Block.badge(Self.status(model))),
                    ("Kind", HTML(text(model["type"]))),
                    ("Experiment", .link(experiment, to: "/logged-models?experiment=\(Block.query(experiment))")),
                    ("Run", run.isEmpty ? HTML("–") : .link(run, to: "/runs/\(Block.query(run))")),
                    ("Logged", HTML(time(model["created_ms"]?.int.map { $0 * 1000 }))),
                    ("Files", HTML(text(model["artifact_uri"]))),
                    ("Lineage", Block.lineage("logged-model/\(text(model["id"]))")),
                ]),
                Block.section(
                    "Metrics",
                    Block.table(
                        "Metrics", ["Metric", "Value", "Step", "Dataset", "Run"], metrics,
                        empty: "No metric is about it.")),
                pairs("Params", "Param", model["params"], empty: "No param was logged."),
                pairs("Tags", "Tag", model["tags"], empty: "No tag was set."),
            ])
    }

    private static func status(_ model: JSONValue) -> String {
        (model["status"]?.string ?? "").replacing("LOGGED_MODEL_", with: "")
    }
}
