// SPDX-License-Identifier: Apache-2.0

/// A set of permissions with a name, as people are given it.
public enum Role: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Asks endpoints, and sees nothing else.
    case predictor
    /// Sees everything and asks endpoints.
    case reader
    /// Makes and changes what is not live.
    case writer
    /// Moves what is live.
    case `operator`
    /// Runs code: pipelines, and models that Python runs.
    case runner
    /// Does everything in the workspace.
    case administrator

    /// What it may do.
    public var permissions: Permissions {
        switch self {
        case .predictor: .predict
        case .reader: [.read, .predict]
        case .writer: [.read, .predict, .write]
        case .operator: [.read, .predict, .write, .operate]
        case .runner: [.read, .predict, .write, .runCode]
        case .administrator: .workspace
        }
    }

    /// Orders from the least to the most.
    public static func < (left: Role, right: Role) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}
