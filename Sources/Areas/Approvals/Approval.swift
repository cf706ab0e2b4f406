// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

/// What has to be approved by others than who asks for it.
package struct ApprovalRule: Sendable, Hashable {
    /// What is asked for: `alias`, `deploy`, `promote`, `rollback`, `policy`; nil for all of them.
    package let action: String?
    /// On what: `model/NAME` or `endpoint/NAME`; nil for everything.
    package let subject: String?
    /// How many others have to agree.
    package let approvers: Int

    static let kind = "approval-rule"
    /// What can be held back until it is approved.
    package static let actions = ["alias", "deploy", "promote", "rollback", "policy"]

    /// A rule of these parts.
    /// - Throws: `.invalid` for an action that cannot be held back, or a number that is none.
    package init(action: String?, subject: String?, approvers: Int) throws(GyreError) {
        if let action, !Self.actions.contains(action) {
            throw GyreError(
                .invalid, "\"\(action.prefix(40))\" is nothing that is approved.",
                fix: Nearest.fix(action, among: Self.actions, otherwise: Self.actions.joined(separator: ", ")))
        }
        guard (1...10).contains(approvers) else {
            throw GyreError(.invalid, "From 1 to 10 others approve.", why: "\(approvers) were asked for.")
        }
        if let subject { _ = try Ref(parsing: subject) }
        self.action = action
        self.subject = subject
        self.approvers = approvers
    }

    /// Its key among the documents.
    var key: String { "\(action ?? "*")|\(subject ?? "*")" }

    /// Whether it is about something; a call that does not say on what is covered by every rule about the action.
    func covers(_ action: String, _ subject: String?) -> Bool {
        (self.action ?? action) == action && (self.subject == nil || subject == nil || self.subject == subject)
    }

    init(stored json: JSONValue) throws(GyreError) {
        let stored = StoredReader("approval rule", json)
        try self.init(
            action: json["action"]?.string, subject: json["subject"]?.string,
            approvers: Int(try stored.integer("approvers")))
    }

    /// As it is kept, and as the native API tells of it.
    package var json: JSONValue {
        ["action": .optional(action), "subject": .optional(subject), "approvers": .int(Int64(approvers))]
    }
}

/// A call that waits until others agree.
package struct Approval: Sendable, Hashable {
    /// Counts from 1.
    package let number: Int
    /// What is asked for.
    package let action: String
    /// On what; nil where it is about more than one thing.
    package let subject: String?
    /// Who asks.
    package let author: String
    /// Why, in the author's words.
    package let reason: String
    /// The call: its verb, its address with the query, and its body.
    package let call: Call
    /// How many others have to agree.
    package let wanted: Int
    /// Who said what.
    package var voices: [Voice]
    /// How it stands.
    package var state: State
    /// What came of carrying it out, where that failed.
    package var problem: String?
    /// When it was asked for, in microseconds since 1970.
    package let at: Int64

    static let kind = "approval"

    /// How an approval stands.
    package enum State: String, Sendable, Hashable {
        case waiting, approved, rejected, failed
    }

    /// A call as it came.
    package struct Call: Sendable, Hashable {
        /// The verb.
        package let method: String
        /// Path and query.
        package let target: String
        /// What it sends.
        package let body: JSONValue

        /// A call of these parts.
        package init(method: String, target: String, body: JSONValue) {
            self.method = method
            self.target = target
            self.body = body
        }
    }

    /// What one person said.
    package struct Voice: Sendable, Hashable {
        /// Who.
        package let actor: String
        /// Whether in favour.
        package let agrees: Bool
        /// Why.
        package let reason: String
    }

    init(
        number: Int, action: String, subject: String?, author: String, reason: String, call: Call, wanted: Int,
        at: Int64
    ) {
        self.number = number
        self.action = action
        self.subject = subject
        self.author = author
        self.reason = reason
        self.call = call
        self.wanted = wanted
        self.at = at
        voices = []
        state = .waiting
    }

    /// Its key among the documents, in the order of the numbers.
    static func key(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 9 - digits.count)) + digits
    }

    /// `approval/7`.
    package var ref: Ref { Ref("approval", String(number)) }

    init(stored json: JSONValue) throws(GyreError) {
        let stored = StoredReader("approval", json)
        number = Int(try stored.integer("number"))
        action = try stored.text("action")
        subject = json["subject"]?.string
        author = try stored.text("author")
        reason = try stored.text("reason")
        call = Call(
            method: try stored.text("method"), target: try stored.text("target"), body: json["body"] ?? [:])
        wanted = Int(try stored.integer("wanted"))
        voices = (json["voices"]?.array ?? []).map { voice in
            Voice(
                actor: voice["actor"]?.string ?? "", agrees: voice["agrees"]?.bool ?? false,
                reason: voice["reason"]?.string ?? "")
        }
        state = try stored.word("state", State.self)
        problem = json["problem"]?.string
        at = try stored.integer("at")
    }

    /// As it is kept, and as the native API tells of it.
    package var json: JSONValue {
        [
            "number": .int(Int64(number)), "action": .string(action), "subject": .optional(subject),
            "author": .string(author), "reason": .string(reason), "method": .string(call.method),
            "target": .string(call.target), "body": call.body, "wanted": .int(Int64(wanted)),
            "voices": .array(
                voices.map {
                    ["actor": .string($0.actor), "agrees": .bool($0.agrees), "reason": .string($0.reason)]
                }),
            "state": .string(state.rawValue), "problem": .optional(problem), "at": .int(at),
        ]
    }
}
