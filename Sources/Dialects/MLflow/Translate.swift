// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreTracking

/// MLflow's JSON as domain values.
enum Translate {
    static func pairs(_ list: [JSONValue], _ parameter: String) throws(GyreError) -> [KeyValue] {
        var pairs: [KeyValue] = []
        for (index, json) in list.enumerated() {
            let place = "\(parameter)[\(index)]"
            guard json.object != nil else { throw .invalidParameter(place, json) }
            guard let key = json["key"], !key.isNull else { throw .missingParameter(place + ".key") }
            guard let name = key.string else { throw .invalidParameter(place + ".key", key) }
            switch json["value"] {
            case nil, .null: pairs.append(KeyValue(name, ""))
            case .string(let text): pairs.append(KeyValue(name, text))
            case .some(let other): throw .invalidParameter(place + ".value", other)
            }
        }
        return pairs
    }

    static func tags(_ list: [JSONValue], _ parameter: String) throws(GyreError) -> [String: String] {
        var tags: [String: String] = [:]
        for pair in try pairs(list, parameter) { tags[pair.key] = pair.value }
        return tags
    }

    /// A number, or the texts that protobuf's JSON has for those that JSON has not.
    static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .int, .double: value.double
        case .string("NaN"): .nan
        case .string("Infinity"): .infinity
        case .string("-Infinity"): -.infinity
        case .string(let text): Double(text)
        default: nil
        }
    }

    /// A whole number however it is written: `7`, `7.0` or `"7"`.
    static func integer(_ value: JSONValue) -> Int64? {
        switch value {
        case .int(let number): number
        case .double(let number): Int64(exactly: number)
        case .string(let text): Int64(text)
        default: nil
        }
    }

    static func status(_ text: String) throws(GyreError) -> Run.Status {
        if let status = Run.Status(rawValue: text) { return status }
        let numbered: [Run.Status] = [.running, .scheduled, .finished, .failed, .killed]
        if let number = Int(text), (1...5).contains(number) { return numbered[number - 1] }
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
