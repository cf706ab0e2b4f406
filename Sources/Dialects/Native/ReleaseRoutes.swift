// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreLedger
internal import GyreLoop
internal import GyreReleases
internal import GyreRollout

extension NativeDialect {
    var releaseCalls: [NativeCall] {
        [
            NativeCall(
                "GET", "/releases", .read(.endpoint, "endpoint"), "Releases, newest first.", query: ["endpoint"],
                listReleases),
            NativeCall(
                "GET", "/releases/{endpoint}/{number}", .read(.endpoint, "endpoint"), "All that a release pins.",
                showRelease),
            NativeCall(
                "GET", "/releases/{endpoint}/{number}/diff", .read(.endpoint, "endpoint"),
                "What differs from another release.", query: ["to"]
            ) {
                request throws(GyreError) in
                let old = try await release(request)
                let new = try await names.release(old.endpoint, request.query("to") ?? "latest")
                let changes = services.releases.diff(old, new).map { change -> JSONValue in
                    ["name": .string(change.name), "old": change.old, "new": change.new]
                }
                return [
                    "from": .string(old.ref.description), "to": .string(new.ref.description),
                    "changes": .array(changes),
                ]
            },
            NativeCall(
                "POST", "/releases/{endpoint}/{number}/reproduce", .read(.endpoint, "endpoint").and(.runCode),
                "Makes it again from what it pins, and compares.",
                takes: API.ReasonRequest.self, hasDryRun: true, reproduce),
            NativeCall(
                "POST", "/releases/{endpoint}/{number}/rollback",
                .operate(.endpoint, "endpoint").asking("rollback", .endpoint, "endpoint"),
                "Brings the endpoint to this release at once.",
                takes: API.ReasonRequest.self, hasDryRun: true, rollBack),
        ]
    }

    private func release(_ request: HTTPRequest) async throws(GyreError) -> Release {
        try await names.release(request.parameter("endpoint"), request.parameter("number"))
    }

    private func named(_ text: String?) async throws(GyreError) -> Ref? {
        guard let text else { return nil }
        return try await names.mentioned(text)
    }

    var ledgerCalls: [NativeCall] {
        [
            NativeCall(
                "GET", "/ledger", .read, "Facts.", query: ["after", "up_to", "kind", "ref", "limit", "order"], listFacts
            ),
            NativeCall("GET", "/ledger/head", .read, "The end of the chain.", showHead),
            NativeCall("GET", "/ledger/key", .read, "What checks the ledger's signatures.") { _ throws(GyreError) in
                ["key": .string(services.signing.key.text)]
            },
            NativeCall(
                "POST", "/ledger/checkpoints", .operate, "Signs the ledger as it is now.", takes: API.NoBody.self
            ) { _ throws(GyreError) in ["checkpoint": .string(try await services.signing.sign())] },
            NativeCall(
                "GET", "/ledger/facts/{seq}", .administer,
                "One fact, with what it says of people opened where that was not erased.", showFact),
            NativeCall(
                "GET", "/ledger/facts/{seq}/proof", .read, "What proves that a fact is in the signed ledger."
            ) { request throws(GyreError) in
                guard let seq = Int64(request.parameter("seq")), seq > 0 else {
                    throw GyreError(.invalid, "A fact's place is a whole number from 1 on.")
                }
                return try await services.signing.prove(seq).json
            },
            NativeCall(
                "GET", "/ledger/verify", .read,
                "Re-hashes the whole chain; a head that was written down shows a cut tail.",
                query: ["head"], verifyLedger),
            NativeCall(
                "GET", "/lineage", .read, "What a thing came from, or what was made of it.",
                query: ["ref", "direction", "as_of", "to"], showLineage),
            NativeCall(
                "POST", "/ledger/rollback", .operate.asking("rollback", .endpoint, "endpoint"),
                "Brings live pointers back to where they stood: {to, dry_run}.",
                takes: API.LedgerRollbackRequest.self, hasDryRun: true, rollBackLedger),
            NativeCall(
                "GET", "/home", .signedIn,
                "Which home is served: its path, the folder's device and inode, and an id of this run.",
                showHome),
            NativeCall(
                "GET", "/doctor", .read, "What is installed, and what to do for each thing missing.", showDoctor),
        ]
    }

