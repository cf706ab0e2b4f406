// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation

/// Signatures of Ed25519 over texts.
enum Ed25519 {
    /// The public key of 32 secret bytes; nil where they are none.
    static func publicKey(of secret: [UInt8]) -> [UInt8]? {
        // Bytes that are no key have none.
        (try? Curve25519.Signing.PrivateKey(rawRepresentation: secret)).map { [UInt8]($0.publicKey.rawRepresentation) }
    }

    static func sign(_ text: String, _ secret: [UInt8]) throws -> [UInt8] {
        [UInt8](try Curve25519.Signing.PrivateKey(rawRepresentation: secret).signature(for: Data(text.utf8)))
    }

    static func isSignature(_ signature: [UInt8], of text: String, by key: [UInt8]) -> Bool {
        // Bytes that are no key have signed nothing.
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: key) else { return false }
        return key.isValidSignature(signature, for: Data(text.utf8))
    }
}
