// SPDX-License-Identifier: Apache-2.0

import GyreSearch
import GyreTestSupport
import Testing

@Suite struct LikePatternTests {
    @Test(
        "a pattern fits as SQL has it",
        arguments: [
            ("", "", true), ("", "a", false), ("%", "", true), ("%", "anything", true), ("_", "é", true),
            ("_", "", false), ("a%", "abc", true), ("%c", "abc", true), ("%b%", "abc", true), ("a_c", "abc", true),
            ("a_c", "abbc", false), ("%ab%ab%", "xabyab", true), ("%ab%ab%", "xaby", false), ("a%%b", "ab", true),
            ("A%", "abc", false),
        ])
    func fits(pattern: String, text: String, expected: Bool) {
        #expect(LikePattern(pattern).matches(text) == expected)
    }

    @Test("any pattern and text agree with the definition", arguments: 0..<40)
    func definition(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<200 {
            let pattern = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                "ab%_".randomElement(using: &random) ?? "a"
            }
            let text = (0..<Int.random(in: 0...7, using: &random)).map { _ in "ab".randomElement(using: &random) ?? "a"
            }
            #expect(
                LikePattern(String(pattern)).matches(String(text)) == Self.holds(pattern[...], text[...]),
                "seed \(seed): \(String(pattern)) on \(String(text))")
        }
    }

    @Test("a pattern that is made to be slow is not")
    func slow() {
        let pattern = String(repeating: "%a", count: 50) + "%b"
        #expect(!LikePattern(pattern).matches(String(repeating: "a", count: 5000)))
    }

    /// The definition, word for word.
    private static func holds(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = pattern.dropFirst()
        if first == "%" { return (text.startIndex...text.endIndex).contains { holds(rest, text[$0...]) } }
        guard let character = text.first, first == "_" || first == character else { return false }
        return holds(rest, text.dropFirst())
    }
}