    private func listReleases(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        guard let text = request.query("endpoint") else {
            return ["releases": .array(try await services.releases.releases(of: nil).map(\.json))]
        }
        let own = try await services.releases.releases(of: Names.bare(text, "endpoint"))
        // An endpoint may serve nothing yet and still be one; a name that is neither is a mistake.
        if own.isEmpty { _ = try await names.endpoint(text) }
        return ["releases": .array(own.map(\.json))]
    }

    private func showRelease(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        try await release(request).json
    }

    private func reproduce(_ request: NativeRequest<API.ReasonRequest>) async throws(GyreError) -> JSONValue {
        let release = try await release(request.http)
        if request.isDryRun {
            return try await services.conductor.planReproduction(of: release, by: request.actor)
        }
        return try await services.conductor.reproduce(release, by: request.actor)
    }

    private func rollBack(_ request: NativeRequest<API.ReasonRequest>) async throws(GyreError) -> JSONValue {
        let release = try await release(request.http)
        if request.isDryRun {
            try await services.rollouts.checkNotFrozen(release.endpoint)
            return Self.dry(release.json)
        }
        try await services.conductor.rollBack(to: release, by: request.actor)
        return release.json
    }

    private func listFacts(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        var query = FactQuery()
        query.after = Int64(try request.number("after", default: 0, in: 0...Int.max))
        query.upTo = Int64(try request.number("up_to", default: Int.max, in: 0...Int.max))
        query.kindPrefix = request.query("kind")
        query.mentioning = try await named(request.query("ref"))
        query.limit = try request.number("limit", default: 100, in: 1...Limits.pageRows)
        query.isNewestFirst = request.query("order") != "oldest"
        return ["facts": .array(try await services.ledger.facts(query).map(\.json))]
    }

    private func showFact(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        var query = FactQuery()
        query.limit = 1
        query.after = (Int64(request.parameter("seq")) ?? 0) - 1
        guard query.after >= 0, let fact = try await services.ledger.facts(query).first, fact.seq == query.after + 1
        else { throw GyreError(.notFound, "There is no fact \"\(request.parameter("seq").prefix(40))\".") }
        var json = fact.json
        func opened(_ sealed: JSONValue?) -> JSONValue? {
            sealed.flatMap { services.personal.open($0, of: fact.fact.actor) }
        }
        json["personal"] = opened(fact.fact.body["personal"]) ?? opened(fact.fact.body["caller"]?["personal"]) ?? .null
        return json
    }

    private func showHead(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let head = try await services.ledger.head()
        return ["seq": .int(head.seq), "hash": .string(head.hash.hex)]
    }

    private func verifyLedger(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        var head = services.recordedHead()
        if let text = request.query("head") {
            head = try Head(parsing: text)
        }
        return try await services.signing.verify(head)
    }

    private func showLineage(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let ref = try await names.ref(request.query("ref") ?? "")
        let lineage = Lineage(store: services.ledger)
        let seq = Int64(try request.number("as_of", default: Int.max, in: 0...Int.max))
        func json(_ edge: Lineage.Edge) -> JSONValue {
            [
                "input": .string(edge.input.description), "output": .string(edge.output.description),
                "kind": .string(edge.kind),
                "seq": .int(edge.seq),
            ]
        }
        if let to = request.query("to") {
            let path = try await lineage.path(from: ref, to: try await names.ref(to), asOf: seq)
            return ["root": .string(ref.description), "path": .array(path.map(json))]
        }
        guard let direction = Lineage.Direction(rawValue: request.query("direction") ?? "up") else {
            throw GyreError(.invalid, "\"\(request.query("direction") ?? "")\" is neither up nor down.")
        }
        let graph = try await lineage.walk(direction, from: ref, asOf: seq)
        return [
            "root": .string(graph.root.description), "nodes": .strings(graph.nodes.map(\.description)),
            "edges": .array(graph.edges.map(json)), "cut": .bool(graph.isCut),
        ]
    }

    private func rollBackLedger(
        _ request: NativeRequest<API.LedgerRollbackRequest>
    ) async throws(GyreError) -> JSONValue {
        let plan = try await RollbackPlan.compute(to: request.body.to, in: services.ledger)
        if !request.isDryRun { try await services.conductor.carryOut(plan, by: request.actor) }
        return ["to": .int(plan.seq), "moves": .array(plan.moves.map(\.json))]
    }

    private func showHome(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        services.home()
    }

    private func showDoctor(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        await services.doctor()
    }
}
