// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Re-hashes a chain link by link and tells what does not fit, each with its `seq`.
///
/// A state machine: give it the stored rows in their order, then ask for the findings.
package struct ChainVerifier: Sendable {
    /// One thing that does not fit.
    package struct Finding: Sendable, Hashable {
        /// The place in the chain.
        package let seq: Int64
        /// What is wrong there.
        package let problem: String

        /// A finding at a place.
        package init(seq: Int64, problem: String) {
            self.seq = seq
            self.problem = problem
        }
    }

    /// One stored row, unparsed.
    package struct Row: Sendable {
        /// Stored place.
        package let seq: Int64
        /// Stored time.
        package let at: Int64
        /// Stored parts.
        package let parts: HashChain.Parts
        /// Stored hash of the row before.
        package let previousHash: [UInt8]
        /// Stored hash.
        package let hash: [UInt8]

        /// A row as it was read.
        package init(seq: Int64, at: Int64, parts: HashChain.Parts, previousHash: [UInt8], hash: [UInt8]) {
            self.seq = seq
            self.at = at
            self.parts = parts
            self.previousHash = previousHash
            self.hash = hash
        }
    }

    /// What was found; at most `maximumFindings`.
    package private(set) var findings: [Finding] = []
    /// Rows seen.
    package private(set) var count: Int64 = 0
    private var lastSeq: Int64 = 0
    private var lastHash = Digest.zero.bytes
    private let recordedHead: Head?
    private let checkpoints: [Int64: Checkpoint]
    /// Only grown where there is something to compare it with.
    private var tree = MerkleTree()
    /// How many signed states fit.
    package private(set) var signed = 0
    private let maximumFindings = 100

    /// A verifier at the start of a chain.
    ///
    /// `recordedHead`: an end that was written down outside of the chain; shows a tail that was cut off or rewritten. `checkpoints`: states
    /// whose signatures were checked.
    package init(recordedHead: Head? = nil, checkpoints: [Checkpoint] = []) {
        self.recordedHead = recordedHead
        self.checkpoints = Dictionary(checkpoints.map { ($0.size, $0) }, uniquingKeysWith: { $1 })
    }

    /// Looks at the next row.
    package mutating func add(_ row: Row) {
        count += 1
        let expected = lastSeq + 1
        if row.seq != expected {
            let missing =
                row.seq > expected + 1
                ? "facts \(expected) to \(row.seq - 1) are missing" : "fact \(expected) is missing"
            report(expected, row.seq > expected ? missing : "fact \(row.seq) stands where \(expected) belongs")
        } else if row.previousHash != lastHash {
            report(row.seq, "it does not follow fact \(lastSeq): another fact was here, or the order was changed")
        }
        let canonical = HashChain.canonical(seq: row.seq, at: row.at, parts: row.parts)
        // A hash of another length is reported as changed, below.
        if let previous = try? Digest(bytes: row.previousHash) {
            if HashChain.hash(previous, canonical).bytes != row.hash {
                report(row.seq, "its content does not give its hash")
            }
        } else {
            report(row.seq, "its content does not give its hash")
        }
        if row.seq == recordedHead?.seq, row.hash != recordedHead?.hash.bytes {
            report(row.seq, "its hash is not the recorded one: the facts up to here were rewritten")
        }
        lastSeq = row.seq
        lastHash = row.hash
        guard !checkpoints.isEmpty, let hash = try? Digest(bytes: row.hash) else { return }
        tree.append(hash)
        guard let checkpoint = checkpoints[row.seq] else { return }
        if checkpoint.root == tree.root, checkpoint.head == hash {
            signed += 1
        } else {
            report(row.seq, "the ledger was signed in another state: facts up to here were rewritten since")
        }
    }

    /// Looks at the end of the chain, after the last row.
    package mutating func finish() {
        if let longest = checkpoints.keys.max(), longest > lastSeq {
            report(lastSeq + 1, "the chain ends at \(lastSeq), but \(longest) facts were signed: the tail was cut off")
        }
        guard let recordedHead else { return }
        if lastSeq < recordedHead.seq {
            report(
                lastSeq + 1,
                "the chain ends at \(lastSeq), but \(recordedHead.seq) facts were recorded: the tail was cut off")
        }
    }

    /// What was found, as the native API and the command line tell it.
    package var json: JSONValue {
        [
            "intact": .bool(findings.isEmpty), "facts": .int(count), "signed": .int(Int64(signed)),
            "findings": .array(findings.map { ["seq": .int($0.seq), "problem": .string($0.problem)] }),
        ]
    }

    private mutating func report(_ seq: Int64, _ problem: String) {
        if findings.count < maximumFindings { findings.append(Finding(seq: seq, problem: problem)) }
    }
}

/// The end of a chain.
package struct Head: Sendable, Hashable {
    /// Place of the last fact; 0 for an empty chain.
    package let seq: Int64
    /// Its hash; zero for an empty chain.
    package let hash: Digest

    /// The end at `seq`.
    package init(seq: Int64, hash: Digest) {
        self.seq = seq
        self.hash = hash
    }

    /// The end written as `SEQ:HASH`.
    /// - Throws: `.invalid` for anything else.
    package init(parsing text: String) throws(GyreError) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let seq = Int64(parts[0]) else {
            throw GyreError(
                .invalid, "\"\(text.prefix(100))\" is no head.",
                fix: "Write it as SEQ:HASH, as gyre ledger head prints it.")
        }
        self.init(seq: seq, hash: try Digest(hex: String(parts[1])))
    }
}
