// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreFeatures
internal import GyreHTTP
internal import GyreLedger
internal import GyreLoop
internal import GyreQuality
internal import GyreVersioning

extension NativeDialect {
    /// Blobs come and go as bytes, not as JSON.
    var blobRoutes: [Route] {
        [
            Route("POST", Self.root + "/blobs", store),
            Route("GET", Self.root + "/blobs/{digest}") { request throws(GyreError) in
                let digest = try Digest(hex: request.parameter("digest"))
                let size = try await services.blobs.size(digest)
                let reader = try await services.blobs.reader(digest)
                return HTTPResponse(
                    headers: [("content-type", "application/octet-stream"), ("x-content-type-options", "nosniff")],
                    body: .stream(sizeBytes: size) { try await reader.next() })
            },
        ]
    }

    private func store(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let writer = try await services.blobs.writer()
        do {
            try await request.body.pieces(limit: Limits.artifactBytes) { try await writer.write($0) }
        } catch {
            await writer.abandon()
            throw error
        }
        let blob = try await writer.finish()
        return .json(["sha256": .string(blob.digest.hex), "size": .int(blob.sizeBytes)])
    }

    var dataCalls: [NativeCall] {
        [
            NativeCall("GET", "/datasets", "All dataset versions, newest first.") { _ throws(GyreError) in
                ["versions": .array(try await services.versioning.log(nil).map { brief($0) })]
            },
            NativeCall("GET", "/datasets/{name}", "The versions of a dataset, newest first.") {
                request throws(GyreError) in
                let log = try await services.versioning.log(request.parameter("name"))
                guard !log.isEmpty else {
                    throw GyreError(
                        .notFound, "No dataset is named \"\(request.parameter("name"))\".", fix: "gyre data list")
                }
                let accepted =
                    try await services.ledger.pointer(Versioning.accepted(request.parameter("name"))) ?? .null
                return ["versions": .array(log.map { brief($0) }), "accepted": accepted]
            },
            NativeCall(
                "GET", "/datasets/{name}/versions/{version}", "A version with its files; latest and accepted are names."
            ) {
                request throws(GyreError) in
                let version = try await services.versioning.version(
                    request.parameter("name"), request.parameter("version"))
                var json = version.json
                json["checks"] = .array(try await services.ingest.checks(of: version.ref))
                return json
            },
            NativeCall(
                "POST", "/datasets/{name}/versions",
                "Adds a version: {tree: [{path, sha256, size}], message}. Checks run at once."
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                let name = try Name(request.parameter("name"), of: "dataset")
                let (version, isNew) = try await services.versioning.add(
                    name, try Tree(json: body["tree"] ?? []), message: body["message"]?.string ?? "", by: request.actor)
                var json = version.json
                json["is_new"] = .bool(isNew)
                json["check"] = try await services.conductor.dataAdded(version, by: request.actor) ?? .null
                return json
            },
            NativeCall("GET", "/datasets/{name}/diff", "What changed between two versions.", query: ["from", "to"]) {
                request throws(GyreError) in
                let name = request.parameter("name")
                let log = try await services.versioning.log(name)
                let from = request.query("from") ?? (log.count > 1 ? log[1].id : "latest")
                return try await services.versioning.diff(
                    try await services.versioning.version(name, from),
                    try await services.versioning.version(name, request.query("to") ?? "latest")
                ).json
            },
            NativeCall(
                "POST", "/checks", "Checks a dataset version: {dataset, suite}. Answers as Great Expectations does."
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                let version = try await services.versioning.version(try Ref(parsing: body["dataset"]?.string ?? ""))
                let (result, ref) = try await services.ingest.check(version, body["suite"] ?? [:], by: request.actor)
                var json = services.ingest.result(result)
                json["gyre"] = [
                    "check": .string(ref.description), "dataset": .string(version.ref.description),
                    "blocking": .bool(result.isBlocking),
                    "failures": .strings(result.failures.map(\.summary)),
                ]
                return json
            },
            NativeCall("GET", "/features", "All feature views.") { _ throws(GyreError) in
                ["views": .array(try await services.features.views().map(\.json))]
            },
            NativeCall("POST", "/features", "Defines a feature view.") { request throws(GyreError) in
                let view = try FeatureView(json: try await request.json())
                try await services.features.apply(view, by: request.actor)
                return view.json
            },
            NativeCall("POST", "/features/{name}/materialize", "Brings the latest values online: {version, as_of}.") {
                request throws(GyreError) in
                let body = try await request.json()
                let view = try await services.features.view(request.parameter("name"))
                let version = try await services.versioning.version(view.dataset, body["version"]?.string ?? "latest")
                let asOf = try body["as_of"]?.string.map { text throws(GyreError) in try Timestamp.parse(text) }
                let rows = try await services.features.materialize(
                    view.name, from: Features.Source(ref: version.ref, tree: version.tree), asOf: asOf,
                    by: request.actor)
                return [
                    "view": .string(view.name), "rows": .int(Int64(rows)), "source": .string(version.ref.description),
                ]
            },
            NativeCall("GET", "/features/{name}/online", "The latest values of an entity.", query: ["entity", "now"]) {
                request throws(GyreError) in
                let entity = request.query.filter { $0.name == "entity" }.map(\.value)
                let now = try request.query("now").map { text throws(GyreError) in try Timestamp.parse(text) }
                return try await services.features.read(request.parameter("name"), entity: entity, now: now)
            },
        ]
    }

    private func brief(_ version: DatasetVersion) -> JSONValue {
        var json = version.json
        json["tree"] = nil
        return json
    }
}
