// SPDX-License-Identifier: Apache-2.0

/// What somebody may do in a workspace, or with one thing in it.
public struct Permissions: OptionSet, Sendable, Hashable {
    /// A bit for each.
    public let rawValue: UInt8

    /// Those whose bits are set.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Looks at things, lists and searches them.
    public static let read = Permissions(rawValue: 1)
    /// Asks endpoints and models, and tells what turned out.
    public static let predict = Permissions(rawValue: 2)
    /// Makes, changes and deletes what is not live: runs, datasets, models and their versions.
    public static let write = Permissions(rawValue: 4)
    /// Moves what is live: traffic, aliases, online features, policies; loads and unloads models.
    public static let operate = Permissions(rawValue: 8)
    /// Runs code: pipelines, and models that Python runs.
    public static let runCode = Permissions(rawValue: 16)
    /// Gives others roles, removes for good, points webhooks elsewhere.
    public static let administer = Permissions(rawValue: 32)
    /// Keeps users, tokens and workspaces of the whole server.
    public static let manage = Permissions(rawValue: 64)

    /// All that may be done in one workspace.
    public static let workspace: Permissions = [.read, .predict, .write, .operate, .runCode, .administer]
    /// All that may be done.
    public static let all: Permissions = [.workspace, .manage]

    private static let words: [(Permissions, String)] = [
        (.read, "read"), (.predict, "predict"), (.write, "write"), (.operate, "operate"), (.runCode, "run_code"),
        (.administer, "administer"), (.manage, "manage"),
    ]

    /// The words of those that are in it, from the least to the most.
    public var names: [String] { Self.words.filter { contains($0.0) }.map(\.1) }

    /// The permission of that word; nil for none.
    public init?(name: String) {
        guard let found = Self.words.first(where: { $0.1 == name }) else { return nil }
        self = found.0
    }

    /// The words that there are.
    public static let allNames = words.map(\.1)
}
