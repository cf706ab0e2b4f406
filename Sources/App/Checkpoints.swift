// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAnchors
internal import GyreBase
internal import GyreLedger

/// Signs the state of a ledger from time to time, keeps what it signed, and tells the anchors.
actor Checkpoints {
    private let ledger: any LedgerStore
    private let folder: CheckpointFolder
    private let signer: any CheckpointSigner
    private let anchors: [Anchor]
    private let now: @Sendable () -> Int64
    private let report: @Sendable (String) -> Void
    private var tree = MerkleTree()
    private var lastHash = Digest.zero
    private var lastSize: Int64
    private var lastAt: Int64 = 0
    /// What the anchors have not been told yet.
    private var untold: [String] = []

    /// Facts after which a state is signed, and microseconds after which one is that changed.
    private static let (mostFacts, longest): (Int64, Int64) = (1000, 300_000_000)
    private static let page: Int64 = 50_000

    init(
        ledger: any LedgerStore, folder: String, signer: any CheckpointSigner, anchors: [Anchor],
        now: @escaping @Sendable () -> Int64, report: @escaping @Sendable (String) -> Void
    ) {
        self.ledger = ledger
        self.folder = CheckpointFolder(folder)
        self.signer = signer
        self.anchors = anchors
        self.now = now
        self.report = report
        lastSize = self.folder.sizes().last ?? 0
    }

    nonisolated var key: Checkpoint.PublicKey { signer.key }

    /// Signs where enough has come or enough time has gone.
    func tick() async throws(GyreError) {
        let head = try await ledger.head()
        if head.seq - lastSize >= Self.mostFacts || (head.seq > lastSize && now() - lastAt >= Self.longest) {
            _ = try await sign()
        }
        try await tellAnchors()
    }

    /// Signs the state as it is now.
    /// - Returns: the note.
    func sign() async throws(GyreError) -> String {
        let head = try await ledger.head()
        guard head.seq > 0 else { throw GyreError(.conflict, "The ledger is empty.") }
        if head.seq == lastSize, let known = folder.note(lastSize) { return known }
        while tree.size < head.seq {
            let hashes = try await ledger.hashes(after: tree.size, upTo: min(head.seq, tree.size + Self.page))
            guard !hashes.isEmpty else { throw GyreError(.corrupt, "The ledger has a gap.", fix: "gyre ledger verify") }
            // Another call may have gone on meanwhile.
            for (seq, hash) in hashes where seq == tree.size + 1 {
                tree.append(hash)
                lastHash = hash
            }
        }
        let checkpoint = Checkpoint(
            origin: signer.key.name, size: tree.size, root: tree.root, head: lastHash, at: now())
        let note = checkpoint.note(signature: try await signer.sign(checkpoint.text), key: signer.key)
        try folder.keep(note, size: checkpoint.size)
        lastSize = checkpoint.size
        lastAt = now()
        if !anchors.isEmpty { untold.append(note) }
        return note
    }

    private func tellAnchors() async throws(GyreError) {
        while let note = untold.first {
            for anchor in anchors { try await anchor.tell(note) }
            if untold.first == note { untold.removeFirst() }
        }
    }

    /// What proves that a fact is in the signed ledger; signs first where no signed state has it.
    func prove(_ seq: Int64) async throws(GyreError) -> Inclusion {
        var query = FactQuery()
        query.after = seq - 1
        query.limit = 1
        guard let fact = try await ledger.facts(query).first, fact.seq == seq else {
            throw GyreError(.notFound, "There is no fact \(seq).", fix: "gyre ledger log")
        }
        if lastSize < seq { _ = try await sign() }
        let sizes = folder.sizes()
        guard let size = sizes.first(where: { $0 >= seq }), let note = folder.note(size) else {
            throw GyreError(.notFound, "No signed state has the fact \(seq).")
        }
        var hashes: [Digest] = []
        while Int64(hashes.count) < size {
            let page = try await ledger.hashes(
                after: Int64(hashes.count), upTo: min(size, Int64(hashes.count) + Self.page))
            guard !page.isEmpty else { throw GyreError(.corrupt, "The ledger has a gap.", fix: "gyre ledger verify") }
            hashes += page.map(\.hash)
        }
        return Inclusion(
            fact: fact, path: MerkleTree.path(to: Int(seq - 1), in: hashes[...]), note: note, size: size,
            key: signer.key)
    }
}
