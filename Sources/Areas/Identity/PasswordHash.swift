// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import CryptoExtras
internal import Foundation
internal import GyreBase
internal import GyreLedger

/// What a password is compared with: scrypt over the password and a salt.
package struct PasswordHash: Sendable, Hashable {
    private let salt: [UInt8]
    private let rounds: Int
    private let key: [UInt8]

    /// scrypt's N: about 32 MiB and 60 ms for one password.
    private static let usualRounds = 1 << 15
    /// The shortest and the longest password in bytes.
    package static let lengths = 12...1024

    /// The hash of `password` with `salt`, which nobody else has.
    init(of password: String, salt: [UInt8]) throws(GyreError) {
        guard Self.lengths.contains(password.utf8.count) else {
            throw GyreError(
                .invalid, "A password has \(Self.lengths.lowerBound) to \(Self.lengths.upperBound) bytes.",
                why: "\(password.utf8.count) were given.",
                fix: "Take several words, or let a password manager make one.")
        }
        self.salt = salt
        rounds = Self.usualRounds
        key = try Self.derive(password, salt, rounds)
    }

    /// Whether it is the hash of `password`; takes as long whatever the answer.
    func matches(_ password: String) throws(GyreError) -> Bool {
        let other = try Self.derive(String(password.prefix(Self.lengths.upperBound)), salt, rounds)
        var difference: UInt8 = key.count == other.count ? 0 : 1
        for (left, right) in zip(key, other) { difference |= left ^ right }
        return difference == 0
    }

    private static func derive(_ password: String, _ salt: [UInt8], _ rounds: Int) throws(GyreError) -> [UInt8] {
        do {
            let key = try KDF.Scrypt.deriveKey(
                from: Array(password.utf8), salt: salt, outputByteCount: 32, rounds: rounds, blockSize: 8,
                parallelism: 1, maxMemory: 128 << 20)
            return unsafe key.withUnsafeBytes { unsafe Array($0) }
        } catch {
            throw GyreError(.internal, "A password cannot be hashed.", why: "\(error)")
        }
    }

    init(stored json: JSONValue) throws(GyreError) {
        let stored = StoredReader("password", json)
        salt = try Digest(hex: try stored.text("salt")).bytes
        rounds = Int(try stored.integer("rounds"))
        key = try Digest(hex: try stored.text("key")).bytes
    }

    var stored: JSONValue {
        [
            "scheme": "scrypt", "rounds": .int(Int64(rounds)), "salt": .string(Self.hex(salt)),
            "key": .string(Self.hex(key)),
        ]
    }

    private static func hex(_ bytes: [UInt8]) -> String { (try? Digest(bytes: bytes))?.hex ?? "" }
}
