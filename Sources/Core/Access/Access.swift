// SPDX-License-Identifier: Apache-2.0

/// All that one caller may do in one workspace.
public struct Access: Sendable, Hashable {
    /// What may be done with everything in the workspace.
    public let workspace: Permissions
    /// What may be done with single things beyond that.
    public let things: [Thing: Permissions]

    /// The sum of what roles give.
    public init(workspace: Permissions, things: [Thing: Permissions] = [:]) {
        self.workspace = workspace
        self.things = things
    }

    /// Everything, as on one's own machine.
    public static let everything = Access(workspace: .all)
    /// Nothing at all.
    public static let nothing = Access(workspace: [])

    /// Whether nothing at all may be done.
    public var isEmpty: Bool { workspace.isEmpty && things.values.allSatisfy(\.isEmpty) }

    /// What may be done with `thing`.
    public func permissions(on thing: Thing) -> Permissions { workspace.union(things[thing] ?? []) }

    /// Whether some single thing may be treated so.
    public func allowsSomething(_ wanted: Permissions) -> Bool { things.values.contains { $0.isSuperset(of: wanted) } }

    /// The names of a kind that may be seen; nil for all of them.
    public func visible(_ kind: Thing.Kind) -> Set<String>? {
        if workspace.contains(.read) { return nil }
        return Set(things.filter { $0.key.kind == kind && $0.value.contains(.read) }.map(\.key.name))
    }

    /// What is left of it for a token that may do no more than `scope`.
    public func limited(to scope: Permissions) -> Access {
        Access(workspace: workspace.intersection(scope), things: things.mapValues { $0.intersection(scope) })
    }
}
