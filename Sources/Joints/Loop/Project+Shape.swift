// SPDX-License-Identifier: Apache-2.0

package import GyreBase

extension Project {
    /// A project as somebody wrote it, with every member looked at.
    ///
    /// What is stored is read by `init(json:)`: a home must open also when a later Gyre knows fewer members.
    /// - Throws: `.invalid` for a member that nothing reads, with the nearest one that is known, or a value of another kind.
    package static func read(_ json: JSONValue) throws(GyreError) -> Project {
        try Shape.project.check(json, at: "gyre.yaml")
        return try Project(json: json)
    }
}

/// What may stand in a place of `gyre.yaml`.
private indirect enum Shape: Sendable {
    case text
    case number
    case anything
    case list(Shape)
    /// An object with these members.
    case members([(name: String, shape: Shape)])
    /// An object whose members have names that the user chooses.
    case named(Shape)

    static let project = Shape.members([
        ("project", .text), ("model", .text), ("endpoint", .text),
        ("datasets", .named(.members([("suite", .anything)]))),
        (
            "feature_views",
            .list(
                .members([
                    ("name", .text), ("dataset", .text), ("entities", .list(.text)), ("timestamp", .text),
                    ("ttl_seconds", .number), ("features", .list(.text)), ("query", .text),
                ]))
        ),
        (
            "training",
            .members([
                ("dataset", .text), ("spine", .text), ("query", .text), ("timestamp", .text), ("views", .list(.text)),
            ])
        ),
        (
            "pipeline",
            .members([("package", .text), ("training_parameter", .text), ("parameters", .named(.anything))])
        ),
        ("rollout", .members([("steps", .list(.number)), ("judge", .anything)])),
        (
            "policies",
            .list(
                .members([
                    ("name", .text), ("when", .text), ("do", .text), ("threshold", .number), ("column", .text),
                ]))
        ),
        ("retention", .members([("deleted_for", .text)])),
    ])

    /// `place`: what the value is called in an error.
    func check(_ value: JSONValue, at place: String) throws(GyreError) {
        // A member without a value says nothing.
        if value.isNull { return }
        switch self {
        case .anything: break
        case .text: if value.string == nil { throw Self.mismatch(value, place, "a text") }
        case .number: if value.double == nil { throw Self.mismatch(value, place, "a number") }
        case .list(let shape):
            guard let list = value.array else { throw Self.mismatch(value, place, "a list") }
            for (index, element) in list.enumerated() { try shape.check(element, at: "\(place)[\(index)]") }
        case .named(let shape):
            guard let object = value.object else { throw Self.mismatch(value, place, "a mapping") }
            for member in object.members { try shape.check(member.value, at: "\(place).\(member.name)") }
        case .members(let members):
            guard let object = value.object else { throw Self.mismatch(value, place, "a mapping") }
            for member in object.members {
                guard let known = members.first(where: { $0.name == member.name }) else {
                    throw Self.unknown(member.name, place, among: members.map(\.name))
                }
                try known.shape.check(member.value, at: "\(place).\(member.name)")
            }
        }
    }

    private static func unknown(_ name: String, _ place: String, among names: [String]) -> GyreError {
        GyreError(
            .invalid, "\(place) has the member \"\(name.prefix(80))\", which nothing reads.",
            why: "It may have \(names.joined(separator: ", ")).",
            fix: Nearest.name(to: name, among: names).map { "Did you mean \"\($0)\"?" } ?? "Take it out.")
    }

    private static func mismatch(_ value: JSONValue, _ place: String, _ wanted: String) -> GyreError {
        GyreError(
            .invalid, "\(place) is \(value.kindName), and should be \(wanted).", why: "It is \(value.text.prefix(100))."
        )
    }
}
