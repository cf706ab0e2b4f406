// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// What the owner of a model in a repository wrote about it.
package struct ModelConfiguration: Sendable, Hashable {
    /// How it is served.
    package var settings = ModelSettings()
    /// Which of its versions are served.
    package var policy = VersionPolicy.latest(1)
    /// The file in a version's folder; nil for the usual one of its format.
    package var file: String?
    /// What runs it, as `backend` or `platform` say; nil where its file tells it.
    package var format: ModelFormat?
    /// The files with the names of classes, by output.
    package var labelFiles: [String: String] = [:]
    /// The inputs and outputs as they were declared: each must be the model's.
    package var inputs: [TensorSpec] = []
    /// The outputs as they were declared.
    package var outputs: [TensorSpec] = []

    /// Nothing chosen.
    package init() {}

    /// Which versions are served.
    package enum VersionPolicy: Sendable, Hashable {
        case latest(Int)
        case all
        case specific([Int])

        /// The ones of `versions` that are served, in order.
        package func choose(from versions: [Int]) -> [Int] {
            switch self {
            case .latest(let count): versions.sorted().suffix(max(1, count))
            case .all: versions.sorted()
            case .specific(let wanted): versions.filter(wanted.contains).sorted()
            }
        }
    }
}
