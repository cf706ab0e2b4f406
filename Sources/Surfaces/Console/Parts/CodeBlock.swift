// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// Text as it is, line by line, up to 20,000 characters; keys scroll it.
struct CodeBlock: Part {
    static let mostCharacters = 20_000
    let text: String
    /// What it is, for those who do not see it.
    let label: String

    var html: HTML {
        let shown = text.count > Self.mostCharacters ? String(text.prefix(Self.mostCharacters)) : text
        return .element("pre", [("tabindex", "0"), ("role", "region"), ("aria-label", label)], HTML(shown))
            + (Note(shown: shown.count, of: text.count, "characters")?.html ?? .empty)
    }
}

/// What a task printed: the end of it where it is long, for that is where it says why it failed.
struct Log: Part {
    static let mostCharacters = 50_000
    /// What was printed; nil or nothing where nothing was.
    let text: String?
    let label: String

    var html: HTML {
        guard let text, !text.isEmpty else { return EmptyState("There is no log.").html }
        let shown = text.count > Self.mostCharacters ? String(text.suffix(Self.mostCharacters)) : text
        return (Note(shown: shown.count, of: text.count, "characters, the last ones")?.html ?? .empty)
            + .element(
                "pre",
                [("class", "log"), ("tabindex", "0"), ("role", "log"), ("aria-label", label), ("aria-live", "off")],
                HTML(shown))
    }
}
