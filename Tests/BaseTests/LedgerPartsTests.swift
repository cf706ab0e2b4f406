// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreTestSupport
import Testing

/// The values that the ledger is made of.
@Suite struct LedgerPartsTests {
    @Test("a tree has each path once, in their order, and is named by its content alone")
    func trees() throws {
        func entry(_ path: String, _ content: String) throws -> Tree.Entry {
            Tree.Entry(
                path: try RelativePath(path),
                blob: StoredBlob(digest: Digest(of: content), sizeBytes: Int64(content.utf8.count)))
        }
        let tree = try Tree([try entry("b", "two"), try entry("a/c", "one")])
        #expect(tree.entries.map(\.path.description) == ["a/c", "b"] && tree.sizeBytes == 6)
        #expect(try Tree([try entry("a/c", "one"), try entry("b", "two")]).digest == tree.digest)
        #expect(try Tree(json: tree.json) == tree)
        let twice = #expect(throws: GyreError.self) { try Tree([try entry("a", "1"), try entry("a", "2")]) }
        #expect(twice?.what.contains("twice") == true)
    }

    @Test(
        "what is stored and is no tree is refused",
        arguments: [
            "3", #"[{"path": "a"}]"#, #"[{"path": "../a", "sha256": "0", "size": 1}]"#,
            #"[{"path": "a", "sha256": "zz", "size": 1}]"#,
        ])
    func noTrees(text: String) throws {
        let json = try JSONValue(parsing: text)
        #expect(throws: GyreError.self) { try Tree(json: json) }
    }

    @Test("a head is read as it is printed")
    func heads() throws {
        let digest = Digest(of: "x")
        #expect(try Head(parsing: "7:\(digest.hex)") == Head(seq: 7, hash: digest))
        for text in ["", "7", "x:\(digest.hex)", "7:short", "7:\(digest.hex):1"] {
            #expect(throws: GyreError.self, "\(text)") { try Head(parsing: text) }
        }
    }

    // MARK: Verification

    private func rows(_ count: Int64) -> [ChainVerifier.Row] {
        var previous = Digest.zero
        return (1...count).map { seq in
            let parts = HashChain.Parts(
                actor: "a", kind: "k", subject: "thing/\(seq)", inputs: Array("[]".utf8), outputs: Array("[]".utf8),
                body: Array("{}".utf8))
            let hash = HashChain.hash(previous, HashChain.canonical(seq: seq, at: 0, parts: parts))
            defer { previous = hash }
            return ChainVerifier.Row(
                seq: seq, at: 0, parts: parts, previousHash: previous.bytes, hash: hash.bytes)
        }
    }

    private func verify(_ rows: [ChainVerifier.Row], head: Head? = nil) -> ChainVerifier {
        var verifier = ChainVerifier(recordedHead: head)
        for row in rows { verifier.add(row) }
        verifier.finish()
        return verifier
    }

    @Test("a chain that nobody touched verifies, and says how long it is")
    func intact() throws {
        let rows = rows(5)
        let verified = verify(rows, head: Head(seq: 5, hash: try Digest(bytes: rows[4].hash)))
        #expect(verified.findings.isEmpty && verified.json["intact"] == true && verified.json["facts"] == 5)
    }

    @Test("whatever single fact is taken away, the place is named")
    func removed() throws {
        let all = rows(6)
        for index in all.indices {
            var left = all
            left.remove(at: index)
            let head = Head(seq: 6, hash: try Digest(bytes: all[5].hash))
            let found = verify(left, head: head).findings
            #expect(found.first?.seq == Int64(index) + 1, "without fact \(index + 1): \(found)")
        }
        #expect(
            verify(Array(all.prefix(5))).findings.isEmpty, "a tail that was cut off shows by the recorded head alone")
    }

    @Test("several missing facts, a wrong order, a damaged hash and a rewritten past are told apart")
    func kinds() throws {
        let all = rows(6)
        let gap = verify([all[0], all[4], all[5]]).findings
        #expect(gap.first?.problem == "facts 2 to 4 are missing")
        let swapped = verify([all[1], all[0]]).findings
        #expect(swapped.contains { $0.problem.contains("stands where") })
        let broken = ChainVerifier.Row(
            seq: 1, at: 0, parts: all[0].parts, previousHash: [1, 2, 3], hash: all[0].hash)
        #expect(verify([broken]).findings.contains { $0.problem.contains("content does not give its hash") })
        let rewritten = verify(rows(3), head: Head(seq: 2, hash: .zero)).findings
        #expect(rewritten.map(\.seq) == [2])
    }

    @Test("one changed part of any fact is found", arguments: 0..<6)
    func changed(part: Int) {
        var all = rows(3)
        let old = all[1].parts
        let parts = HashChain.Parts(
            actor: part == 0 ? "b" : old.actor, kind: part == 1 ? "x" : old.kind,
            subject: part == 2 ? "thing/9" : old.subject, inputs: part == 3 ? Array("[\"a/b\"]".utf8) : old.inputs,
            outputs: part == 4 ? Array("[\"a/b\"]".utf8) : old.outputs,
            body: part == 5 ? Array("{\"a\":1}".utf8) : old.body)
        all[1] = ChainVerifier.Row(seq: 2, at: 0, parts: parts, previousHash: all[1].previousHash, hash: all[1].hash)
        #expect(verify(all).findings.map(\.seq) == [2])
    }

    @Test("a fact tells all of itself as JSON, and the canonical form of its parts is that of the whole")
    func facts() throws {
        let fact = Fact(
            "a.b", Ref("thing", "x"), by: "ann", inputs: [Ref("run", "r")], outputs: [Ref("model", "m", "1")],
            body: ["z": 1, "a": ["q": "é"]])
        let recorded = RecordedFact(seq: 1, at: 7, fact: fact, following: .zero)
        #expect(recorded.json["prev_hash"]?.string == Digest.zero.hex)
        #expect(recorded.json["hash"]?.string == recorded.hash.hex)
        #expect(recorded.json["outputs"] == ["model/m@1"])
        let parts = HashChain.Parts(
            actor: "ann", kind: "a.b", subject: "thing/x", inputs: Array("[\"run/r\"]".utf8),
            outputs: Array("[\"model/m@1\"]".utf8), body: fact.body.canonicalBytes)
        #expect(HashChain.canonical(seq: 1, at: 7, parts: parts) == HashChain.canonical(seq: 1, at: 7, fact: fact))
    }

    @Test("going back beyond the ends of the ledger is refused")
    func rollbackLimits() async throws {
        let store = MemoryLedgerStore(now: { 0 })
        try await store.commit([.move("p", to: 1)], recording: [Fact("a.b", Ref("thing", "x"), by: "ann")])
        for seq in [-1, 2] as [Int64] {
            let error = await #expect(throws: GyreError.self) { _ = try await RollbackPlan.compute(to: seq, in: store) }
            #expect(error?.code == .invalid)
        }
        let chosen = try await RollbackPlan.compute(to: 0, in: store) { $0 == "other" }
        #expect(chosen.moves.isEmpty)
        #expect(try await RollbackPlan.compute(to: 0, in: store).moves.count == 1)
    }
}
