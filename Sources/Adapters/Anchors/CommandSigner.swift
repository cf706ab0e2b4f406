// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
package import GyreLedger
internal import Subprocess

/// Signs by a program that has the key: it reads the text and writes the signature in base64.
package struct CommandSigner: CheckpointSigner {
    private let command: String
    package let key: Checkpoint.PublicKey

    /// A signer by `command`, a line for the shell; `key` checks what it signs.
    package init(command: String, key: Checkpoint.PublicKey) {
        self.command = command
        self.key = key
    }

    package func sign(_ text: String) async throws(GyreError) -> [UInt8] {
        do {
            let result = try await Subprocess.run(
                .name("sh"), arguments: ["-c", command], input: .string(text), output: .string(limit: 4096),
                error: .discarded)
            guard result.terminationStatus.isSuccess,
                let data = Data(base64Encoded: result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines)),
                data.count == 64
            else {
                throw GyreError(
                    .unavailable, "The command that signs the ledger gave no signature.",
                    why: "It ended with \(result.terminationStatus); 64 bytes in base64 are wanted.")
            }
            return [UInt8](data)
        } catch {
            throw GyreError.wrapping(error, "Signing the ledger by a command")
        }
    }
}
