// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Values in files of parameters and metrics.
package enum ParameterValues {
    /// The value of `a.b[0]`; nil where there is none.
    package static func value(_ name: String, in values: JSONObject) -> JSONValue? {
        if let direct = values[name] { return direct }
        var value = JSONValue.object(values)
        for part in name.replacing("[", with: ".").replacing("]", with: "").split(separator: ".") {
            switch value {
            case .object(let object):
                guard let next = object[String(part)] else { return nil }
                value = next
            case .array(let elements):
                guard let place = Int(part), elements.indices.contains(place) else { return nil }
                value = elements[place]
            default: return nil
            }
        }
        return value
    }

    /// Equal as Python compares: 1 is 1.0 and true, the order of members does not matter.
    package static func isEqual(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        switch (left, right) {
        case (nil, nil): return true
        case (let left?, let right?):
            if let one = number(left), let other = number(right) { return one == other }
            switch (left, right) {
            case (.object(let one), .object(let other)):
                return one.members.count == other.members.count
                    && one.members.allSatisfy { isEqual($0.value, other[$0.name]) && other[$0.name] != nil }
            case (.array(let one), .array(let other)):
                return one.count == other.count && zip(one, other).allSatisfy { isEqual($0, $1) }
            default: return left == right
            }
        default: return false
        }
    }

    private static func number(_ value: JSONValue) -> Double? {
        if case .bool(let flag) = value { return flag ? 1 : 0 }
        return value.double
    }

    /// Nested values as one level, with names like `train.lr`; lists stay whole.
    package static func flat(_ value: JSONValue, prefix: String = "") -> [(name: String, value: JSONValue)] {
        guard let object = value.object, !object.isEmpty else { return prefix.isEmpty ? [] : [(prefix, value)] }
        return object.members.flatMap { flat($0.value, prefix: prefix.isEmpty ? $0.name : prefix + "." + $0.name) }
    }
}
