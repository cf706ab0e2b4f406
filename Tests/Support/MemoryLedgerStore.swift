// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// The ledger in memory: fast for tests, and a second adapter that keeps the contract honest.
package actor MemoryLedgerStore: LedgerStore {
    private var chain: [RecordedFact] = []
    private var contents: [String: [String: JSONValue]] = [:]
    private var live: [Pointer.Name: JSONValue] = [:]
    private var positions: [String: Int64] = [:]
    private let now: @Sendable () -> Int64

    /// An empty ledger.
    package init(now: @escaping @Sendable () -> Int64) { self.now = now }

    @discardableResult
    package func commit(_ changes: [Change], recording facts: [Fact]) async throws(GyreError) -> [RecordedFact] {
        try write(changes, recording: facts)
    }

    @discardableResult
    private func write(_ changes: [Change], recording facts: [Fact]) throws(GyreError) -> [RecordedFact] {
        precondition(!facts.isEmpty || changes.isEmpty, "a change needs a fact that tells it")
        for fact in facts { try fact.checkIsPinned() }
        let (contentsBefore, liveBefore) = (contents, live)
        var moves: [PointerMove] = []
        for change in changes {
            do {
                if let move = try apply(change) { moves.append(move) }
            } catch {
                (contents, live) = (contentsBefore, liveBefore)
                throw error
            }
        }
        var recorded: [RecordedFact] = []
        for (index, fact) in facts.enumerated() {
            var fact = fact
            if index == 0, !moves.isEmpty { fact.body["moves"] = .array(moves.map(\.json)) }
            let last = chain.last
            let link = RecordedFact(
                seq: (last?.seq ?? 0) + 1, at: max(now(), last?.at ?? 0), fact: fact, following: last?.hash ?? .zero)
            chain.append(link)
            recorded.append(link)
        }
        return recorded
    }

    package func transact<Result: Sendable>(
        _ body: @escaping @Sendable (any LedgerTransaction) throws(GyreError) -> Proposal<Result>
    ) async throws(GyreError) -> Result {
        // Between reading and writing the actor does nothing else.
        let proposal = try body(Snapshot(contents: contents, live: live))
        try write(proposal.changes, recording: proposal.facts)
        return proposal.result
    }

    private struct Snapshot: LedgerTransaction {
        let contents: [String: [String: JSONValue]]
        let live: [Pointer.Name: JSONValue]

        func document(_ kind: String, _ key: String) throws(GyreError) -> Document? {
            contents[kind]?[key].map { Document(kind, key, $0) }
        }

        func documents(_ kind: String, prefix: String) throws(GyreError) -> [Document] {
            (contents[kind] ?? [:]).filter { $0.key.utf8.starts(with: prefix.utf8) }
                .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { Document(kind, $0.key, $0.value) }
        }

        func pointer(_ name: Pointer.Name) throws(GyreError) -> JSONValue? { live[name] }

        func pointers(prefix: String) throws(GyreError) -> [Pointer] {
            live.filter { $0.key.utf8.starts(with: prefix.utf8) }.sorted {
                $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
            }
            .map { Pointer($0.key, $0.value) }
        }
    }

    private func apply(_ change: Change) throws(GyreError) -> PointerMove? {
        switch change {
        case .put(let document): contents[document.kind, default: [:]][document.key] = document.body
        case .create(let document):
            guard contents[document.kind]?[document.key] == nil else {
                throw GyreError(
                    .alreadyExists, "The \(document.kind.replacing("-", with: " ")) \"\(document.key)\" exists already."
                )
            }
            contents[document.kind, default: [:]][document.key] = document.body
        case .remove(let kind, let key): contents[kind]?[key] = nil
        case .move(let name, let value): return set(name, value)
        case .moveIf(let name, let expected, let value):
            guard expected?.canonicalBytes == live[name]?.canonicalBytes else {
                throw GyreError(.conflict, "\"\(name)\" was not changed.", why: "Someone moved it meanwhile.")
            }
            return set(name, value)
        }
        return nil
    }

    private func set(_ name: Pointer.Name, _ value: JSONValue?) -> PointerMove {
        let old = live[name]
        live[name] = value
        return PointerMove(name, old: old ?? .null, new: value ?? .null)
    }

    package func document(_ kind: String, _ key: String) async throws(GyreError) -> Document? {
        contents[kind]?[key].map { Document(kind, key, $0) }
    }

    package func documents(
        _ kind: String, prefix: String, after: String?, limit: Int
    ) async throws(GyreError) -> [Document] {
        let keys = (contents[kind] ?? [:]).filter {
            $0.key.utf8.starts(with: prefix.utf8) && (after ?? "").utf8.lexicographicallyPrecedes($0.key.utf8)
        }
        return keys.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.prefix(limit)
            .map { Document(kind, $0.key, $0.value) }
    }

    package func pointer(_ name: Pointer.Name) async throws(GyreError) -> JSONValue? { live[name] }

    package func pointers(prefix: String) async throws(GyreError) -> [Pointer] {
        live.filter { $0.key.utf8.starts(with: prefix.utf8) }.sorted {
            $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
        }
        .map { Pointer($0.key, $0.value) }
    }

    package func namedDigests() async throws(GyreError) -> Set<Digest> {
        var found: Set<Digest> = []
        for body in contents.values.flatMap(\.values) + live.values { NamedDigests.collect(body.text, into: &found) }
        return found
    }

    package func position(of cursor: String) async throws(GyreError) -> Int64? { positions[cursor] }

    package func setPosition(of cursor: String, to seq: Int64) async throws(GyreError) { positions[cursor] = seq }

    package func facts(_ query: FactQuery) async throws(GyreError) -> [RecordedFact] {
        let hits = chain.filter { link in
            link.seq > query.after && link.seq <= query.upTo
                && (query.kindPrefix.map { link.fact.kind.hasPrefix($0) } ?? true)
                && (query.mentioning.map { ([link.fact.subject] + link.fact.inputs + link.fact.outputs).contains($0) }
                    ?? true)
        }
        return Array((query.isNewestFirst ? hits.reversed() : hits).prefix(query.limit))
    }

    package func hashes(after: Int64, upTo: Int64) async throws(GyreError) -> [(seq: Int64, hash: Digest)] {
        chain.filter { $0.seq > after && $0.seq <= upTo }.map { ($0.seq, $0.hash) }
    }

    package func head() async throws(GyreError) -> Head {
        Head(seq: chain.last?.seq ?? 0, hash: chain.last?.hash ?? .zero)
    }

    package func scan(_ body: @Sendable @escaping (ChainVerifier.Row) -> Void) async throws(GyreError) {
        for link in chain {
            let fact = link.fact
            let parts = HashChain.Parts(
                actor: fact.actor, kind: fact.kind, subject: fact.subject.description,
                inputs: JSONValue.strings(fact.inputs.map(\.description)).canonicalBytes,
                outputs: JSONValue.strings(fact.outputs.map(\.description)).canonicalBytes,
                body: fact.body.canonicalBytes)
            body(
                ChainVerifier.Row(
                    seq: link.seq, at: link.at, parts: parts, previousHash: link.previousHash.bytes,
                    hash: link.hash.bytes))
        }
    }
}
