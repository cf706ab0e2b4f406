// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML

/// What stands within a line: in a cell of a table, beside the name of a fact, in a sentence.
enum Words: Sendable, ExpressibleByStringInterpolation {
    /// Text as it is.
    case text(String)
    /// The beginning of a text, with the whole of it at hand.
    case short(String, Int = 200)
    /// A link to an address of the console or the API.
    case link(String, to: String)
    /// A thing of the ledger, `release/delay@1`, with a link to its lineage.
    case reference(String)
    /// A state, or another word that is told apart by its looks.
    case badge(Badge)
    /// A number as people read it, with all its digits at hand where they are more; a dash for none.
    case figure(Double?)
    /// The latest value of a metric, which a live run's script keeps up to date.
    case latest(metric: String, Double?)
    /// A time in microseconds since 1970; a dash for none.
    case time(Int64?)
    /// A size in bytes, in the unit that suits it; a dash for none.
    case bytes(Int64?)
    /// Something to type or to paste.
    case code(String)
    /// A box that chooses the row that it stands in.
    case choice(name: String, value: String, label: String)
    /// One after another, with a space between.
    case several([Words])
    /// One after another, with this between.
    case list([Words], separator: String)

    /// A dash: there is nothing to tell.
    static let none = Words.text("–")

    init(stringLiteral text: String) { self = .text(text) }

    /// A whole number; a dash for none.
    static func whole<Whole: BinaryInteger>(_ value: Whole?) -> Words { value.map { .text("\($0)") } ?? .none }

    /// A time in milliseconds since 1970; a dash for none.
    static func milliseconds(_ moment: Int64?) -> Words { .time(moment.map { $0 * 1000 }) }

    /// A state as a word; its tone follows from the word.
    static func state(_ word: String) -> Words { .badge(Badge(word)) }

    /// A value of an answer: a number with all its digits at hand, a long text with the whole of it, a dash for nothing.
    init(_ value: JSONValue?) {
        switch value {
        case nil, .null: self = .none
        case .string(let text): self = .short(text)
        case .double(let number): self = .figure(number)
        case .int(let number): self = .text(String(number))
        case .some(let other): self = .short(other.text)
        }
    }

    var html: HTML {
        switch self {
        case .text(let text): HTML(text)
        case .short(let text, let limit): Self.cut(text, limit)
        case .link(let text, let address): .link(text.isEmpty ? "(no name)" : text, to: address)
        case .reference(let ref): .link(ref, to: "/lineage" + Percent.query([("ref", ref)]))
        case .badge(let badge): badge.html
        case .figure(let value): Self.figure(value)
        case .latest(let metric, let value): .element("span", [("data-latest", metric)], Self.figure(value))
        case .time(let moment):
            moment.map { .element("time", [("datetime", Timestamp.text($0))], HTML(Timestamp.readable($0))) }
                ?? HTML("–")
        case .bytes(let count): Self.size(count)
        case .code(let text): .element("code", [], HTML(text))
        case .choice(let name, let value, let label):
            .element(
                "label", [("class", "choice")],
                .void("input", [("type", "checkbox"), ("name", name), ("value", value), ("aria-label", label)]))
        case .several(let words): Self.join(words, " ")
        case .list(let words, let separator): Self.join(words, separator)
        }
    }

    /// A name among other words: what is written from right to left stays by itself.
    static func name(_ text: String) -> HTML { .element("bdi", [], HTML(text)) }

    private static func join(_ words: [Words], _ separator: String) -> HTML {
        .join(words.enumerated().flatMap { $0.offset == 0 ? [$0.element.html] : [HTML(separator), $0.element.html] })
    }

    private static func cut(_ text: String, _ limit: Int) -> HTML {
        guard text.count > limit else { return HTML(text) }
        return .element("span", [("title", String(text.prefix(4000)))], HTML(text.prefix(limit - 1) + "…"))
    }

    private static func figure(_ value: Double?) -> HTML {
        guard let value else { return HTML("–") }
        let (shown, full) = (Number.readable(value), Number.full(value))
        return shown == full ? HTML(shown) : .element("span", [("title", full)], HTML(shown))
    }

    private static func size(_ count: Int64?) -> HTML {
        guard let count else { return HTML("–") }
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (amount, unit) = (Double(count), 0)
        while abs(amount) >= 1024, unit < units.count - 1 {
            amount /= 1024
            unit += 1
        }
        guard unit > 0 else { return HTML("\(count) B") }
        return .element(
            "span", [("title", "\(count) B")], HTML("\(Number.readable((amount * 10).rounded() / 10)) \(units[unit])"))
    }
}

extension Words {
    /// Where words stand in a sorted column; nothing comes last.
    enum Rank: Comparable {
        case number(Double)
        case text(String)
        case nothing
    }

    /// Numbers by their size, texts by their letters and the numbers in them: `version 9` comes before `version 10`.
    var rank: Rank {
        switch self {
        case .text("–"), .text(""): .nothing
        case .text(let text), .short(let text, _), .link(let text, _), .reference(let text), .code(let text),
            .choice(_, _, let text):
            Double(text).map { $0.isNaN ? .nothing : .number($0) } ?? .text(Self.natural(text))
        case .badge(let badge): .text(Self.natural(badge.word))
        case .figure(let value), .latest(_, let value): value.map { $0.isNaN ? .nothing : .number($0) } ?? .nothing
        case .time(let value), .bytes(let value): value.map { .number(Double($0)) } ?? .nothing
        case .several(let words), .list(let words, _): words.first?.rank ?? .nothing
        }
    }

    private static func natural(_ text: String) -> String {
        var (key, digits) = ("", "")
        func padded() -> String {
            digits.isEmpty ? "" : String(repeating: "0", count: max(0, 20 - digits.count)) + digits
        }
        for character in text.lowercased() {
            if character.isASCII, character.isNumber {
                digits.append(character)
            } else {
                key += padded() + String(character)
                digits = ""
            }
        }
        return key + padded()
    }
}
