// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// The part of an object that a client asks for: `items.metadata.name,items.status.phase`, or all but some: `-status.nodes`.
enum Fields {
    static func select(_ json: JSONValue, _ fields: String?) -> JSONValue {
        guard let fields, !fields.isEmpty else { return json }
        let isWithout = fields.hasPrefix("-")
        let paths = (isWithout ? String(fields.dropFirst()) : fields).split(separator: ",").map {
            $0.split(separator: ".").map(String.init)
        }
        return isWithout ? without(json, paths) : only(json, paths)
    }

    private static func only(_ json: JSONValue, _ paths: [[String]]) -> JSONValue {
        if paths.contains(where: \.isEmpty) { return json }
        switch json {
        case .array(let elements): return .array(elements.map { only($0, paths) })
        case .object(let object):
            var kept = JSONObject()
            for member in object.members {
                let inner = paths.filter { $0.first == member.name }.map { Array($0.dropFirst()) }
                if !inner.isEmpty { kept[member.name] = only(member.value, inner) }
            }
            return .object(kept)
        default: return json
        }
    }

    private static func without(_ json: JSONValue, _ paths: [[String]]) -> JSONValue {
        switch json {
        case .array(let elements): return .array(elements.map { without($0, paths) })
        case .object(let object):
            var kept = JSONObject()
            for member in object.members {
                let inner = paths.filter { $0.first == member.name }.map { Array($0.dropFirst()) }
                if inner.contains(where: \.isEmpty) { continue }
                kept[member.name] = inner.isEmpty ? member.value : without(member.value, inner)
            }
            return .object(kept)
        default: return json
        }
    }
}
