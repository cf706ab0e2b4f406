// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Addresses of MLflow's own pages, as its client prints them after `#`, and the page here that shows the same.
package enum MLflowAddress {
    /// The page for `address`: what stands behind `#` in a link to MLflow, `/experiments/1/runs/abc?workspace=x`.
    ///
    /// The links of mlflow 3.17's client: runs, experiments, evaluation runs; those that its pages put in the browser's address
    /// line are known too. The home page for any other.
    package static func page(_ address: String) -> String {
        let halves = address.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let query = halves.count > 1 ? Percent.query(String(halves[1])) : []
        let parts = halves[0].split(separator: "/").map { Percent.decode($0) }
        func asked(_ names: String...) -> String? {
            query.first { names.contains($0.name) && !$0.value.isEmpty }?.value
        }
        if let trace = asked("selectedTraceId", "selectedEvaluationId", "traceId") {
            return Percent.path("traces", trace)
        }
        switch parts.first {
        case "experiments" where parts.count > 1:
            if let run = asked("selectedRunUuid", "runUuid") { return Percent.path("runs", run) }
            return experiment(parts[1], Array(parts.dropFirst(2)))
        case "experiments": return "/runs"
        case "models": return models(Array(parts.dropFirst()))
        case "prompts": return prompts(Array(parts.dropFirst()), version: asked("promptVersion", "selectedVersion"))
        case "traces" where parts.count > 1: return Percent.path("traces", parts[1])
        case "evaluations": return "/runs" + Percent.query([("filter", evaluations)])
        case "compare-runs": return "/compare" + Percent.query(list(asked("runs")).map { ("id", $0) })
        default: return "/"
        }
    }

    /// Which runs are evaluations, as mlflow's client marks them.
    static let evaluations = "tags.`mlflow.runType` = 'genai_evaluate'"

    private static func experiment(_ id: String, _ rest: [String]) -> String {
        let second = rest.count > 1 ? rest[1] : nil
        switch rest.first {
        case "runs", "evaluation-runs":
            if let second { return Percent.path("runs", second) }
            return "/runs"
                + Percent.query([("experiment", id), ("filter", rest.first == "runs" ? nil : evaluations)])
        case "traces":
            return second.map { Percent.path("traces", $0) } ?? "/traces" + Percent.query([("experiment", id)])
        case "models":
            return second.map { Percent.path("logged-models", $0) }
                ?? "/logged-models" + Percent.query([("experiment", id)])
        case "prompts": return prompts(Array(rest.dropFirst()), version: nil)
        case "chat-sessions":
            let session = second.map { "metadata.`mlflow.trace.session` = '\($0.replacing("'", with: ""))'" }
            return "/traces" + Percent.query([("experiment", id), ("filter", session)])
        default: return "/runs" + Percent.query([("experiment", id)])
        }
    }

    private static func models(_ rest: [String]) -> String {
        guard let name = rest.first else { return "/models" }
        // `/models/NAME/versions/3`, and `/models/NAME/3` of older ones.
        guard let version = rest.count > 1 ? rest.last : nil, Int(version) != nil else {
            return Percent.path("models", name)
        }
        return Percent.path("models", name, version)
    }

    private static func prompts(_ rest: [String], version: String?) -> String {
        guard let name = rest.first else { return "/prompts" }
        let wanted = version ?? rest.dropFirst().last.flatMap { Int($0) == nil ? nil : $0 }
        return Percent.path("prompts", name) + (wanted.map { "#version-\(Percent.encode($0))" } ?? "")
    }

    /// The texts of a JSON list; none for anything else.
    private static func list(_ text: String?) -> [String] {
        guard let text, let value = try? JSONValue(parsing: text) else { return [] }
        return value.strings
    }
}
