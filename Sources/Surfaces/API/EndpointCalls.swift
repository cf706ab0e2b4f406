// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What calls about endpoints take and answer.
extension API {
    /// How a version takes over.
    package enum Strategy: String, APIEnumeration {
        case canary
        case shadow
        case blueGreen = "blue-green"
        case allAtOnce = "all-at-once"
    }

    /// What is deployed, and how.
    package struct DeployRequest: APIObject {
        /// The model; the endpoint's name where it is left out.
        package var model: String?
        /// A number, an alias or `latest`, which is the usual one.
        package var version: VersionSelector?
        /// `canary` where the endpoint serves and nothing is said.
        package var strategy: Strategy?
        /// Percents of traffic, rising: 1, 10, 50, 100.
        package var steps: [Int]?
        /// Members of a judge that differ from the project's.
        package var judge: JSONValue?
        /// Why.
        package var reason: String?
    }

    /// What a deployment would do.
    package struct DeployPlan: APIObject {
        /// True.
        package var dryRun: Bool
        /// Where it goes, as users call it.
        package var endpoint: String
        /// What the release would pin.
        package var pins: Pins
        /// The version that has the traffic now.
        package var stable: Int?
        /// Percents of traffic.
        package var steps: [Int]
        /// Whether it would begin with copies of requests.
        package var mirrored: Bool
        /// What it would have to hold.
        package var judge: Judge
    }

    /// Why something is done.
    package struct ReasonRequest: APIObject {
        /// Why.
        package var reason: String?
    }

    /// The share of a canary.
    package struct TrafficRequest: APIObject {
        /// From 0 to 99.
        package var canaryPercent: Int
        /// Why.
        package var reason: String?
    }

    /// A hold on the traffic.
    package struct FreezeRequest: APIObject {
        /// How long; until somebody ends it where it is left out.
        package var seconds: Int64?
        /// Why.
        package var reason: String?
    }

    /// Rules in place of those before.
    package struct RulesRequest: APIObject {
        /// At most 100; the first that fits counts.
        package var rules: [Rule]
        /// Why.
        package var reason: String?
    }

    /// A bandit's beginning.
    package struct BanditRequest: APIObject {
        /// Versions beside the stable one.
        package var versions: [VersionSelector]?
        /// `epsilon-greedy`, `thompson` or `exp3`.
        package var algorithm: String?
        /// From 0 to 1.
        package var exploration: Double?
        /// `label` or `accuracy`.
        package var reward: String?
        /// The model; the endpoint's name where it is left out.
        package var model: String?
        /// Why.
        package var reason: String?
    }

    /// What a bandit would choose from.
    package struct BanditPlan: APIObject {
        /// As the request says, or the usual one.
        package var algorithm: String
        /// What makes a choice a good one.
        package var reward: String
        /// The part of the choices that tries all arms alike, from 0 to 1.
        package var exploration: Double
        /// What would be chosen from.
        package var arms: [VersionNumber]
        /// True: nothing was done.
        package var dryRun: Bool
    }

    /// A version by its number.
    package struct VersionNumber: APIObject {
        /// The number.
        package var version: Int
    }

    /// The share of answers that the prediction log keeps.
    package struct LoggingRequest: APIObject {
        /// From 0 to 1.
        package var share: Double
        /// Why.
        package var reason: String?
    }

    /// The share of answers that the prediction log keeps.
    package struct Logging: APIObject {
        /// From 0 to 1.
        package var share: Double
        /// What it was, in a dry run.
        package var old: Double?
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// What became of a prediction.
    package struct Label: APIObject {
        /// The prediction's id.
        package var id: String
        /// 0 or 1 for classes, or the value.
        package var label: Double
    }

    /// What became of predictions.
    package struct LabelsRequest: APIObject {
        /// At most 25,000.
        package var labels: [Label]
    }

    /// What labels found.
    package struct LabelsTaken: APIObject {
        /// How many came.
        package var labels: Int
        /// Those whose prediction is known.
        package var joined: Int
        /// Those whose prediction is not known yet.
        package var waiting: Int
        /// The first 20 of those.
        package var waitingIds: [String]
        /// Those that a rollout or a bandit counted.
        package var countedForRollout: Int
    }

    /// A window to report on.
    package struct MonitorRequest: APIObject {
        /// Its name.
        package var window: String?
        /// Its start in event time (ISO 8601).
        package var from: String?
        /// Its end, not included.
        package var to: String?
    }

    /// Why a version answered, and how.
    package struct Circumstances: APIObject {
        /// `alone`, `share`, `key`, `rule`, `bandit`, `mirror` and more.
        package var by: String
        /// With what probability, where chance chose.
        package var p: Double?
        /// Whether the answer was kept from an equal request.
        package var cached: Bool?
        /// How long it waited.
        package var queueUs: Int64?
        /// How long the model ran.
        package var runUs: Int64?
        /// Rows that ran with it.
        package var batchRows: Int?
        /// The graph or ensemble that asked.
        package var via: String?
    }

    /// A row that a model answered, as the prediction log has it.
    package struct Prediction: APIObject {
        /// What tells it apart; the client's own where it sent one.
        package var id: String
        /// Who answered.
        package var endpoint: String
        /// The version of the model.
        package var version: Int
        /// The number among those of its endpoint.
        package var release: Int
        /// When it was answered.
        package var at: Int64
        /// When what it is about happened.
        package var event: Int64
        /// How long it took.
        package var latencyUs: Int64
        /// The inputs by the names of the columns; `column 1` and so on where they have none.
        package var inputs: JSONValue
        /// The number that it is judged by.
        package var score: Double?
        /// What that number is.
        package var kind: String?
        /// The outputs.
        package var y: JSONValue
        /// Why it failed.
        package var error: String?
        /// What turned out to be true.
        package var label: Double?
        /// Why this version answered, and how; nil in logs that do not say.
        package var how: Circumstances?
    }

    /// One prediction with its lineage.
    package struct Explanation: APIObject {
        /// As it was logged, with its label.
        package var prediction: Prediction
        /// What was live.
        package var release: Release
        /// All that the release came from.
        package var lineage: [Edge]
    }

    /// A version by its number, an alias or `latest`.
    package struct VersionSelector: Decodable, Sendable, Hashable, APISchemaProviding {
        /// As it was written.
        package let text: String

        /// A selector.
        package init(_ text: String) { self.text = text }

        /// Reads a text or a whole number.
        package init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer().decode(JSONValue.self)
            guard let text = value.string ?? value.int.map(String.init) else {
                throw GyreError(.invalid, "A version is a number, an alias or \"latest\".")
            }
            self.text = text
        }

        package static var schema: JSONValue { ["type": ["string", "integer"]] }
        package static var example: VersionSelector { VersionSelector("latest") }
    }
}
