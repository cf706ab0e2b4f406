// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreTracking

/// MLflow's JSON as domain values.
enum Translate {
    static func pairs(_ list: [JSONValue], _ parameter: String) throws(GyreError) -> [KeyValue] {
        try list.map { json throws(GyreError) in
            guard let key = json["key"]?.string else {
                throw GyreError(.invalid, "Missing value for required parameter '\(parameter)[].key'.")
            }
            return KeyValue(key, json["value"]?.string ?? json["value"]?.text ?? "")
        }
    }

    static func tags(_ list: [JSONValue], _ parameter: String) throws(GyreError) -> [String: String] {
        var tags: [String: String] = [:]
        for pair in try pairs(list, parameter) { tags[pair.key] = pair.value }
        return tags
    }

    static func metric(_ json: JSONValue, at path: String) throws(GyreError) -> MetricPoint {
        func missing(_ name: String) -> GyreError {
            GyreError(
                .invalid,
                "Missing value for required parameter '\(path)\(name)'. See the API docs for more information about request parameters."
            )
        }
        guard let key = json["key"]?.string, !key.isEmpty else { throw missing("key") }
        guard let value = json["value"], !value.isNull else { throw missing("value") }
        guard let number = number(value) else {
            throw GyreError(
                .invalid,
                "Invalid value \(value.text.prefix(100)) for parameter '\(path)value' supplied: "
                    + "a metric's value is a number, not \(value.kindName).")
        }
        guard let timestamp = integer(json["timestamp"]) else { throw missing("timestamp") }
        return MetricPoint(
            key: key, value: number, timestampMilliseconds: timestamp, step: integer(json["step"]) ?? 0,
            modelID: json["model_id"]?.string)
    }

    /// A number, or the texts that protobuf's JSON has for those that JSON has not.
    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .int, .double: value.double
        case .string("NaN"): .nan
        case .string("Infinity"): .infinity
        case .string("-Infinity"): -.infinity
        default: nil
        }
    }

    private static func integer(_ value: JSONValue?) -> Int64? { value?.int ?? value?.string.flatMap(Int64.init) }

    static func status(_ text: String) throws(GyreError) -> Run.Status {
        if let status = Run.Status(rawValue: text) { return status }
        throw GyreError(.invalid, "Invalid value \"\(text.prefix(40))\" for parameter 'status' supplied.")
    }

    static func view(_ text: String?) throws(GyreError) -> LifecycleView {
        switch text {
        case nil, "", "ACTIVE_ONLY", "1": return .active
        case "DELETED_ONLY", "2": return .deleted
        case "ALL", "3": return .all
        case .some(let other):
            throw GyreError(.invalid, "Invalid value \"\(other.prefix(40))\" for parameter 'view_type' supplied.")
        }
    }
}
