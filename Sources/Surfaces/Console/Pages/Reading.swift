// SPDX-License-Identifier: Apache-2.0

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

    /// A time of an answer that counts milliseconds.
    static func milliseconds(_ value: JSONValue?) -> Words { .time(value?.int.map { $0 * 1000 }) }

    /// A run by the beginning of its id; a dash for none.
    static func run(_ id: String?) -> Words {
        guard let id, !id.isEmpty else { return .none }
        return .link(String(id.prefix(8)), to: Percent.path("runs", id))
    }

    static func aliases(_ model: JSONValue) -> String {
        let aliases = (model["aliases"]?.object?.members ?? []).map { "\($0.name) → \($0.value.text)" }
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
    func pairs(_ title: String, _ noun: String, _ values: JSONValue?, empty: String) -> Section {
        let members = values?.object?.members ?? []
        let rows = members.prefix(200).map { member -> [Words] in
            let isReference = member.name.hasPrefix("gyre.") && member.value.string?.contains("/") == true
            return [.short(member.name), isReference ? .reference(text(member.value)) : Words(member.value)]
        }
        return Section(title) {
            Table(title, [Table.Column(noun), "Value"], rows, empty: EmptyState(empty))
            Note(shown: rows.count, of: members.count, title.lowercased())
        }
    }

    /// Facts of the ledger, as they came.
    static func facts(
        _ facts: [JSONValue], listing: Listing? = nil, next: (name: String, value: String)? = nil
    ) -> Table {
        Table(
            "Facts", [.number("Seq"), "When", "Who", "What", "Subject", "Why"],
            facts.map { fact in
                [
                    .text(fact["seq"]?.text ?? ""), .time(fact["at"]?.int), .text(fact["actor"]?.string ?? ""),
                    .text(fact["kind"]?.string ?? ""), .reference(fact["subject"]?.string ?? ""),
                    .short(fact["body"]?["reason"]?.string ?? "", 160),
                ]
            }, empty: "Nothing has happened yet.", listing: listing, next: next)
    }
}
