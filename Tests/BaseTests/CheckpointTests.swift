// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import Testing

/// Signed states of a ledger, and proofs by them.
@Suite struct CheckpointTests {
    private static func hashes(_ count: Int) -> [Digest] { (0..<count).map { Digest(of: "fact \($0)") } }

    private static func root(_ hashes: [Digest]) -> Digest {
        var tree = MerkleTree()
        for hash in hashes { tree.append(hash) }
        return tree.root
    }

    /// The root as RFC 6962 defines it, part by part.
    private static func plainRoot(_ hashes: ArraySlice<Digest>) -> Digest {
        if hashes.isEmpty { return Digest(of: [UInt8]()) }
        if hashes.count == 1, let only = hashes.first { return Digest(of: [0] + only.bytes) }
        var half = 1
        while half * 2 < hashes.count { half *= 2 }
        return Digest(of: [1] + plainRoot(hashes.prefix(half)).bytes + plainRoot(hashes.dropFirst(half)).bytes)
    }

    /// The root that a path leads to.
    private static func climb(_ hash: Digest, _ index: Int, _ size: Int, _ path: [Digest]) -> Digest? {
        var (digest, index, last) = (Digest(of: [0] + hash.bytes), index, size - 1)
        for sister in path {
            guard last > 0 else { return nil }
            if index % 2 == 1 || index == last {
                digest = Digest(of: [1] + sister.bytes + digest.bytes)
                while index != 0, index % 2 == 0 { (index, last) = (index / 2, last / 2) }
            } else {
                digest = Digest(of: [1] + digest.bytes + sister.bytes)
            }
            (index, last) = (index / 2, last / 2)
        }
        return last == 0 ? digest : nil
    }

    @Test("the root is that of RFC 6962 at every size, and every fact has a path to it", arguments: 0...33)
    func tree(size: Int) {
        let hashes = Self.hashes(size)
        let root = Self.root(hashes)
        #expect(root == Self.plainRoot(hashes[...]))
        for index in hashes.indices {
            let path = MerkleTree.path(to: index, in: hashes[...])
            #expect(Self.climb(hashes[index], index, size, path) == root)
            #expect(Self.climb(Digest(of: "another"), index, size, path) != root)
        }
    }

    @Test("a note is read back with the key that signed it, and with no other, and not when it was changed")
    func notes() async throws {
        let signer = try KeySigner(name: "ledger", secret: [UInt8](repeating: 3, count: 32))
        let other = try KeySigner(name: "ledger", secret: [UInt8](repeating: 4, count: 32))
        let state = Checkpoint(origin: "ledger", size: 7, root: Digest(of: "r"), head: Digest(of: "h"), at: 1_000_000)
        let note = state.note(signature: try await signer.sign(state.text), key: signer.key)
        #expect(try Checkpoint(note: note, key: signer.key) == state)
        #expect(try Checkpoint.PublicKey(parsing: signer.key.text) == signer.key)
        #expect(throws: GyreError.self) { try Checkpoint(note: note, key: other.key) }
        for changed in [
            note.replacing("\n7\n", with: "\n8\n"), note.replacing("ledger\n7", with: "other\n7"),
            String(note.dropLast(9)), "",
        ] {
            #expect(throws: GyreError.self) { try Checkpoint(note: changed, key: signer.key) }
        }
        #expect(throws: GyreError.self) { try KeySigner(name: nil, secret: [1]) }
        #expect(throws: GyreError.self) { try Checkpoint.PublicKey(parsing: "a+b+c") }
    }

    @Test("a chain that was rewritten, or cut, does not fit what was signed")
    func verifying() {
        func rows(_ words: [String]) -> [ChainVerifier.Row] {
            var previous = Digest.zero
            return words.enumerated().map { index, word in
                let parts = HashChain.Parts(
                    actor: word, kind: "k", subject: "a/b", inputs: Array("[]".utf8), outputs: Array("[]".utf8),
                    body: Array("{}".utf8))
                let hash = HashChain.hash(previous, HashChain.canonical(seq: Int64(index + 1), at: 1, parts: parts))
                defer { previous = hash }
                return ChainVerifier.Row(
                    seq: Int64(index + 1), at: 1, parts: parts, previousHash: previous.bytes, hash: hash.bytes)
            }
        }
        func verified(_ rows: [ChainVerifier.Row], _ checkpoint: Checkpoint) -> ChainVerifier {
            var verifier = ChainVerifier(checkpoints: [checkpoint])
            for row in rows { verifier.add(row) }
            verifier.finish()
            return verifier
        }
        let honest = rows(["ann", "bob", "cleo"])
        let hashes = honest.compactMap { try? Digest(bytes: $0.hash) }
        let signed = Checkpoint(origin: "l", size: 3, root: Self.root(hashes), head: hashes[2], at: 1)
        #expect(verified(honest + [], signed).findings.isEmpty && verified(honest, signed).signed == 1)
        #expect(
            verified(rows(["ann", "eve", "cleo"]), signed).findings.map(\.seq) == [3],
            "a chain that is whole, and another one")
        #expect(verified(Array(honest.prefix(2)), signed).findings.map(\.seq) == [3])
        #expect(
            verified(rows(["ann", "bob", "cleo", "dan"]), signed).findings.isEmpty, "what came after was not signed yet"
        )
    }
}
