// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreHTTP

/// A recorded conversation with a server; `Exchanges/README.md` says how one is written.
struct ExchangeScript {
    /// One request and the answer that must come.
    struct Exchange {
        let method: String
        let target: String
        let headers: [String: String]
        let body: [UInt8]
        let status: Int
        let wantedHeaders: [(name: String, value: String)]
        /// Lines of the body, each compared for itself; empty where the body does not matter.
        let wanted: [String]
    }

    /// A part of a script.
    enum Step {
        case exchange(Exchange)
        /// So many facts of a kind must be in the ledger.
        case facts(kind: String, count: Int)
    }

    private let blocks: [[String]]
    private var bound: [String: JSONValue]

    /// The script in a file, with names that are bound from the start.
    init(path: String, bound: [String: JSONValue] = [:]) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        blocks = text.components(separatedBy: "\n\n").map { block in
            block.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
        }
        self.bound = bound
    }

    /// Goes through the script; `perform` gets each step when the names before it are bound, and hands back the answer.
    ///
    /// - Returns: What was not as it must be.
    mutating func run(_ perform: (Step) async throws -> HTTPResponse?) async throws -> [String] {
        var problems: [String] = []
        for block in blocks {
            for line in block where line.hasPrefix("ledger: ") {
                let words = line.dropFirst(8).components(separatedBy: " count=")
                guard words.count == 2, let count = Int(words[1]) else { throw Self.unreadable(line) }
                _ = try await perform(.facts(kind: words[0], count: count))
            }
            guard let exchange = try read(block), let response = try await perform(.exchange(exchange)) else {
                continue
            }
            for problem in try await compare(exchange, response) {
                problems.append("\(exchange.method) \(exchange.target): \(problem)")
            }
        }
        return problems
    }

    // MARK: Reading

    private func read(_ block: [String]) throws -> Exchange? {
        let sent = block.filter { $0.hasPrefix("> ") }.map { String($0.dropFirst(2)) }
        let wanted = block.filter { $0.hasPrefix("< ") }.map { String($0.dropFirst(2)) }
        guard let first = sent.first else { return nil }
        let words = fill(first).split(separator: " ", maxSplits: 1).map(String.init)
        guard words.count == 2, let status = wanted.first.flatMap({ Int($0) }) else { throw Self.unreadable(first) }
        var headers: [String: String] = [:]
        var body: [UInt8] = []
        var lengths: [Int] = []
        for line in sent.dropFirst() {
            if let (name, value) = Self.header(line) {
                headers[name] = fill(value)
            } else {
                let bytes = try self.bytes(line)
                lengths.append(bytes.count)
                body += bytes
            }
        }
        // The length of the JSON in front of binary tensors need not be counted by hand.
        for (name, value) in headers where value == "(first line)" { headers[name] = String(lengths.first ?? 0) }
        let wantedHeaders = wanted.dropFirst().compactMap(Self.header)
        return Exchange(
            method: words[0], target: words[1], headers: headers, body: body, status: status,
            wantedHeaders: wantedHeaders, wanted: wanted.dropFirst().filter { Self.header($0) == nil })
    }

    private static func header(_ line: String) -> (name: String, value: String)? {
        guard let match = line.wholeMatch(of: /([a-z][a-z0-9-]*): (.+)/) else { return nil }
        return (String(match.output.1), String(match.output.2))
    }

    /// A line of a body: `hex: 00 01` is bytes, a line in double quotes a text, anything else itself.
    private func bytes(_ line: String) throws -> [UInt8] {
        if line.hasPrefix("hex ") {
            return line.dropFirst(4).split(separator: " ").compactMap { UInt8($0, radix: 16) }
        }
        if line.hasPrefix("\""), let text = try JSONValue(parsing: line).string { return Array(fill(text).utf8) }
        return Array(fill(line).utf8)
    }

    /// What is sent, with the bound names filled in: as JSON where a body has a value, plain in paths.
    private func fill(_ text: String) -> String {
        var filled = text
        for (name, value) in bound.sorted(by: { $0.key.count > $1.key.count }) {
            let plain = value.string ?? value.text
            filled = filled.replacing("/" + name, with: "/" + plain)
            filled = filled.replacing(name, with: text.hasPrefix("{") ? value.text : plain)
        }
        return filled
    }

    private static func unreadable(_ line: String) -> GyreError {
        GyreError(.invalid, "The script cannot be read at: \(line)")
    }

    // MARK: Comparing

    private mutating func compare(_ exchange: Exchange, _ response: HTTPResponse) async throws -> [String] {
        var problems: [String] = []
        var body: [UInt8] = []
        switch response.body {
        case .bytes(let bytes): body = bytes
        case .stream(_, let next): while let piece = try await next() { body += piece }
        }
        let text = String(decoding: body, as: UTF8.self)
        if response.status != exchange.status { problems.append("status \(response.status) with \(text)") }
        for (name, value) in exchange.wantedHeaders {
            let found = response.headers.first { $0.name.lowercased() == name }?.value
            let template = value.hasPrefix("$") ? "\"\(value)\"" : JSONValue.string(value).text
            if let problem = mismatch(try JSONValue(parsing: template), .optional(found), at: name) {
                problems.append(problem)
            }
        }
        guard !exchange.wanted.isEmpty else { return problems }
        if exchange.wanted == ["nothing"] { return problems + (body.isEmpty ? [] : ["a body: \(text)"]) }
        // A line in JSON comes first where bytes follow it.
        var rest = body[...]
        if exchange.wanted.count == 2 {
            let length = response.headers.first { $0.name.lowercased() == "inference-header-content-length" }?.value
            let head = rest.prefix(Int(length ?? "") ?? 0)
            rest = rest.dropFirst(head.count)
            problems += try compare(exchange.wanted[0], Array(head))
        }
        return problems + (try compare(exchange.wanted[exchange.wanted.count - 1], Array(rest)))
    }

    private mutating func compare(_ wanted: String, _ found: [UInt8]) throws -> [String] {
        let text = String(decoding: found, as: UTF8.self)
        if wanted.hasPrefix("hex ") || wanted.hasPrefix("\"") {
            return try bytes(wanted) == found ? [] : ["\(wanted) is not \(text.debugDescription) \(found.prefix(64))"]
        }
        guard let answer = try? JSONValue(parsing: found) else { return ["no JSON: \(text)"] }
        let problem = mismatch(try JSONValue(parsing: Self.quoted(wanted)), answer, at: "")
        return problem.map { ["\($0) in \(answer.text)"] } ?? []
    }

    /// A template as JSON: `$name` and `~"part"` become texts.
    private static func quoted(_ template: String) -> String {
        template.replacing(/~"/, with: "\"~").replacing(/\$\w+/) { "\"\($0.output)\"" }
    }

    private mutating func mismatch(_ template: JSONValue, _ value: JSONValue, at path: String) -> String? {
        switch (template, value) {
        case (.string(let text), _) where text.hasPrefix("$"):
            if let known = bound[text] { return known == value ? nil : "\(path) is not \(text)" }
            bound[text] = value
            return nil
        case (.string(let text), .string(let found)) where text.hasPrefix("~"):
            return found.contains(text.dropFirst()) ? nil : "\(path) does not contain \(text.dropFirst())"
        case (.object(let members), .object(let found)):
            let names = members.members.map(\.name)
            for member in members.members where member.name != "..." {
                guard let value = found[member.name] else { return "\(path).\(member.name) is missing" }
                if let problem = mismatch(member.value, value, at: "\(path).\(member.name)") { return problem }
            }
            let others = found.members.map(\.name).filter { !names.contains($0) }
            return names.contains("...") || others.isEmpty ? nil : "\(path) has \(others) besides"
        case (.array(let items), .array(let found)):
            guard items.count == found.count else { return "\(path) has \(found.count) elements" }
            for (index, (item, value)) in zip(items, found).enumerated() {
                if let problem = mismatch(item, value, at: "\(path)[\(index)]") { return problem }
            }
            return nil
        default:
            let isSame = template == value || (template.double != nil && template.double == value.double)
            return isSame ? nil : "\(path) is \(value.text), not \(template.text)"
        }
    }
}
