// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Releases and what they pin.
extension API {
    /// All that a release pins; nil for what is not known.
    package struct Pins: APIObject {
        /// The model version.
        package var model: String
        /// The digest of the file or folder that is served.
        package var modelSha256: String
        /// The tracked run that logged it.
        package var run: String?
        /// The training set.
        package var training: String?
        /// The dataset versions that were read.
        package var datasets: [String]
        /// Checks of those.
        package var checks: [String]
        /// Views that the training set was made with.
        package var featureViews: [String]
        /// What ran, or would run: `pipeline/NAME@…`.
        package var pipeline: String?
        /// The digest of its compiled package.
        package var compiled: String?
        /// The run that registered the model.
        package var pipelineRun: String?
        /// Values of the pipeline's parameters.
        package var parameters: JSONValue
        /// Digests of what the tasks made.
        package var artifacts: JSONValue
        /// What the tasks ran in.
        package var environment: JSONValue
        /// Metrics of the run.
        package var metrics: JSONValue
        /// Columns in the model's order.
        package var features: [String]
        /// A config.pbtxt that it is served by.
        package var configuration: String?
    }

    /// What went live together.
    package struct Release: APIObject {
        /// `release/ENDPOINT@NUMBER`.
        package var ref: String
        /// Where it goes, as users call it.
        package var endpoint: String
        /// Counts from 1 for each endpoint.
        package var number: Int
        /// What it pins.
        package var pins: Pins
        /// When it was made.
        package var at: Int64
        /// Who made it.
        package var actor: String
        /// Why.
        package var reason: String
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// Releases.
    package struct ReleaseList: APIObject {
        /// Newest first.
        package var releases: [Release]
    }

    /// A pin that differs.
    package struct PinChange: APIObject {
        /// The pin.
        package var name: String
        /// In the first release.
        package var old: JSONValue
        /// In the second one.
        package var new: JSONValue
    }

    /// What two releases pin differently.
    package struct ReleaseDiff: APIObject {
        /// The first release.
        package var from: String
        /// The second one.
        package var to: String
        /// Pin by pin.
        package var changes: [PinChange]
    }

    /// Something that a release pins beside what came of making it again.
    package struct ArtifactComparison: APIObject {
        /// The task and its output.
        package var name: String
        /// Whether both are the same, byte by byte.
        package var identical: Bool
        /// What is pinned.
        package var old: JSONValue
        /// What was made.
        package var new: JSONValue
    }

    /// A metric of a release beside the one of making it again.
    package struct MetricComparison: APIObject {
        /// Its key.
        package var name: String
        /// What is pinned.
        package var old: JSONValue
        /// What was measured; nil where it was not.
        package var new: Double?
        /// The new one less the old one.
        package var difference: Double?
    }

    /// How a release that was made again compares with what it pins.
    package struct Reproduction: APIObject {
        /// What was made again: `release/ENDPOINT@NUMBER`.
        package var release: String
        /// The run that made it again.
        package var pipelineRun: String
        /// Whether all of it is the same, byte by byte.
        package var identical: Bool
        /// The dataset versions that were read.
        package var data: [String]
        /// Whether the served file or folder is the same.
        package var modelIdentical: Bool
        /// The digest of the one that was made; nil where none was.
        package var modelSha256: String?
        /// What the tasks made.
        package var artifacts: [ArtifactComparison]
        /// Metrics of the run.
        package var metrics: [MetricComparison]
    }

    /// What making a release again would run.
    package struct ReproductionPlan: APIObject {
        /// The number among those of its endpoint.
        package var release: String
        /// What ran, or would run: `pipeline/NAME@…`.
        package var pipeline: String
        /// What it would read.
        package var datasets: [String]
        /// Values of its parameters.
        package var parameters: JSONValue
        /// True.
        package var dryRun: Bool
    }
}
