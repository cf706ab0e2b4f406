// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAnchors
internal import GyreBase
internal import GyreLedger

/// The signed states of a home that say the truth about who signed them, and what is wrong with the others.
struct SignedStates: Sendable {
    let good: [Checkpoint]
    private let problems: [ChainVerifier.Finding]

    /// Reads those of a home.
    ///
    /// `key` takes the place of the home's own, and `file` has further notes.
    init(home: String, key: String? = nil, file: String? = nil) {
        var (good, problems): ([Checkpoint], [ChainVerifier.Finding]) = ([], [])
        let folder = CheckpointFolder(home + "/checkpoints")
        let sizes = folder.sizes()
        var notes = sizes.compactMap { size in folder.note(size).map { (size, $0) } }
        if let file, let data = FileManager.default.contents(atPath: file) {
            // Notes follow each other with an empty line between; each has one inside of it too.
            let parts = String(decoding: data, as: UTF8.self).components(separatedBy: "\n\n")
            for index in stride(from: 0, to: parts.count - 1, by: 2) {
                let text = parts[index].trimmingCharacters(in: .newlines) + "\n\n" + parts[index + 1]
                notes.append((Int64(text.split(separator: "\n").dropFirst().first ?? "") ?? 0, text + "\n"))
            }
        } else if let file {
            problems.append(ChainVerifier.Finding(seq: 0, problem: "the file \(file) of signed states cannot be read"))
        }
        let text =
            key
            ?? FileManager.default.contents(atPath: home + "/ledger.pub").map { String(decoding: $0, as: UTF8.self) }
        do throws(GyreError) {
            if let text {
                let known = try Checkpoint.PublicKey(parsing: text.trimmingCharacters(in: .whitespacesAndNewlines))
                for (size, note) in notes {
                    do throws(GyreError) { good.append(try Checkpoint(note: note, key: known)) } catch {
                        problems.append(
                            ChainVerifier.Finding(seq: size, problem: "\(error.what) \(error.why ?? "")"))
                    }
                }
            } else if !notes.isEmpty {
                problems.append(
                    ChainVerifier.Finding(seq: 0, problem: "there are signed states, and no key to check them with"))
            }
        } catch {
            problems.append(ChainVerifier.Finding(seq: 0, problem: error.description))
        }
        self.good = good
        self.problems = problems
    }

    /// What was found, with what is wrong with the signatures.
    func told(_ verifier: ChainVerifier) -> JSONValue {
        var json = verifier.json
        guard !problems.isEmpty else { return json }
        let more = problems.map { finding -> JSONValue in
            ["seq": .int(finding.seq), "problem": .string(finding.problem)]
        }
        json["intact"] = false
        json["findings"] = .array((json["findings"]?.array ?? []) + more)
        return json
    }
}
