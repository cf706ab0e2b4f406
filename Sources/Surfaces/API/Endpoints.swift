// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Endpoints: their traffic, rollouts, bandits and reports.
extension API {
    /// A model version that is live, and the release that it went out with.
    package struct Side: APIObject {
        /// The version of the model.
        package var version: Int
        /// The number of the release.
        package var release: Int
    }

    /// Which requests go to one side of a rollout whatever the shares are.
    package struct Rule: APIObject {
        /// The attribute of a request.
        package var attribute: String
        /// The values that it fits.
        package var values: [String]
        /// `canary` (also where it is left out) or `stable`.
        package var to: String?
    }

    /// What chooses among versions in place of shares.
    package struct Bandit: APIObject {
        /// `epsilon-greedy`, `thompson` or `exp3`.
        package var algorithm: String
        /// The part of the choices that tries all arms alike, from 0 to 1.
        package var exploration: Double
        /// `label` or `accuracy`.
        package var reward: String
        /// The versions to choose from.
        package var arms: [Side]
        /// When it began.
        package var startedAt: Int64
    }

    /// What a bandit learned of one version.
    package struct Arm: APIObject {
        /// The number among those of its model.
        package var version: Int
        /// The number among those of its endpoint.
        package var release: Int
        /// Requests that it got.
        package var requests: Int
        /// Rewards that came for it.
        package var rewards: Int
        /// Their mean; nil before the first.
        package var meanReward: Double?
    }

