// SPDX-License-Identifier: Apache-2.0

/// One thing that somebody may be given a role on.
public struct Thing: Sendable, Hashable, CustomStringConvertible {
    /// What it is.
    public let kind: Kind
    /// Its name, or its number.
    public let name: String

    /// The kinds of things that roles are given on.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Its runs, logged models, traces and files belong to it.
        case experiment
        /// A registered model with its versions and aliases.
        case model
        /// An endpoint with its traffic, predictions and releases.
        case endpoint
        /// A dataset with its versions.
        case dataset
        /// A view of features with its online values.
        case featureView = "feature-view"
        /// A pipeline with its runs.
        case pipeline
    }

    /// The thing of that kind and name.
    public init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    /// Reads `kind/name`; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let kind = Kind(rawValue: String(parts[0])), !parts[1].isEmpty,
            parts[1].utf8.count <= 500
        else { return nil }
        self.init(kind, String(parts[1]))
    }

    /// `kind/name`.
    public var description: String { "\(kind.rawValue)/\(name)" }
}
