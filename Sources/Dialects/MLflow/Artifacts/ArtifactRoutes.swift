// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreLedger
internal import GyreRegistry
internal import GyreTracking

extension MLflowDialect {
    /// Up- and downloads through the server, streamed both ways.
    var artifactRoutes: [Route] {
        var routes = fileRoutes
        for prefix in ["/api/2.0", "/ajax-api/2.0"] {
            routes += proxyRoutes(prefix + "/mlflow-artifacts")
            routes.append(Route("GET", prefix + "/mlflow/artifacts/list", .read(.run, "run_id"), listOfRun))
            routes += presignedRoutes(prefix + "/mlflow/artifacts")
        }
        return routes
    }

    /// The store itself, by paths.
    private func proxyRoutes(_ prefix: String) -> [Route] {
        [
            Route("GET", prefix + "/artifacts", Need(.read, on: .one(.artifactPath, .address("path"))), listFolder),
            Route(
                "PUT", prefix + "/artifacts/{path...}", Need(.write, on: .one(.artifactPath, .address("path"))), upload),
            Route(
                "GET", prefix + "/artifacts/{path...}", Need(.read, on: .one(.artifactPath, .address("path"))),
                downloadPath),
            Route(
                "DELETE", prefix + "/artifacts/{path...}", Need(.write, on: .one(.artifactPath, .address("path"))),
                delete),
            Route("POST", prefix + "/mpu/{rest...}", .write, refuseMultipartUpload),
            Route("GET", prefix + "/presigned/{rest...}", .read, refuseMultipartDownload),
        ]
    }

    /// Addresses that lead past the server are for stores elsewhere; the files here are this server's own.
    private func presignedRoutes(_ prefix: String) -> [Route] {
        [
            Route("POST", prefix + "/presigned-upload-url", .write, refusePresignedUpload),
            Route("POST", prefix + "/presigned-download-url", .read, refusePresignedDownload),
        ]
    }

    /// Single files by what they belong to, as browsers ask for them.
    private var fileRoutes: [Route] {
        let (own, browser) = ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow")
        return [
            Route("GET", "/get-artifact", .read(.run, "run_id"), fileOfRun),
            Route(
                "POST", browser + "/upload-artifact", Need(.write, on: .one(.run, .address("run_uuid"))), uploadToRun),
            Route("GET", "/model-versions/get-artifact", .read(.model, "name"), fileOfVersion),
            Route(
                "GET", browser + "/logged-models/{model_id}/artifacts/files", .read(.loggedModel, "model_id"),
                fileOfLoggedModel),
            Route(
                "GET", browser + "/logged-models/{model_id}/artifacts/directories", .read(.loggedModel, "model_id"),
                listOfLoggedModel),
            Route(
                "GET", own + "/logged-models/{model_id}/artifacts/directories", .read(.loggedModel, "model_id"),
                listOfLoggedModel),
        ]
    }

    // MARK: The store by paths

    private func listFolder(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let folder = try Self.folder(request.query("path"))
        let files = try await children(of: folder, from: folder)
        return .json(files.isEmpty ? [:] : ["files": .array(files)])
    }

    private func downloadPath(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        try await download(request.parameter("path"), range: request.headers("range"))
    }

    private func delete(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        // What is gone is gone, whoever removed it.
        try await tracking.deleteArtifacts(
            try Self.path(request.parameter("path")), by: request.actor(surface: "mlflow"))
        return .json([:])
    }

