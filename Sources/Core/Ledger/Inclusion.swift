// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What proves to anybody that a fact is in a ledger that was signed.
package struct Inclusion: Sendable {
    /// What is proved to be there.
    package let fact: RecordedFact
    /// The sisters on the way from the fact to the root.
    package let path: [Digest]
    /// The signed state that the fact is part of.
    package let note: String
    /// How many facts that is over.
    package let size: Int64
    /// What checks the signature.
    package let key: Checkpoint.PublicKey

    /// A proof of these parts.
    package init(fact: RecordedFact, path: [Digest], note: String, size: Int64, key: Checkpoint.PublicKey) {
        self.fact = fact
        self.path = path
        self.note = note
        self.size = size
        self.key = key
    }

    /// All that whoever checks needs; `canonical` is what was hashed.
    package var json: JSONValue {
        let canonical = HashChain.canonical(seq: fact.seq, at: fact.at, fact: fact.fact)
        return [
            "seq": .int(fact.seq), "size": .int(size), "canonical": .string(String(decoding: canonical, as: UTF8.self)),
            "prev_hash": .string(fact.previousHash.hex), "hash": .string(fact.hash.hex),
            "path": .strings(path.map(\.hex)), "checkpoint": .string(note), "key": .string(key.text),
        ]
    }
}
