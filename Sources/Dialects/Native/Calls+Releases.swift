// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP
internal import GyreLedger
internal import GyreLoop
internal import GyreReleases

extension NativeDialect {
    var releaseCalls: [NativeCall] {
        [
            NativeCall("GET", "/releases", "Releases, newest first.", query: ["endpoint"]) {
                request throws(GyreError) in
                ["releases": .array(try await services.releases.releases(of: request.query("endpoint")).map(\.json))]
            },
            NativeCall("GET", "/releases/{endpoint}/{number}", "All that a release pins.") {
                request throws(GyreError) in
                try await release(request).json
            },
            NativeCall("GET", "/releases/{endpoint}/{number}/diff", "What differs from another release.", query: ["to"])
            {
                request throws(GyreError) in
                let old = try await release(request)
                let new = try await services.releases.release(old.endpoint, Int(request.query("to") ?? "") ?? 0)
                let changes = services.releases.diff(old, new).map { change -> JSONValue in
                    ["name": .string(change.name), "old": change.old, "new": change.new]
                }
                return [
                    "from": .string(old.ref.description), "to": .string(new.ref.description),
                    "changes": .array(changes),
                ]
            },
            NativeCall(
                "POST", "/releases/{endpoint}/{number}/reproduce", "Makes it again from what it pins, and compares."
            ) {
                request throws(GyreError) in
                try await services.conductor.reproduce(try await release(request), by: request.actor)
            },
            NativeCall("POST", "/releases/{endpoint}/{number}/rollback", "Brings the endpoint to this release at once.")
            {
                request throws(GyreError) in
                let release = try await release(request)
                try await services.conductor.rollBack(to: release, by: request.actor)
                return release.json
            },
        ]
    }

    private func release(_ request: HTTPRequest) async throws(GyreError) -> Release {
        guard let number = Int(request.parameter("number")) else {
            throw GyreError(.invalid, "\"\(request.parameter("number").prefix(40))\" is no release's number.")
        }
        return try await services.releases.release(request.parameter("endpoint"), number)
    }

    var ledgerCalls: [NativeCall] {
        [
            NativeCall("GET", "/ledger", "Facts.", query: ["after", "up_to", "kind", "ref", "limit", "order"]) {
                request throws(GyreError) in
                var query = FactQuery()
                query.after = Int64(try request.number("after", default: 0, in: 0...Int.max))
                query.upTo = Int64(try request.number("up_to", default: Int.max, in: 0...Int.max))
                query.kindPrefix = request.query("kind")
                query.mentioning = try request.query("ref").map { text throws(GyreError) in try Ref(parsing: text) }
                query.limit = try request.number("limit", default: 100, in: 1...Limits.pageRows)
                query.isNewestFirst = request.query("order") != "oldest"
                return ["facts": .array(try await services.ledger.facts(query).map(\.json))]
            },
            NativeCall("GET", "/ledger/head", "The end of the chain.") { _ throws(GyreError) in
                let head = try await services.ledger.head()
                return ["seq": .int(head.seq), "hash": .string(head.hash.hex)]
            },
            NativeCall(
                "GET", "/ledger/verify", "Re-hashes the whole chain; a head that was written down shows a cut tail.",
                query: ["head"]
            ) {
                request throws(GyreError) in
                var head = services.recordedHead()
                if let text = request.query("head") {
                    let parts = text.split(separator: ":")
                    guard parts.count == 2, let seq = Int64(parts[0]) else {
                        throw GyreError(
                            .invalid, "\"\(text.prefix(100))\" is no head.",
                            fix: "Write it as SEQ:HASH, as gyre ledger head prints it.")
                    }
                    head = Head(seq: seq, hash: try Digest(hex: String(parts[1])))
                }
                let verifier = try await services.ledger.verify(recordedHead: head)
                return [
                    "intact": .bool(verifier.findings.isEmpty), "facts": .int(verifier.count),
                    "findings": .array(
                        verifier.findings.map { ["seq": .int($0.seq), "problem": .string($0.problem)] }),
                ]
            },
            NativeCall(
                "GET", "/lineage", "What a thing came from, or what was made of it.",
                query: ["ref", "direction", "as_of", "to"]
            ) {
                request throws(GyreError) in
                let ref = try Ref(parsing: request.query("ref") ?? "")
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
                    let path = try await lineage.path(from: ref, to: try Ref(parsing: to), asOf: seq)
                    return ["path": .array(path.map(json))]
                }
                let direction = Lineage.Direction(rawValue: request.query("direction") ?? "up") ?? .up
                let graph = try await lineage.walk(direction, from: ref, asOf: seq)
                return [
                    "root": .string(graph.root.description), "nodes": .strings(graph.nodes.map(\.description)),
                    "edges": .array(graph.edges.map(json)), "cut": .bool(graph.isCut),
                ]
            },
            NativeCall("POST", "/ledger/rollback", "Brings live pointers back to where they stood: {to, dry_run}.") {
                request throws(GyreError) in
                let body = try await request.json()
                let plan = try await RollbackPlan.compute(to: body["to"]?.int ?? -1, in: services.ledger)
                if body["dry_run"]?.bool != true { try await services.conductor.carryOut(plan, by: request.actor) }
                return ["to": .int(plan.seq), "moves": .array(plan.moves.map(\.json))]
            },
            NativeCall("GET", "/doctor", "What is installed, and what to do for each thing missing.") {
                _ throws(GyreError) in
                await services.doctor()
            },
        ]
    }
}
