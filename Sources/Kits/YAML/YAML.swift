// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import Yams

/// YAML documents as JSON values.
package enum YAML {
    /// The documents of a stream, in order.
    /// - Throws: `.invalid` with line and column; `.limitExceeded` for one that its aliases make grow without bound.
    package static func documents(_ text: String) throws(GyreError) -> [JSONValue] {
        try documents(text) { scalar, node in
            if node.null != nil { return .null }
            if let flag = node.bool { return .bool(flag) }
            if let number = node.int { return .int(Int64(number)) }
            if let number = node.float { return .double(number) }
            return .string(scalar.string)
        }
    }

    /// The documents of a stream; `plain` says what a word without quotes means.
    static func documents(
        _ text: String, plain: (Node.Scalar, Node) -> JSONValue
    ) throws(GyreError) -> [JSONValue] {
        guard text.utf8.count <= Limits.bodyBytes else {
            throw GyreError(
                .limitExceeded, "The YAML has \(text.utf8.count) bytes; \(Limits.bodyBytes) is the most that is read.")
        }
        do {
            let parser = try Parser(yaml: text)
            var documents: [JSONValue] = []
            var nodes = 0
            while let node = try parser.nextRoot() { documents.append(try json(node, depth: 0, &nodes, plain)) }
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

    /// A document as YAML text, members in the order they were set.
    package static func text(_ value: JSONValue) throws(GyreError) -> String {
        do { return try Yams.serialize(node: try node(value), allowUnicode: true) } catch {
            throw GyreError.wrapping(error, "Writing YAML")
        }
    }

    private static func node(_ value: JSONValue) throws -> Node {
        switch value {
        case .object(let object): Node(try object.members.map { (Node($0.name), try node($0.value)) })
        case .array(let elements): Node(try elements.map(node))
        case .string(let text): try text.represented()
        case .int(let number): try Int(number).represented()
        case .double(let number): try number.represented()
        case .bool(let flag): try flag.represented()
        case .null: Node("null", Tag(.null))
        }
    }

    private static func json(
        _ node: Node, depth: Int, _ nodes: inout Int, _ plain: (Node.Scalar, Node) -> JSONValue
    ) throws(GyreError) -> JSONValue {
        guard depth < Limits.jsonDepth else {
            throw GyreError(.limitExceeded, "The YAML is nested deeper than \(Limits.jsonDepth) levels.")
        }
        // Aliases are resolved by now: a text of a few lines may stand for more nodes than fit into memory.
        nodes += 1
        guard nodes <= Limits.yamlNodes else {
            throw GyreError(
                .limitExceeded, "The YAML has more than \(Limits.yamlNodes) nodes, its aliases written out.")
        }
        switch node {
        case .mapping(let mapping):
            var members: [(String, JSONValue)] = []
            for (key, value) in mapping {
                members.append((key.string ?? "", try json(value, depth: depth + 1, &nodes, plain)))
            }
            return .object(JSONObject(merging: members))
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try json(element, depth: depth + 1, &nodes, plain)) }
            return .array(elements)
        case .scalar(let scalar):
            if scalar.style == .doubleQuoted || scalar.style == .singleQuoted || scalar.style == .literal
                || scalar.style == .folded
            {
                return .string(scalar.string)
            }
            return plain(scalar, node)
        case .alias:
            throw GyreError(.unsupported, "YAML aliases are not read.", fix: "Write the value out.")
        }
    }
}
