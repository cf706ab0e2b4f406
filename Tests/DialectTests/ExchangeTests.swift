// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreBlobs
import GyreEvaluation
import GyreHTTP
import GyreLedger
import GyreMLflow
import GyreNotification
import GyreOutbound
import GyreRegistry
import GyreSQLite
import GyreTestSupport
import GyreTracing
import GyreTracking
import Testing

/// Recorded exchanges with clients: what they send, what they must get, and what the ledger must hold afterwards.
///
/// `> VERB path` and an optional `> {body}` are sent; `< status` and `< {body}` must come. In a body `$name` binds at first sight and
/// must match later, `~"part"` matches a part of a text, and a member `"...": true` lets other members be there.
@Suite struct ExchangeTests {
    @Test("clients get what was recorded", arguments: ["MLflow/experiments", "MLflow/runs"])
    func exchange(file: String) async throws {
        let folder = try TemporaryFolder()
        let database = try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 1000 })
        let ledger = SQLiteLedgerStore(database)
        let tracking = Tracking(store: SQLiteTrackingStore(database), surroundings: .still)
        let mlflow = MLflowDialect(
            tracking: tracking,
            registry: Registry(store: ledger, surroundings: .still),
            loggedModels: LoggedModels(store: ledger, surroundings: .still),
            tracing: Tracing(store: SQLiteTraceStore(database), surroundings: .still) { id throws(GyreError) in
                let experiment = try await tracking.experiment(String(id))
                return (experiment.artifactLocation, experiment.isDeleted)
            },
            evaluationDatasets: EvaluationDatasets(store: ledger, surroundings: .still),
            scorers: Scorers(store: ledger, surroundings: .still), issues: Issues(store: ledger, surroundings: .still),
            webhooks: Webhooks(
                store: ledger, sender: HTTPWebhookSender(allowsPrivate: false), surroundings: .still,
                allowedSchemes: ["https"]), blobs: try FileBlobStore(root: folder.path + "/blobs"))
        let router = Router([mlflow.routes])
        var script = Script()
        let path = "\(Installed.root)/Tests/DialectTests/\(file).exchange"
        for block in try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n\n") {
            let lines = block.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
            for line in lines where line.hasPrefix("ledger: ") {
                let words = line.split(separator: " ")
                var query = FactQuery()
                query.kindPrefix = String(words[1])
                let count = try await ledger.facts(query).count
                #expect("count=\(count)" == words[2], "\(line)")
            }
            let sent = lines.filter { $0.hasPrefix("> ") }.map { script.fill(String($0.dropFirst(2))) }
            let wanted = lines.filter { $0.hasPrefix("< ") }.map { String($0.dropFirst(2)) }
            guard let first = sent.first?.split(separator: " "), wanted.count == 2 else { continue }
            let body = sent.count > 1 ? Array(sent[1].utf8) : []
            let response = await router.respond(to: HTTPRequest(String(first[0]), String(first[1]), body: body))
            guard case .bytes(let bytes) = response.body else { throw GyreError(.internal, "a streamed answer") }
            #expect("\(response.status)" == wanted[0], "\(sent)")
            let answer = try JSONValue(parsing: bytes)
            let problem = script.mismatch(try JSONValue(parsing: Script.quoted(wanted[1])), answer, at: "")
            #expect(problem == nil, "\(sent): \(problem ?? "") in \(answer.text)")
        }
    }

    /// The names that were bound so far.
    private struct Script {
        private var bound: [String: JSONValue] = [:]

        /// A template as JSON: `$name` and `~"part"` become texts.
        static func quoted(_ template: String) -> String {
            template.replacing(/~"/, with: "\"~").replacing(/\$\w+/) { "\"\($0.output)\"" }
        }

        /// What is sent, with the bound names filled in: quoted in a body, plain in an address.
        func fill(_ text: String) -> String {
            var filled = text
            for (name, value) in bound {
                filled = filled.replacing(name, with: text.hasPrefix("{") ? value.text : value.string ?? value.text)
            }
            return filled
        }

        mutating func mismatch(_ template: JSONValue, _ value: JSONValue, at path: String) -> String? {
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
}
