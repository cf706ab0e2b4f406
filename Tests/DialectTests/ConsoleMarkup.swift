// SPDX-License-Identifier: Apache-2.0

/// What the console's markup promises, read the way a browser would.
struct ConsoleMarkup {
    private(set) var problems: [String] = []
    private(set) var headings: [Int] = []
    /// Addresses of links.
    private(set) var links: [String] = []
    /// The words between the elements.
    private(set) var text = ""

    private static let void: Set<String> = ["meta", "link", "input"]

    /// Reads a page or a piece of one: whether elements nest, controls have names, tables have captions and heads.
    init(_ markup: String) {
        var open: [String] = []
        var rest = Substring(markup)
        while let begin = rest.firstIndex(of: "<") {
            text += Self.decoded(rest[..<begin])
            guard let end = rest[begin...].firstIndex(of: ">") else { break }
            read(String(rest[rest.index(after: begin)..<end]), &open)
            rest = rest[rest.index(after: end)...]
        }
        text += Self.decoded(rest)
        if !open.isEmpty { problems.append("not closed: \(open)") }
        let main = markup.contains("<main")
        if main, headings.filter({ $0 == 1 }).count != 1 { problems.append("headings \(headings)") }
    }

    private mutating func read(_ tag: String, _ open: inout [String]) {
        guard !tag.hasPrefix("!") else { return }
        if tag.hasPrefix("/") {
            if open.popLast() != String(tag.dropFirst()) { problems.append("</\(tag.dropFirst())> closes another") }
            return
        }
        let name = String(tag.prefix { $0 != " " })
        switch name {
        case "input" where !tag.contains("type=\"hidden\"") && !open.contains("label"):
            problems.append("no label: \(tag)")
        case "select" where !open.contains("label"): problems.append("no label: \(tag)")
        case "th" where !tag.contains("scope=\"col\""): problems.append("no scope: \(tag)")
        case "nav" where !tag.contains("aria-label=\""): problems.append("no label: \(tag)")
        case "svg" where !tag.contains("role=\"") || !tag.contains("aria-label=\""): problems.append("no name: \(tag)")
        case "h1", "h2", "h3": headings.append(Int(String(name.dropFirst())) ?? 0)
        default: break
        }
        if tag.contains("role=\"region\""), !tag.contains("aria-label=\"") { problems.append("no label: \(tag)") }
        if name == "a", let address = tag.split(separator: "href=\"", maxSplits: 1).last?.split(separator: "\"").first {
            links.append(Self.decoded(address))
        }
        if !Self.void.contains(name) { open.append(name) }
    }

    private static func decoded(_ text: Substring) -> String {
        String(text).replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
            .replacing("&#39;", with: "'").replacing("&amp;", with: "&")
    }
}