    /// Who gets the traffic of an endpoint.
    package struct Traffic: APIObject {
        /// What gets the traffic.
        package var stable: Side
        /// What is tried beside it.
        package var canary: Side?
        /// Percent of the traffic that the canary gets.
        package var canaryPercent: Int
        /// Whether the canary gets a copy of what stable answers.
        package var mirrored: Bool
        /// Requests that go to one side whatever the shares are.
        package var rules: [Rule]?
        /// What chooses in place of the shares.
        package var bandit: Bandit?
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// An endpoint and its traffic.
    package struct EndpointSummary: APIObject {
        /// What users call it.
        package var name: String
        /// What gets the traffic.
        package var stable: Side
        /// What is tried beside it.
        package var canary: Side?
        /// Percent of the traffic that the canary gets.
        package var canaryPercent: Int
        /// Percent that stable gets; nil where a bandit chooses.
        package var stablePercent: Int?
        /// Whether the canary gets a copy of what stable answers.
        package var mirrored: Bool
        /// Requests that go to one side whatever the shares are.
        package var rules: [Rule]?
        /// What chooses in place of the shares.
        package var bandit: Bandit?
    }

    /// All endpoints.
    package struct EndpointList: APIObject {
        /// By name.
        package var endpoints: [EndpointSummary]
    }

    /// A hold on an endpoint's traffic.
    package struct Freeze: APIObject {
        /// Why.
        package var reason: String
        /// Who set it.
        package var actor: String
        /// When it ends by itself; nil for never.
        package var until: Int64?
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// The end of a hold.
    package struct Unfrozen: APIObject {
        /// False.
        package var frozen: Bool
        /// What was, or would be, ended.
        package var was: Freeze?
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// What the prediction log has of one version.
    package struct VersionCounts: APIObject {
        /// The number among those of its model.
        package var version: Int
        /// Rows that it answered.
        package var predictions: Int
        /// Rows that have a label.
        package var labels: Int
        /// Requests that failed.
        package var errors: Int
        /// Median latency.
        package var latencyUsP50: Double?
        /// 99th percentile of latency.
        package var latencyUsP99: Double?
    }

    /// The steps of a rollout.
    package struct Plan: APIObject {
        /// Percent of each step, rising.
        package var steps: [Int]
        /// The step it stands at, from 0.
        package var step: Int
        /// `running`, `paused`, `promoted`, `rolled_back` or `aborted`.
        package var state: String
        /// Whether it begins with copies of requests alone.
        package var mirrored: Bool
        /// The share that a person set, in place of the step's.
        package var heldPercent: Int?
    }

    /// What a canary has to hold.
    package struct Judge: APIObject {
        /// Requests on each side in each step.
        package var minimumRequests: Int
        /// Labels on each side in each step; 0 for errors and latency alone.
        package var minimumLabels: Int
        /// How long a step lasts at least.
        package var minimumStepSeconds: Int
        /// `labels` or `errors_and_latency`.
        package var quality: String
        /// The level that false alarms keep over all looks.
        package var significance: Double
        /// Share of requests that may fail.
        package var maximumErrorRate: Double
        /// The canary's latency over stable's.
        package var maximumLatencyRatio: Double
        /// Latency that is never held against a canary.
        package var latencyToleranceMs: Double
        /// Share of mirrored answers that must be alike.
        package var minimumAgreement: Double
        /// What happens where labels contradict a promotion.
        package var onContradiction: String
    }

    /// What one side of a rollout did since the step began; nil for what is not known.
    package struct SideNumbers: APIObject {
        /// Requests that it answered.
        package var requests: Int?
        /// Those of them that failed.
        package var errors: Int?
        /// Median latency.
        package var latencyUsP50: Double?
        /// 99th percentile of latency.
        package var latencyUsP99: Double?
        /// Labels that came for its answers.
        package var labels: Int?
        /// Brier score over those.
        package var brier: Double?
        /// Mirrored answers that were compared with stable's.
        package var compared: Int?
        /// Those of them that were alike.
        package var agreed: Int?
    }

    /// What both sides of a rollout did, and how surely they differ.
    package struct JudgeNumbers: APIObject {
        /// What is compared with.
        package var stable: SideNumbers?
        /// What is tried.
        package var canary: SideNumbers?
        /// p-value, valid at any time, that the canary fails no more often.
        package var errorRateP: Double?
        /// The same that its Brier score is no higher; nil before there are labels enough.
        package var brierP: Double?
        /// The same that it is no slower than it may be.
        package var latencyP: Double?
    }

    /// What labels that came late said against a promotion.
    package struct Contradiction: APIObject {
        /// When that was sure.
        package var at: Int64
        /// What they said.
        package var reason: String
        /// The labels of both sides, step by step.
        package var numbers: JSONValue
        /// Whether the former version got its traffic back.
        package var takenBack: Bool
    }

    /// A version on its way to an endpoint's traffic.
    package struct Rollout: APIObject {
        /// What tells it apart; the server makes it.
        package var id: String
        /// Where it goes, as users call it.
        package var endpoint: String
        /// What it is compared with.
        package var stable: Side
        /// What is tried.
        package var canary: Side
        /// Its steps.
        package var plan: Plan
        /// Percent of the traffic that its version has.
        package var percent: Int
        /// As in the plan.
        package var state: String
        /// What it has to hold.
        package var judge: Judge
        /// When it began.
        package var startedAt: Int64
        /// When the present step began.
        package var stepStartedAt: Int64
        /// When each step began.
        package var stepStarts: [Int64]
        /// When it ended.
        package var endedAt: Int64?
        /// Who ended it.
        package var endedBy: String?
        /// What the judge said last.
        package var lastVerdict: String?
        /// What labels said against its promotion, and when.
        package var contradicted: Contradiction?
        /// What labels that came late say so far.
        package var review: JSONValue?
        /// Why it stands where it stands.
        package var lastReason: String
        /// What both sides did, as the judge saw it last.
        package var lastNumbers: JudgeNumbers
        /// Requests that go to one side whatever the shares are.
        package var rules: [Rule]
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// How far one column moved.
    package struct Drift: APIObject {
        /// What moved, as the table calls it.
        package var column: String
        /// Population stability index.
        package var psi: Double
        /// `ks` or `chisquare`.
        package var test: String
        /// The test's statistic.
        package var statistic: Double
        /// The test's p-value.
        package var p: Double
    }

    /// How good answers were, where labels came.
    package struct Performance: APIObject {
        /// Labels in the window.
        package var labels: Int
        /// Share of labels that are 1.
        package var positiveRate: Double
        /// Mean of the scores.
        package var meanScore: Double
        /// What the score is.
        package var score: String
        /// Area under the ROC curve.
        package var auc: Double?
        /// Brier score.
        package var brier: Double?
        /// Logarithmic loss.
        package var logLoss: Double?
        /// Share of right classes.
        package var accuracy: Double?
        /// F1 score.
        package var f1: Double?
        /// Root mean squared error.
        package var rmse: Double?
        /// Why a figure cannot be had.
        package var notAvailable: [String: String]
    }

    /// Drift and performance of one window.
    package struct MonitorReport: APIObject {
        /// Where it goes, as users call it.
        package var endpoint: String
        /// The version that is looked at.
        package var version: Int
        /// The number among those of its endpoint.
        package var release: Int
        /// The window's name.
        package var window: String
        /// Predictions in it.
        package var rows: Int
        /// By column.
        package var drift: [Drift]
        /// nil where no label came.
        package var performance: Performance?
        /// When it was computed.
        package var at: Int64
        /// What the policies did, or would do.
        package var actions: [String]?
        /// Whether nothing was recorded or done.
        package var dryRun: Bool?
    }

    /// An endpoint with all that is known of it.
    package struct Endpoint: APIObject {
        /// What users call it.
        package var name: String
        /// What gets the traffic.
        package var stable: Side
        /// What is tried beside it.
        package var canary: Side?
        /// Percent of the traffic that the canary gets.
        package var canaryPercent: Int
        /// Percent that stable gets; nil where a bandit chooses.
        package var stablePercent: Int?
        /// Whether the canary gets a copy of what stable answers.
        package var mirrored: Bool
        /// Requests that go to one side whatever the shares are.
        package var rules: [Rule]?
        /// What chooses in place of the shares.
        package var bandit: Bandit?
        /// What the bandit learned.
        package var learned: [Arm]?
        /// A hold on its traffic.
        package var freeze: Freeze?
        /// Share of answers that the prediction log keeps.
        package var logShare: Double
        /// From the prediction log, by version.
        package var counts: [VersionCounts]
        /// The newest 20, newest first.
        package var rollouts: [Rollout]
        /// By window.
        package var reports: [MonitorReport]
        /// Versions that are in memory.
        package var loaded: [Int]
    }
}
