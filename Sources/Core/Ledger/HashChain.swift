// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// How facts become bytes and bytes become links; `Docs/formats/ledger.md` has the layout.
package enum HashChain {
    /// The members that are hashed, as a JSON object.
    package static func json(seq: Int64, at: Int64, fact: Fact) -> JSONValue {
        [
            "seq": .int(seq), "at": .int(at), "actor": .string(fact.actor), "kind": .string(fact.kind),
            "subject": .string(fact.subject.description), "inputs": .strings(fact.inputs.map(\.description)),
            "outputs": .strings(fact.outputs.map(\.description)), "body": fact.body,
        ]
    }

    /// The canonical JSON of a fact.
    ///
    /// Written member by member in sorted order, so that verifying sorts nothing but the body.
    package static func canonical(seq: Int64, at: Int64, fact: Fact) -> [UInt8] {
        canonical(
            seq: seq, at: at,
            parts: Parts(
                actor: fact.actor, kind: fact.kind, subject: fact.subject.description,
                inputs: JSONValue.strings(fact.inputs.map(\.description)).canonicalBytes,
                outputs: JSONValue.strings(fact.outputs.map(\.description)).canonicalBytes,
                body: fact.body.canonicalBytes))
    }

    /// A fact's parts as a store keeps them: lists and body as canonical JSON text already.
    package struct Parts: Sendable {
        /// Who.
        package let actor: String
        /// What.
        package let kind: String
        /// To what.
        package let subject: String
        /// Canonical JSON list of refs.
        package let inputs: [UInt8]
        /// Canonical JSON list of refs.
        package let outputs: [UInt8]
        /// Canonical JSON object.
        package let body: [UInt8]

        /// Parts as they were stored.
        package init(
            actor: String, kind: String, subject: String, inputs: [UInt8], outputs: [UInt8], body: [UInt8]
        ) {
            self.actor = actor
            self.kind = kind
            self.subject = subject
            self.inputs = inputs
            self.outputs = outputs
            self.body = body
        }
    }

    /// The canonical JSON of stored parts, without parsing any of them.
    package static func canonical(seq: Int64, at: Int64, parts: Parts) -> [UInt8] {
        var writer = JSONWriter(order: .sorted, reservingCapacity: 256 + parts.body.count)
        writer.raw("{\"actor\":")
        writer.string(parts.actor)
        writer.raw(",\"at\":")
        writer.integer(at)
        writer.raw(",\"body\":")
        writer.raw(parts.body)
        writer.raw(",\"inputs\":")
        writer.raw(parts.inputs)
        writer.raw(",\"kind\":")
        writer.string(parts.kind)
        writer.raw(",\"outputs\":")
        writer.raw(parts.outputs)
        writer.raw(",\"seq\":")
        writer.integer(seq)
        writer.raw(",\"subject\":")
        writer.string(parts.subject)
        writer.raw("}")
        return writer.bytes
    }

    /// `SHA-256(previous ‖ canonical)`.
    package static func hash(_ previous: Digest, _ canonical: [UInt8]) -> Digest {
        var bytes = previous.bytes
        bytes.reserveCapacity(32 + canonical.count)
        bytes.append(contentsOf: canonical)
        return Digest(of: bytes)
    }
}
