// SPDX-License-Identifier: Apache-2.0

/// A piece of a page: text is escaped when it goes in, so what comes out is well-formed.
package struct HTML: Sendable, Hashable {
    /// Text that goes into a page as it stands.
    package let markup: String

    private init(markup: String) { self.markup = markup }

    /// Text as a reader sees it.
    package init(_ text: String) { markup = Self.escape(text) }

    /// Nothing.
    package static let empty = HTML(markup: "")

    /// Markup that the program itself wrote; never anything that came from outside.
    package static func trusted(_ markup: StaticString) -> HTML { HTML(markup: "\(markup)") }

    /// An element.
    ///
    /// Attributes with an empty name are left out.
    package static func element(_ name: StaticString, _ attributes: [(String, String)] = [], _ content: HTML...) -> HTML
    {
        element(name, attributes, content)
    }

    /// An element with a list of contents.
    package static func element(_ name: StaticString, _ attributes: [(String, String)], _ content: [HTML]) -> HTML {
        var text = "<\(name)"
        for (key, value) in attributes where !key.isEmpty { text += " \(key)=\"\(escape(value))\"" }
        return HTML(markup: text + ">" + content.map(\.markup).joined() + "</\(name)>")
    }

    /// An element that holds nothing and is not closed.
    package static func void(_ name: StaticString, _ attributes: [(String, String)]) -> HTML {
        HTML(markup: "<\(name)" + attributes.map { " \($0.0)=\"\(escape($0.1))\"" }.joined() + ">")
    }

    /// A whole document.
    package static func document(_ root: HTML) -> HTML { HTML(markup: "<!doctype html>\n" + root.markup) }

    /// One after another.
    package static func + (left: HTML, right: HTML) -> HTML { HTML(markup: left.markup + right.markup) }

    /// One after another.
    package static func join(_ parts: [HTML]) -> HTML { HTML(markup: parts.map(\.markup).joined()) }

    /// Text that leads to another page.
    package static func link(_ text: String, to address: String) -> HTML {
        .element("a", [("href", address)], HTML(text))
    }

    private static func escape(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
