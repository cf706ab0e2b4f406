// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Reads a stored document member by member: what is missing or of another kind is damage, never an empty value.
package struct StoredReader: Sendable {
    private let noun: String
    private let json: JSONValue

    /// A reader of `json`, which is a `noun` such as "release".
    package init(_ noun: String, _ json: JSONValue) {
        self.noun = noun
        self.json = json
    }

    /// A text that must be there.
    /// - Throws: `.corrupt`.
    package func text(_ member: String) throws(GyreError) -> String {
        if let text = json[member]?.string { return text }
        throw damage(member, "a text")
    }

    /// A whole number that must be there.
    /// - Throws: `.corrupt`.
    package func integer(_ member: String) throws(GyreError) -> Int64 {
        if let number = json[member]?.int { return number }
        throw damage(member, "a whole number")
    }

    /// A ref that must be there.
    /// - Throws: `.corrupt`.
    package func ref(_ member: String) throws(GyreError) -> Ref {
        let text = try text(member)
        do { return try Ref(parsing: text) } catch { throw damage(member, "a ref") }
    }

    /// A digest that must be there.
    /// - Throws: `.corrupt`.
    package func digest(_ member: String) throws(GyreError) -> Digest {
        let text = try text(member)
        do { return try Digest(hex: text) } catch { throw damage(member, "a digest") }
    }

    /// A tree that must be there.
    /// - Throws: `.corrupt`.
    package func tree(_ member: String) throws(GyreError) -> Tree {
        do { return try Tree(json: json[member] ?? .null) } catch { throw damage(member, "a list of files") }
    }

    /// One of a closed set of words that must be there.
    /// - Throws: `.corrupt`.
    package func word<Word: RawRepresentable<String>>(_ member: String, _ type: Word.Type) throws(GyreError) -> Word {
        if let word = Word(rawValue: try text(member)) { return word }
        throw damage(member, "one of the words that it may be")
    }

    private func damage(_ member: String, _ kind: String) -> GyreError {
        GyreError(
            .corrupt, "A stored \(noun) cannot be read.",
            why: "Its \"\(member)\" is \(json[member].map { "\($0.text.prefix(60)) and not \(kind)" } ?? "missing").",
            fix: "gyre ledger verify")
    }
}
