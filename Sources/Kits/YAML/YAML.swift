// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import Yams

/// YAML documents as JSON values.
package enum YAML {
    /// The documents of a stream, in order.
    /// - Throws: `.invalid` with line and column; also for aliases, which could grow without bound.
    package static func documents(_ text: String) throws(GyreError) -> [JSONValue] {
        guard text.utf8.count <= Limits.bodyBytes else {
            throw GyreError(
                .limitExceeded, "The YAML has \(text.utf8.count) bytes; \(Limits.bodyBytes) is the most that is read.")
        }
        do {
            let parser = try Parser(yaml: text)
            var documents: [JSONValue] = []
            while let node = try parser.nextRoot() { documents.append(try json(node, depth: 0)) }
            return documents
        } catch let error as YamlError {
            throw GyreError(.invalid, "The text is not YAML.", why: "\(error)")
        } catch {
            throw GyreError.wrapping(error, "Reading YAML")
        }
    }

    /// The one document of a stream.
    /// - Throws: `.invalid` where there is none.
    package static func document(_ text: String) throws(GyreError) -> JSONValue {
        guard let first = try documents(text).first else { throw GyreError(.invalid, "The YAML is empty.") }
        return first
    }

    private static func json(_ node: Node, depth: Int) throws(GyreError) -> JSONValue {
        guard depth < Limits.jsonDepth else {
            throw GyreError(.limitExceeded, "The YAML is nested deeper than \(Limits.jsonDepth) levels.")
        }
        switch node {
        case .mapping(let mapping):
            var object = JSONObject()
            for (key, value) in mapping { object[key.string ?? ""] = try json(value, depth: depth + 1) }
            return .object(object)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try json(element, depth: depth + 1)) }
            return .array(elements)
        case .scalar(let scalar):
            if scalar.style == .doubleQuoted || scalar.style == .singleQuoted || scalar.style == .literal
                || scalar.style == .folded
            {
                return .string(scalar.string)
            }
            if node.null != nil { return .null }
            if let flag = node.bool { return .bool(flag) }
            if let number = node.int { return .int(Int64(number)) }
            if let number = node.float { return .double(number) }
            return .string(scalar.string)
        case .alias:
            throw GyreError(.unsupported, "YAML aliases are not read.", fix: "Write the value out.")
        }
    }
}
