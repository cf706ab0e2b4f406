// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
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
            Route("POST", Self.root + "/blobs", .write, store),
            Route("GET", Self.root + "/blobs/{digest}", .read) { request throws(GyreError) in
                let digest = try await names.blob(request.parameter("digest"))
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
            NativeCall("GET", "/datasets", .list(.dataset), "All dataset versions, newest first.", listDatasets),
            NativeCall(
                "GET", "/datasets/{name}", .read(.dataset, "name"), "The versions of a dataset, newest first.",
                showDataset),
            NativeCall(
                "GET", "/datasets/{name}/versions/{version}", .read(.dataset, "name"),
                "A version with its files; latest and accepted are names.", showDatasetVersion),
            NativeCall(
                "POST", "/datasets/{name}/versions", .write(.dataset, "name"),
                "Adds a version: {tree: [{path, sha256, size}], message}. Checks run at once.",
                takes: API.AddRequest.self, hasDryRun: true, addVersion),
            NativeCall(
                "GET", "/datasets/{name}/diff", .read(.dataset, "name"), "What changed between two versions.",
                query: ["from", "to"], diffDataset
            ),
            NativeCall(
                "POST", "/checks", .write,
                "Checks a dataset version: {dataset, suite, dry_run}. Answers as Great Expectations does; a dry run checks and records nothing.",
                takes: API.CheckRequest.self, hasDryRun: true, check),
            NativeCall("GET", "/features", .list(.featureView), "All feature views.", listFeatureViews),
            NativeCall(
                "POST", "/features", .operate, "Defines a feature view.", takes: API.FeatureView.self, hasDryRun: true,
                applyFeatureView),
            NativeCall(
                "POST", "/features/{name}/materialize", .operate(.featureView, "name"),
                "Brings the latest values online: {version, as_of}.",
                takes: API.MaterializeRequest.self, hasDryRun: true, materialize),
            NativeCall(
                "GET", "/features/{name}/online", .predict(.featureView, "name"), "The latest values of an entity.",
                query: ["entity", "now"],
                readOnline),
        ]
    }

    /// What adding would do: the version's id comes from its content, so it is known before.
    private func tryAdding(
        _ request: NativeRequest<API.AddRequest>, to name: Name
    ) async throws(GyreError) -> JSONValue {
        let tree = try Tree(json: request.json["tree"] ?? [])
        guard !tree.entries.isEmpty else {
            throw GyreError(.invalid, "The dataset \"\(name)\" would be empty.", why: "No file was given.")
        }
        let version = DatasetVersion(
            name: name, tree: tree, message: request.body.message ?? "", at: 0, actor: request.actor, madeFrom: [])
        let newest = try await services.ledger.pointer(Versioning.latest(name.text))?.string
        let project = try await services.conductor.projects().first { $0.suites[name.text].map { !$0.isNull } ?? false }
        return [
            "ref": .string(version.ref.description), "files": .int(Int64(tree.entries.count)),
            "size_bytes": .int(tree.sizeBytes), "is_new": .bool(newest != version.id),
            "checked_by": .optional(project?.name), "dry_run": true,
        ]
    }

    /// The version that was added before another one.
    private static func before(
        _ version: DatasetVersion, in log: [DatasetVersion]
    ) throws(GyreError) -> DatasetVersion {
        guard let place = log.firstIndex(where: { $0.id == version.id }), place + 1 < log.count else {
            throw GyreError(
                .notFound, "There is no version of \"\(version.name)\" before \(version.ref).",
                why: log.count == 1
                    ? "It is the only version, so there is nothing to compare it with." : "It is the first version.",
                fix: log.count == 1 ? "gyre data add adds another one." : "Name the version to compare with: --from")
        }
        return log[place + 1]
    }

    private func brief(_ version: DatasetVersion) -> JSONValue {
        var json = version.json
        json["tree"] = nil
        return json
    }

    private func listDatasets(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let visible = request.visible(.dataset)
        let versions = try await services.versioning.log(nil).filter { visible?.contains($0.name) ?? true }
        return ["versions": .array(versions.map { brief($0) })]
    }

    private func showDataset(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let log = try await names.dataset(request.parameter("name"))
        let accepted = try await services.ledger.pointer(Versioning.accepted(log[0].name)) ?? .null
        return ["versions": .array(log.map { brief($0) }), "accepted": accepted]
    }

    private func showDatasetVersion(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let version = try await names.datasetVersion(request.parameter("name"), request.parameter("version"))
        var json = version.json
        json["checks"] = .array(try await services.ingest.checks(of: version.ref))
        return json
    }

    private func addVersion(_ request: NativeRequest<API.AddRequest>) async throws(GyreError) -> JSONValue {
        let name = try Name(request.parameter("name"), of: "dataset")
        if request.isDryRun { return try await tryAdding(request, to: name) }
        let (version, isNew) = try await services.versioning.add(
            name, try Tree(json: request.json["tree"] ?? []), message: request.body.message ?? "",
            by: request.actor)
        var json = version.json
        json["is_new"] = .bool(isNew)
        json["check"] = try await services.conductor.dataAdded(version, by: request.actor) ?? .null
        return json
    }

    private func diffDataset(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let log = try await names.dataset(request.parameter("name"))
        let new = try await names.datasetVersion(log[0].name, request.query("to") ?? "latest")
        let old: DatasetVersion
        if let from = request.query("from") {
            old = try await names.datasetVersion(log[0].name, from)
        } else {
            old = try Self.before(new, in: log)
        }
        var json = try await services.versioning.diff(old, new).json
        json["from"] = .string(old.ref.description)
        json["to"] = .string(new.ref.description)
        return json
    }

    private func check(_ request: NativeRequest<API.CheckRequest>) async throws(GyreError) -> JSONValue {
        let wanted = request.body
        let parts = wanted.dataset.split(separator: "@", maxSplits: 1).map(String.init)
        let version = try await names.datasetVersion(parts.first ?? "", parts.count > 1 ? parts[1] : "latest")
        let isDryRun = request.isDryRun
        let (result, ref): (CheckResult, Ref?)
        if isDryRun {
            (result, ref) = (try await services.ingest.evaluate(version, wanted.suite).result, nil)
        } else {
            (result, ref) = try await services.ingest.check(version, wanted.suite, by: request.actor)
        }
        var json = services.ingest.result(result)
        if isDryRun { json["dry_run"] = true }
        json["gyre"] = [
            "check": .optional(ref?.description), "dataset": .string(version.ref.description),
            "blocking": .bool(result.isBlocking), "state": .string(result.state.rawValue),
            "failures": .strings(result.failures.map(\.summary)),
        ]
        return json
    }

    private func listFeatureViews(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let visible = request.visible(.featureView)
        let views = try await services.features.views().filter { visible?.contains($0.name) ?? true }
        return ["views": .array(views.map(\.json))]
    }

    private func applyFeatureView(_ request: NativeRequest<API.FeatureView>) async throws(GyreError) -> JSONValue {
        let view = try FeatureView(json: request.json)
        if request.isDryRun { return Self.dry(view.json) }
        try await services.features.apply(view, by: request.actor)
        return view.json
    }

    private func materialize(_ request: NativeRequest<API.MaterializeRequest>) async throws(GyreError) -> JSONValue {
        let view = try await names.featureView(request.parameter("name"))
        let version = try await names.datasetVersion(view.dataset, request.body.version ?? "latest")
        let asOf = try request.body.asOf.map { text throws(GyreError) in try Timestamp.parse(text) }
        if request.isDryRun {
            return [
                "view": .string(view.name), "source": .string(version.ref.description), "dry_run": true,
            ]
        }
        let rows = try await services.features.materialize(
            view.name, from: Features.Source(ref: version.ref, tree: version.tree), asOf: asOf,
            by: request.actor)
        return [
            "view": .string(view.name), "rows": .int(Int64(rows)), "source": .string(version.ref.description),
        ]
    }

    private func readOnline(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let entity = request.query.filter { $0.name == "entity" }.map(\.value)
        let now = try request.query("now").map { text throws(GyreError) in try Timestamp.parse(text) }
        let view = try await names.featureView(request.parameter("name"))
        return try await services.features.read(view.name, entity: entity, now: now)
    }
}
