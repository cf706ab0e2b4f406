// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreLedger
internal import GyreRegistry
internal import GyreTracking
internal import GyreUpkeep

extension NativeDialect {
    /// Removing what was deleted, and looking whether what is kept is whole.
    var upkeepCalls: [NativeCall] {
        [
            NativeCall(
                "POST", "/gc", .administer,
                "Removes for good what was deleted long enough ago: {deleted_for_seconds, grace_seconds, dry_run}.",
                takes: API.CollectRequest.self, hasDryRun: true, collectGarbage),
            NativeCall(
                "GET", "/blobs", .administer, "The digests of all blobs in order.", query: ["after", "limit"], listBlobs
            ),
            NativeCall(
                "POST", "/blobs/verify", .administer, "Reads blobs again and tells which are damaged: {blobs}.",
                takes: API.BlobsRequest.self, verifyBlobs),
            NativeCall(
                "GET", "/models/{name}/history", .read(.model, "name"), "Who changed what and why, newest first.",
                query: ["limit"],
                showModelHistory),
            NativeCall(
                "POST", "/models/{name}/undo", .operate(.model, "name").asking("alias", .model, "name"),
                "Takes one change back: {seq}.",
                takes: API.UndoRequest.self,
                hasDryRun: true, undo),
        ]
    }

    /// A model by its name, also one that was deleted or has another name now: its facts stay.
    private func modelOrPast(_ text: String) async throws(GyreError) -> String {
        let name = Names.bare(text, "model")
        var query = FactQuery(mentioning: Ref("model", name))
        query.limit = 1
        if try await !services.ledger.facts(query).isEmpty { return name }
        return try await names.model(name).name
    }

    /// Reads a whole blob, which checks it against its digest; gives its bytes, and what is wrong with it.
    private func verify(_ hex: String) async -> (bytes: Int64, damage: JSONValue?) {
        var bytes: Int64 = 0
        do {
            let reader = try await services.blobs.reader(try Digest(hex: hex))
            while let piece = try await reader.next() { bytes += Int64(piece.count) }
            return (bytes, nil)
        } catch {
            return (bytes, ["sha256": .string(hex), "what": .string(error.what), "why": .optional(error.why)])
        }
    }

    /// A hundred years.
    private static let longestSeconds: Int64 = 3_155_760_000

    private static func seconds(
        _ seconds: Int64?, _ name: String, default fallback: Int64
    ) throws(GyreError) -> Int64 {
        guard let seconds else { return fallback }
        guard (0...longestSeconds).contains(seconds) else {
            throw GyreError(
                .invalid, "\(seconds) is no value for \"\(name)\".",
                why: "It is a whole number of seconds, at most \(longestSeconds).")
        }
        return seconds
    }

    private static func json(_ plan: Retention.Plan) -> JSONValue {
        [
            "runs": .array(plan.runs.map { ["id": .string($0.id), "name": .string($0.name)] }),
            "experiments": .array(plan.experiments.map { ["id": .string(String($0.id)), "name": .string($0.name)] }),
            "logged_models": .array(plan.loggedModels.map { ["id": .string($0.id), "name": .string($0.name)] }),
            "kept": .array(
                plan.kept.map {
                    ["what": .string($0.what.description), "needed_by": .string($0.neededBy.description)]
                }),
        ]
    }

    private func collectGarbage(_ request: NativeRequest<API.CollectRequest>) async throws(GyreError) -> JSONValue {
        let body = request.body
        let seconds = try Self.seconds(body.deletedForSeconds, "deleted_for_seconds", default: 30 * 86_400)
        let grace = try Self.seconds(body.graceSeconds, "grace_seconds", default: 3600)
        if request.isDryRun {
            return Self.json(try await services.retention.plan(deletedFor: seconds))
        }
        let outcome = try await services.retention.collect(
            deletedFor: seconds, graceSeconds: grace, by: request.actor)
        var answer = Self.json(outcome.plan)
        answer["blobs"] = .int(Int64(outcome.blobs))
        answer["freed_bytes"] = .int(outcome.freedBytes)
        return answer
    }

    private func listBlobs(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let limit = try request.number("limit", default: 1000, in: 1...10_000)
        let after = try request.query("after").map { text throws(GyreError) in try Digest(hex: text) }
        let all = try await services.blobs.all()
        let rest = after.map { after in all.drop { $0 <= after } } ?? all[...]
        return [
            "blobs": .strings(rest.prefix(limit).map(\.hex)), "total": .int(Int64(all.count)),
        ]
    }

    private func verifyBlobs(_ request: NativeRequest<API.BlobsRequest>) async throws(GyreError) -> JSONValue {
        let digests = request.body.blobs ?? []
        guard digests.count <= 1000 else {
            throw GyreError(.invalid, "At most 1000 blobs are read in one call.")
        }
        var damaged: [JSONValue] = []
        var bytes: Int64 = 0
        for hex in digests {
            let (read, damage) = await verify(hex)
            bytes += read
            if let damage { damaged.append(damage) }
        }
        return ["bytes": .int(bytes), "damaged": .array(damaged)]
    }

    private func showModelHistory(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let limit = try request.number("limit", default: 100, in: 1...5000)
        let facts = try await services.registry.history(
            of: try await modelOrPast(request.parameter("name")), limit: limit)
        return ["facts": .array(facts.map(\.json))]
    }

    private func undo(_ request: NativeRequest<API.UndoRequest>) async throws(GyreError) -> JSONValue {
        let name = try await modelOrPast(request.parameter("name"))
        let seq = request.body.seq
        if request.isDryRun { return Self.dry(try await services.registry.undoable(seq, of: name).json) }
        return try await services.registry.undo(seq, of: name, by: request.actor).json
    }
}
