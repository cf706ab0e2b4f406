// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// The state of a ledger at some size, signed: whoever has it notices any change of what came before.
///
/// Written as the signed notes of transparency logs are (c2sp.org, tlog-checkpoint and signed-note), so that their tools read it.
package struct Checkpoint: Sendable, Hashable {
    /// Which ledger.
    package let origin: String
    /// How many facts it is over.
    package let size: Int64
    /// The root of the tree over their hashes.
    package let root: Digest
    /// The hash of the last of them.
    package let head: Digest
    /// When it was signed, in microseconds since 1970.
    package let at: Int64

    /// The state of a ledger at a size.
    package init(origin: String, size: Int64, root: Digest, head: Digest, at: Int64) {
        self.origin = origin
        self.size = size
        self.root = root
        self.head = head
        self.at = at
    }

    /// What is signed.
    package var text: String {
        "\(origin)\n\(size)\n\(Data(root.bytes).base64EncodedString())\nhead \(head.hex)\nat \(Timestamp.text(at))\n"
    }

    /// The note with its signature.
    package func note(signature: [UInt8], key: PublicKey) -> String {
        "\(text)\n— \(key.name) \(Data(key.number + signature).base64EncodedString())\n"
    }

    /// Reads a note, whose signature must be that of `key`.
    /// - Throws: `.corrupt` for what is no note, or was signed by another key or changed.
    package init(note: String, key: PublicKey) throws(GyreError) {
        let parts = note.components(separatedBy: "\n\n— ")
        let lines = parts[0].components(separatedBy: "\n")
        guard parts.count == 2, lines.count == 5, let size = Int64(lines[1]),
            let rootData = Data(base64Encoded: lines[2]), let root = try? Digest(bytes: [UInt8](rootData)),
            lines[3].hasPrefix("head "), let head = try? Digest(hex: String(lines[3].dropFirst(5))),
            lines[4].hasPrefix("at "), let at = try? Timestamp.parse(String(lines[4].dropFirst(3)))
        else { throw GyreError(.corrupt, "A checkpoint of the ledger cannot be read.") }
        self.init(origin: lines[0], size: size, root: root, head: head, at: at)
        let signed = parts[1].trimmingCharacters(in: .newlines).components(separatedBy: " ")
        guard signed.count == 2, let data = Data(base64Encoded: signed[1]), data.count == 68,
            key.isSignature([UInt8](data.dropFirst(4)), of: parts[0] + "\n")
        else {
            throw GyreError(
                .corrupt, "The checkpoint at \(size) is not signed by the ledger's key.",
                why: "It was signed by another key than \(key.name), or changed.")
        }
    }

    /// What checks a signature.
    package struct PublicKey: Sendable, Hashable {
        /// The name that notes have.
        package let name: String
        /// The 32 bytes of Ed25519.
        package let bytes: [UInt8]

        /// A key of that name.
        package init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }

        /// Reads `NAME+NUMBER+KEY`, as signed notes have keys of verifiers.
        /// - Throws: `.invalid` for anything else.
        package init(parsing text: String) throws(GyreError) {
            let parts = text.split(separator: "+", maxSplits: 2).map(String.init)
            guard parts.count == 3, let data = Data(base64Encoded: parts[2]), data.count == 33, data.first == 1 else {
                throw GyreError(
                    .invalid, "\"\(text.prefix(100))\" is no key.", fix: "Write it as gyre ledger key prints it.")
            }
            self.init(name: parts[0], bytes: [UInt8](data.dropFirst()))
        }

        /// As signed notes have keys of verifiers.
        package var text: String {
            let hex = number.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return "\(name)+\(hex)+\(Data([1] + bytes).base64EncodedString())"
        }

        /// The four bytes that tell keys of one name apart.
        var number: [UInt8] { Array(Digest(of: Array("\(name)\n".utf8) + [1] + bytes).bytes.prefix(4)) }

        func isSignature(_ signature: [UInt8], of text: String) -> Bool {
            Ed25519.isSignature(signature, of: text, by: bytes)
        }
    }
}

/// Signs checkpoints.
package protocol CheckpointSigner: Sendable {
    /// The key that checks what it signs.
    var key: Checkpoint.PublicKey { get }
    /// The signature of a text: 64 bytes.
    func sign(_ text: String) async throws(GyreError) -> [UInt8]
}

/// Signs with a key at hand.
package struct KeySigner: CheckpointSigner {
    private let secret: [UInt8]
    package let key: Checkpoint.PublicKey

    /// A signer with the 32 bytes of an Ed25519 key; it is called after the public key where no name is said.
    package init(name: String?, secret: [UInt8]) throws(GyreError) {
        guard let bytes = Ed25519.publicKey(of: secret) else {
            throw GyreError(.invalid, "The ledger's key is none.", why: "It has to have 32 bytes.")
        }
        key = Checkpoint.PublicKey(name: name ?? "gyre-ledger-\(Digest(of: bytes).hex.prefix(8))", bytes: bytes)
        self.secret = secret
    }

    package func sign(_ text: String) async throws(GyreError) -> [UInt8] {
        do { return try Ed25519.sign(text, secret) } catch {
            throw GyreError.wrapping(error, "Signing the ledger")
        }
    }
}
