// SPDX-License-Identifier: Apache-2.0

/// A SQL LIKE pattern: `%` is any text, `_` any one character.
package struct LikePattern: Sendable {
    private let pattern: [Character]

    /// A pattern.
    package init(_ pattern: String) { self.pattern = Array(pattern) }

    /// Whether all of `text` fits; takes time in the product of the two lengths at worst.
    package func matches(_ text: String) -> Bool {
        let text = Array(text)
        var at = 0
        var inPattern = 0
        var star: (pattern: Int, text: Int)?
        while at < text.count {
            if inPattern < pattern.count, pattern[inPattern] == "%" {
                star = (inPattern, at)
                inPattern += 1
            } else if inPattern < pattern.count, pattern[inPattern] == "_" || pattern[inPattern] == text[at] {
                at += 1
                inPattern += 1
            } else if let last = star {
                inPattern = last.pattern + 1
                at = last.text + 1
                star = (last.pattern, at)
            } else {
                return false
            }
        }
        return pattern[inPattern...].allSatisfy { $0 == "%" }
    }
}
