// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// A remark beside what is shown; with a tone it stands out.
struct Note: Part {
    let words: [Words]
    let tone: Tone
    /// What the remark is about, before it.
    let title: String?

    init(_ words: Words..., title: String? = nil, tone: Tone = .plain) {
        self.words = words
        self.title = title
        self.tone = tone
    }

    /// Says that less is shown than there is; nil where all of it is.
    ///
    /// `what` stands behind the numbers: "runs, the newest first". `more` says where the others are.
    init?(shown: Int, of total: Int, _ what: String, more: Words = "") {
        guard shown < total else { return nil }
        self.init("Shown are \(shown) of \(total) \(what). ", more)
    }

    var html: HTML {
        let content = [title.map { HTML.element("strong", [], HTML($0)) + HTML(" ") } ?? .empty] + words.map(\.html)
        if tone == .plain { return .element("p", [("class", "note")], content) }
        // What is wrong is told at once to those who listen; the rest waits for them.
        return .element(
            "p", [("class", "note alert \(tone.rawValue)"), ("role", tone == .bad ? "alert" : "note")], content)
    }
}

extension PartBuilder {
    static func buildExpression(_ part: (any Part)?) -> [any Part] { part.map { [$0] } ?? [] }
}
