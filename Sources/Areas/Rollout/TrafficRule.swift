// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A feature flag: requests with an attribute of some values go to one side of a split, whatever the shares are.
package struct TrafficRule: Sendable, Hashable {
    /// The attribute's name.
    package let attribute: String
    /// The values that fit.
    package let values: [String]
    /// Whether they go to the canary, else to stable.
    package let isForCanary: Bool

    /// Rules and values of one endpoint at most.
    private static let most = 1000

    /// A rule.
    /// - Throws: `.invalid` without a name or values.
    package init(attribute: String, values: [String], isForCanary: Bool) throws(GyreError) {
        guard !attribute.isEmpty, attribute.utf8.count <= Limits.nameBytes, (1...Self.most).contains(values.count),
            values.allSatisfy({ $0.utf8.count <= Limits.nameBytes })
        else {
            throw GyreError(
                .invalid, "A rule needs the name of an attribute and from 1 to \(Self.most) values.",
                fix: "gyre endpoint flag NAME --attribute country --values DE,FR")
        }
        self.attribute = attribute
        self.values = values
        self.isForCanary = isForCanary
    }

    init(json: JSONValue) throws(GyreError) {
        try self.init(
            attribute: json["attribute"]?.string ?? "", values: json["values"]?.strings ?? [],
            isForCanary: json["to"]?.string != "stable")
    }

    var json: JSONValue {
        ["attribute": .string(attribute), "values": .strings(values), "to": isForCanary ? "canary" : "stable"]
    }

    /// The rules in a list.
    /// - Throws: `.invalid` for what is none, or too many.
    package static func read(_ json: JSONValue?) throws(GyreError) -> [TrafficRule] {
        let list = json?.array ?? []
        guard list.count <= 100 else { throw GyreError(.invalid, "\(list.count) rules are given; 100 is the most.") }
        return try list.map { entry throws(GyreError) in try TrafficRule(json: entry) }
    }

    func fits(_ attributes: [String: String]) -> Bool { attributes[attribute].map(values.contains) ?? false }
}
