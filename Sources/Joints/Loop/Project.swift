// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What `gyre.yaml` says: the files of the ecosystem, tied into a loop.
package struct Project: Sendable, Hashable {
    /// What people call it; its ref begins with it.
    package let name: String
    /// The registered model that it trains.
    package let model: String
    /// The endpoint that serves it.
    package let endpoint: String
    /// The suite that each dataset is checked with, as Great Expectations writes it.
    package let suites: [String: JSONValue]
    /// The views that its training set may join, as `gyre.yaml` defines them.
    package let featureViews: [JSONValue]
    /// How the training set is made; nil trains on the datasets themselves.
    package let training: Training?
    /// The compiled pipeline.
    package let pipeline: String
    /// The pipeline's parameter that gets the training set.
    package let trainingParameter: String
    /// The other parameters.
    package let parameters: [String: JSONValue]
    /// Percents of traffic of a canary.
    package let steps: [Int]
    /// The judge's limits.
    package let judge: JSONValue
    /// What acts on what.
    package let policies: [Policy]
    /// Seconds after which what was deleted is removed for good; nil keeps it.
    package let retentionSeconds: Int64?
    private let source: JSONValue

    /// How the training set is made.
    package struct Training: Sendable, Hashable {
        /// The dataset that the training set is kept in.
        package let dataset: String
        /// The dataset whose rows are the spine.
        package let spine: String
        /// A query over `source`, the spine's rows; nil takes them as they are.
        package let query: String?
        /// The column with the time as of which features are joined.
        package let timestamp: String
        /// The views that are joined.
        package let views: [String]
    }

    /// One rule: when something is seen, something is done.
    package struct Policy: Sendable, Hashable {
        /// Acts as `policy/<name>` in the ledger.
        package let name: String
        /// What is watched.
        package let trigger: Trigger
        /// From where on it acts, in the trigger's own measure.
        package let threshold: Double
        /// The column of a drift trigger.
        package let column: String?
        /// What it does.
        package let action: Action

        /// What can be watched.
        package enum Trigger: String, Sendable, Hashable, CaseIterable {
            case checkFailed = "check_failed"
            case modelTrained = "model_trained"
            /// The judge rolls a worse canary back whether or not a project says so; saying so keeps the file complete.
            case canaryWorse = "canary_worse"
            case qualityFell = "auc_fell"
            case drifted = "psi"
        }

        /// What can be done.
        package enum Action: String, Sendable, Hashable, CaseIterable {
            case stop
            case rollOut = "roll_out"
            case rollBack = "roll_back"
            case retrain
            case alert
        }
    }

    /// A project as the command line sends it: `gyre.yaml` with the contents of its files in place of their paths.
    /// - Throws: `.invalid` naming what is missing or unknown.
    package init(json: JSONValue) throws(GyreError) {
        func text(_ name: String) throws(GyreError) -> String {
            if let text = json[name]?.string { return text }
            throw GyreError(.invalid, "gyre.yaml has no \"\(name)\".")
        }
        source = json
        name = try Name(try text("project"), of: "project").text
        model = try text("model")
        endpoint = try Name(json["endpoint"]?.string ?? model, of: "endpoint").text
        var suites: [String: JSONValue] = [:]
        for member in json["datasets"]?.object?.members ?? [] {
            // A suite without a value is none: nothing would ever pass it.
            if let suite = Self.given(member.value["suite"]) { suites[member.name] = suite }
        }
        self.suites = suites
        featureViews = json["feature_views"]?.array ?? []
        training = try Self.given(json["training"]).map { json throws(GyreError) in
            guard let dataset = json["dataset"]?.string, let spine = json["spine"]?.string,
                let timestamp = json["timestamp"]?.string
            else {
                throw GyreError(.invalid, "\"training\" in gyre.yaml needs dataset, spine and timestamp.")
            }
            return Training(
                dataset: dataset, spine: spine, query: json["query"]?.string, timestamp: timestamp,
                views: json["views"]?.strings ?? [])
        }
        guard let pipeline = json["pipeline"]?["package"]?.string else {
            throw GyreError(
                .invalid, "gyre.yaml has no compiled pipeline.",
                fix: "pipeline: {file: train.yaml, training_parameter: training}")
        }
        self.pipeline = pipeline
        trainingParameter = json["pipeline"]?["training_parameter"]?.string ?? "training"
        var parameters: [String: JSONValue] = [:]
        for member in json["pipeline"]?["parameters"]?.object?.members ?? [] { parameters[member.name] = member.value }
        self.parameters = parameters
        steps = (json["rollout"]?["steps"]?.array ?? [10, 50, 100]).compactMap { $0.int.map(Int.init) }
        judge = json["rollout"]?["judge"] ?? [:]
        retentionSeconds = try Self.given(json["retention"]?["deleted_for"]).map { value throws(GyreError) in
            try Self.seconds(value)
        }
        policies = try (json["policies"]?.array ?? []).map { item throws(GyreError) in try Self.policy(item) }
    }

    /// As stored.
    package var json: JSONValue { source }
    /// `project/<name>@<digest>`.
    package var ref: Ref { Ref("project", name, Digest(of: source.canonicalBytes).short) }

    /// A member that has a value; one without says nothing.
    private static func given(_ value: JSONValue?) -> JSONValue? { value.flatMap { $0.isNull ? nil : $0 } }

    /// A stretch of time such as `30d` or `12h`.
    private static func seconds(_ value: JSONValue) throws(GyreError) -> Int64 {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let text = value.string, let last = text.last, let unit = units[last], let count = Int64(text.dropLast()),
            (0..<1_000_000).contains(count)
        else {
            throw GyreError(
                .invalid, "\(value.text.prefix(40)) is no time to keep what was deleted.",
                fix: "retention: {deleted_for: 30d}")
        }
        return count * unit
    }

    private static func policy(_ json: JSONValue) throws(GyreError) -> Policy {
        guard let trigger = Policy.Trigger(rawValue: json["when"]?.string ?? ""),
            let action = Policy.Action(rawValue: json["do"]?.string ?? "")
        else {
            let triggers = Policy.Trigger.allCases.map(\.rawValue).joined(separator: ", ")
            let actions = Policy.Action.allCases.map(\.rawValue).joined(separator: ", ")
            throw GyreError(
                .invalid, "The policy \(json.text.prefix(200)) is not understood.",
                why: "\"when\" is one of \(triggers); \"do\" is one of \(actions).")
        }
        // An action that is not carried out for its trigger must not be promised.
        let isKnown =
            switch trigger {
            case .checkFailed: action == .stop
            case .modelTrained: action == .rollOut
            case .canaryWorse: action == .rollBack
            case .qualityFell, .drifted: action == .retrain || action == .alert
            }
        guard isKnown else {
            throw GyreError(
                .invalid, "The policy \(json.text.prefix(200)) cannot be carried out.",
                why: "\"\(action.rawValue)\" is not done when \"\(trigger.rawValue)\".",
                fix:
                    "check_failed: stop; model_trained: roll_out; canary_worse: roll_back; auc_fell and psi: retrain or alert."
            )
        }
        return Policy(
            name: json["name"]?.string ?? "\(trigger.rawValue)-\(action.rawValue)", trigger: trigger,
            threshold: json["threshold"]?.double ?? 0, column: json["column"]?.string, action: action)
    }

    /// The policies for a trigger.
    package func policies(_ trigger: Policy.Trigger) -> [Policy] { policies.filter { $0.trigger == trigger } }
}