    private func refuseMultipartUpload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        throw GyreError(
            .unsupported, "Multipart upload is not supported for the current artifact repository",
            why: "A single PUT of any size is streamed.")
    }

    private func refuseMultipartDownload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        throw GyreError(
            .unsupported, "Multipart download is not supported for the current artifact repository",
            why: "A single GET of any size is streamed, and answers ranges.")
    }

    private func refusePresignedUpload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        try await Self.checkPresigned(request)
        throw GyreError(
            .invalid,
            "Presigned upload is not supported for proxied artifact storage (artifact URI scheme: mlflow-artifacts). "
                + "This endpoint requires a direct cloud storage artifact URI.")
    }

    private func refusePresignedDownload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        try await Self.checkPresigned(request)
        throw GyreError(
            .invalid,
            "Presigned download is not supported for runs with proxied artifact storage (artifact URI scheme: mlflow-artifacts). "
                + "This endpoint requires a run with a direct cloud storage artifact URI.")
    }

    private static func checkPresigned(_ request: HTTPRequest) async throws(GyreError) {
        let arguments = try await Arguments(request)
        let ids = [try arguments.optionalText("run_id"), try arguments.optionalText("model_id")]
        guard ids.filter({ $0?.isEmpty == false }).count == 1 else {
            throw GyreError(.invalid, "Exactly one of run_id and model_id must be provided.")
        }
        _ = try path(try arguments.text("path"))
    }

    // MARK: Files by what they belong to

    private func fileOfRun(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let run = try await tracking.run(request.query("run_id") ?? request.query("run_uuid") ?? "")
        return try await file(run.artifactURI, request.query("path"), "path")
    }

    private func fileOfVersion(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        guard let number = Int(request.query("version") ?? "") else {
            throw GyreError(.invalid, "Request must include the \"version\" query parameter.")
        }
        let version = try await registry.version(request.query("name") ?? "", number)
        return try await file(try await artifactURI(of: version), request.query("path"), "path")
    }

    private func fileOfLoggedModel(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let model = try await loggedModels.model(request.parameter("model_id"))
        return try await file(model.artifactURI, request.query("artifact_file_path"), "artifact_file_path")
    }

    private func listOfLoggedModel(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let model = try await loggedModels.model(request.parameter("model_id"))
        return try await list(model.artifactURI, request.query("artifact_directory_path"))
    }

    private func uploadToRun(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        guard let id = request.query("run_uuid") ?? request.query("run_id"), !id.isEmpty else {
            throw GyreError(.invalid, "Request must specify run_uuid.")
        }
        guard let path = request.query("path"), !path.isEmpty else {
            throw GyreError(.invalid, "Request must specify path.")
        }
        let root = try Self.root(try await tracking.run(id).artifactURI)
        return try await store(request, at: "\(root)/\(try RelativePath(path))", limit: 10 << 20)
    }

    private func file(_ uri: String, _ path: String?, _ name: String) async throws(GyreError) -> HTTPResponse {
        guard let path, !path.isEmpty else {
            throw GyreError(.invalid, "Request must include the \"\(name)\" query parameter.")
        }
        return try await download("\(try Self.root(uri))/\(try Self.path(path))")
    }

    private func upload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        try await store(request, at: request.parameter("path"), limit: Limits.artifactBytes)
    }

    private func store(_ request: HTTPRequest, at text: String, limit: Int64) async throws(GyreError) -> HTTPResponse {
        let path = try Self.path(text)
        let writer = try await blobs.writer()
        do {
            try await request.body.pieces(limit: limit) { try await writer.write($0) }
        } catch {
            await writer.abandon()
            throw error
        }
        try await tracking.putArtifact(path, try await writer.finish(), by: request.actor(surface: "mlflow"))
        return HTTPResponse(headers: [("content-type", "application/json")])
    }

    private func download(_ text: String, range: String? = nil) async throws(GyreError) -> HTTPResponse {
        let path = try Self.path(text)
        guard let blob = try await tracking.store.artifact(path) else {
            if try await !tracking.store.artifacts(below: path).isEmpty {
                throw GyreError(.invalid, "'\(path)' is a directory, and only files are downloaded.")
            }
            throw Self.missing(path)
        }
        var headers: [(name: String, value: String)] = [
            ("content-type", "application/octet-stream"), ("x-content-type-options", "nosniff"),
            ("content-disposition", "attachment"), ("etag", "\"\(blob.digest.hex)\""), ("accept-ranges", "bytes"),
        ]
        guard let range else {
            let reader = try await blobs.reader(blob.digest)
            return HTTPResponse(headers: headers, body: .stream(sizeBytes: blob.sizeBytes) { try await reader.next() })
        }
        guard let part = ByteRange(range, of: blob.sizeBytes) else {
            headers.append(("content-range", "bytes */\(blob.sizeBytes)"))
            return HTTPResponse(status: 416, headers: headers)
        }
        headers.append(("content-range", "bytes \(part.start)-\(part.end)/\(blob.sizeBytes)"))
        let reader = try await blobs.reader(blob.digest, from: part.start, count: part.count)
        return HTTPResponse(
            status: 206, headers: headers, body: .stream(sizeBytes: part.count) { try await reader.next() })
    }

    private func listOfRun(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        guard let id = request.query("run_id") ?? request.query("run_uuid"), !id.isEmpty else {
            throw .missingParameter("run_id")
        }
        return try await list(try await tracking.run(id).artifactURI, request.query("path"))
    }

    private func list(_ uri: String, _ path: String?) async throws(GyreError) -> HTTPResponse {
        let root = try Self.root(uri)
        let below = try Self.folder(path)
        let folder = try RelativePath(below.map { "\(root)/\($0)" } ?? root.description)
        let files = try await children(of: folder, from: root)
        return .json(files.isEmpty ? ["root_uri": .string(uri)] : ["root_uri": .string(uri), "files": .array(files)])
    }

    /// Files and folders right below `folder`, named from `base`.
    private func children(of folder: RelativePath?, from base: RelativePath?) async throws(GyreError) -> [JSONValue] {
        let depth = folder?.parts.count ?? 0
        let cut = base?.parts.count ?? 0
        var listed: [String: JSONValue] = [:]
        for file in try await tracking.store.artifacts(below: folder) {
            let name = file.path.parts[cut...depth].joined(separator: "/")
            let isFolder = file.path.parts.count > depth + 1
            if isFolder {
                listed[name] = ["path": .string(name), "is_dir": true]
            } else {
                listed[name] = ["path": .string(name), "is_dir": false]
                // An empty file has no size in MLflow's answers.
                if file.blob.sizeBytes > 0 { listed[name]?["file_size"] = .int(file.blob.sizeBytes) }
            }
        }
        return listed.sorted { $0.key < $1.key }.map(\.value)
    }

    private static func folder(_ text: String?) throws(GyreError) -> RelativePath? {
        guard let text, !text.isEmpty else { return nil }
        return try path(text.hasSuffix("/") ? String(text.dropLast()) : text)
    }

    /// A path that stays where it is, however often it was encoded.
    private static func path(_ text: String) throws(GyreError) -> RelativePath {
        let decoded = Percent.decode(Percent.decode(text))
        guard !decoded.split(whereSeparator: { $0 == "/" || $0 == "\\" }).contains("..") else {
            throw GyreError(.invalid, "Invalid path: \"\(text.prefix(200))\".", why: "It climbs out of its folder.")
        }
        return try RelativePath(text)
    }

    private static func root(_ uri: String) throws(GyreError) -> RelativePath {
        guard let path = try ServedArtifacts.path(uri) else {
            throw GyreError(.unsupported, "The artifacts at \(uri.prefix(200)) are not kept by this server.")
        }
        return path
    }

    private static func missing(_ path: RelativePath) -> GyreError {
        GyreError(.notFound, "No such artifact: '\(path)'")
    }
}
