// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Something that changed, as the one who changed it tells it; it enters the ledger together with the change.
package struct Fact: Sendable, Hashable {
    /// Who did it: a person's name, `policy/<name>` or `gyre`.
    package let actor: String
    /// What happened, dotted from the area down: `registry.alias.set`.
    package let kind: String
    /// The thing that it happened to.
    package let subject: Ref
    /// What the subject was made from.
    package let inputs: [Ref]
    /// What was made.
    package let outputs: [Ref]
    /// The particulars; an object.
    ///
    /// Moves of pointers are added to it under `moves` by the store.
    package var body: JSONValue

    /// A fact with these parts.
    package init(
        _ kind: String, _ subject: Ref, by actor: String, inputs: [Ref] = [], outputs: [Ref] = [], body: JSONValue = [:]
    ) {
        self.kind = kind
        self.subject = subject
        self.actor = actor
        self.inputs = inputs
        self.outputs = outputs
        self.body = body
    }
}

/// A fact in its place in the chain.
package struct RecordedFact: Sendable, Hashable {
    /// Its place; the first is 1 and none is missing.
    package let seq: Int64
    /// When it was recorded, microseconds since 1970.
    package let at: Int64
    /// What it says.
    package let fact: Fact
    /// The hash of the fact before it; zero for the first.
    package let previousHash: Digest
    /// `SHA-256(previousHash ‖ canonical form)`.
    package let hash: Digest

    /// The next link of a chain that ends in `previousHash`.
    package init(seq: Int64, at: Int64, fact: Fact, following previousHash: Digest) {
        self.seq = seq
        self.at = at
        self.fact = fact
        self.previousHash = previousHash
        hash = HashChain.hash(previousHash, HashChain.canonical(seq: seq, at: at, fact: fact))
    }

    /// A link as it was read back, with the hash that was stored.
    package init(seq: Int64, at: Int64, fact: Fact, previousHash: Digest, storedHash: Digest) {
        self.seq = seq
        self.at = at
        self.fact = fact
        self.previousHash = previousHash
        hash = storedHash
    }

    /// The moves of pointers that this fact records.
    package var moves: [PointerMove] { (fact.body["moves"]?.array ?? []).compactMap(PointerMove.init(json:)) }

    /// All members as one JSON object: what `ledger log --format json` and `ledger export` write.
    package var json: JSONValue {
        var json = HashChain.json(seq: seq, at: at, fact: fact)
        json["prev_hash"] = .string(previousHash.hex)
        json["hash"] = .string(hash.hex)
        return json
    }
}
