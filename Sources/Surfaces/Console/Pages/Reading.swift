// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase

/// How values of answers become words of a page.
extension Console {
    func text(_ value: JSONValue?) -> String { Self.text(value) }

    static func text(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null: "–"
        case .string(let text): text
        case .double(let number): Number.readable(number)
        case .some(let other): other.text
        }
    }

    /// A run by the beginning of its id; a dash for none.
    static func run(_ id: String?) -> Words {
        guard let id, !id.isEmpty else { return .none }
        return .link(String(id.prefix(8)), to: Percent.path("runs", id))
    }

    static func aliases(_ versions: [String: Int]) -> String {
        let aliases = versions.sorted { $0.key < $1.key }.map { "\($0.key) → \($0.value)" }
        return aliases.isEmpty ? "–" : aliases.joined(separator: ", ")
    }

    /// A time that something took, in the unit that suits it.
    static func duration(_ nanoseconds: Double?) -> String {
        guard let nanoseconds else { return "–" }
        switch nanoseconds {
        case ..<1e6: return "\(Number.readable(nanoseconds / 1e3)) µs"
        case ..<1e9: return "\(Number.readable(nanoseconds / 1e6)) ms"
        default: return "\(Number.readable(nanoseconds / 1e9)) s"
        }
    }

    /// Names and values in a section of their own; what is long is told in part, with all of it at hand.
    func pairs(_ title: String, _ noun: String, _ values: [String: String], empty: String) -> Section {
        let members = values.sorted { $0.key < $1.key }
        let rows = members.prefix(200).map { name, value -> [Words] in
            let isReference = name.hasPrefix("gyre.") && value.contains("/")
            return [.short(name), isReference ? .reference(value) : .short(value)]
        }
        return Section(title) {
            Table(title, [Table.Column(noun), "Value"], rows, empty: EmptyState(empty))
            Note(shown: rows.count, of: members.count, title.lowercased())
        }
    }

    /// Facts of the ledger, as they came.
    static func facts(
        _ facts: [API.Fact], listing: Listing? = nil, next: (name: String, value: String)? = nil
    ) -> Table {
        Table(
            "Facts", [.number("Seq"), "When", "Who", "What", "Subject", "Why"],
            facts.map { fact in
                [
                    .text(String(fact.seq)), .time(fact.at), .text(fact.actor), .text(fact.kind),
                    .reference(fact.subject), .short(fact.body["reason"]?.string ?? "", 160),
                ]
            }, empty: "Nothing has happened yet.", listing: listing, next: next)
    }
}
