// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP
internal import GyreLedger
internal import GyreRegistry
internal import GyreTracking

extension MLflowDialect {
    /// Up- and downloads through the server, streamed both ways.
    var artifactRoutes: [Route] {
        let root = "/api/2.0/mlflow-artifacts/artifacts"
        return [
            Route("GET", root) { request throws(GyreError) in
                let folder = try Self.folder(request.query("path"))
                return .json(["files": .array(try await children(of: folder, from: folder))])
            },
            Route("PUT", root + "/{path...}", upload),
            Route("GET", root + "/{path...}") { request throws(GyreError) in
                try await download(request.parameter("path"))
            },
            Route("DELETE", root + "/{path...}") { request throws(GyreError) in
                let path = try RelativePath(request.parameter("path"))
                guard try await tracking.store.deleteArtifacts(path) else { throw Self.missing(path) }
                return .json([:])
            },
            Route("POST", "/api/2.0/mlflow-artifacts/mpu/{rest...}") { _ throws(GyreError) in
                throw GyreError(
                    .unsupported, "Multipart uploads are not offered.", why: "A single PUT of any size is streamed.")
            },
            Route("GET", "/api/2.0/mlflow/artifacts/list", listOfRun),
            Route("GET", "/ajax-api/2.0/mlflow/artifacts/list", listOfRun),
        ] + fileRoutes
    }

    /// Single files by what they belong to, as browsers ask for them.
    private var fileRoutes: [Route] {
        [
            Route("GET", "/get-artifact") { request throws(GyreError) in
                let run = try await tracking.run(request.query("run_id") ?? request.query("run_uuid") ?? "")
                return try await file(run.artifactURI, request.query("path"), "path")
            },
            Route("GET", "/model-versions/get-artifact") { request throws(GyreError) in
                guard let number = Int(request.query("version") ?? "") else {
                    throw GyreError(.invalid, "Request must include the \"version\" query parameter.")
                }
                let version = try await registry.version(request.query("name") ?? "", number)
                return try await file(try await artifactURI(of: version), request.query("path"), "path")
            },
            Route("GET", "/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files") { request throws(GyreError) in
                let model = try await loggedModels.model(request.parameter("model_id"))
                return try await file(model.artifactURI, request.query("artifact_file_path"), "artifact_file_path")
            },
            Route("POST", "/ajax-api/2.0/mlflow/upload-artifact") { request throws(GyreError) in
                guard let id = request.query("run_uuid") ?? request.query("run_id"), !id.isEmpty else {
                    throw GyreError(.invalid, "Request must specify run_uuid.")
                }
                guard let path = request.query("path"), !path.isEmpty else {
                    throw GyreError(.invalid, "Request must specify path.")
                }
                let root = try Self.root(try await tracking.run(id).artifactURI)
                return try await store(request, at: "\(root)/\(try RelativePath(path))", limit: 10 << 20)
            },
        ]
            + ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"].map { prefix in
                Route("GET", prefix + "/logged-models/{model_id}/artifacts/directories") { request throws(GyreError) in
                    let model = try await loggedModels.model(request.parameter("model_id"))
                    return try await list(model.artifactURI, request.query("artifact_directory_path"))
                }
            }
    }

    private func file(_ uri: String, _ path: String?, _ name: String) async throws(GyreError) -> HTTPResponse {
        guard let path, !path.isEmpty else {
            throw GyreError(.invalid, "Request must include the \"\(name)\" query parameter.")
        }
        return try await download("\(try Self.root(uri))/\(try RelativePath(path))")
    }

    private func upload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        try await store(request, at: request.parameter("path"), limit: Limits.artifactBytes)
    }

    private func store(_ request: HTTPRequest, at text: String, limit: Int64) async throws(GyreError) -> HTTPResponse {
        let path = try RelativePath(text)
        let writer = try await blobs.writer()
        do {
            try await request.body.pieces(limit: limit) { try await writer.write($0) }
        } catch {
            await writer.abandon()
            throw error
        }
        try await tracking.store.putArtifact(path, try await writer.finish())
        return .json([:])
    }

    private func download(_ text: String) async throws(GyreError) -> HTTPResponse {
        let path = try RelativePath(text)
        guard let blob = try await tracking.store.artifact(path) else {
            if try await !tracking.store.artifacts(below: path).isEmpty {
                throw GyreError(.invalid, "'\(path)' is a directory, and only files are downloaded.")
            }
            throw Self.missing(path)
        }
        let reader = try await blobs.reader(blob.digest)
        return HTTPResponse(
            headers: [
                ("content-type", "application/octet-stream"), ("x-content-type-options", "nosniff"),
                ("content-disposition", "attachment"), ("etag", "\"\(blob.digest.hex)\""),
            ], body: .stream(sizeBytes: blob.sizeBytes) { try await reader.next() })
    }

    private func listOfRun(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let run = try await tracking.run(request.query("run_id") ?? request.query("run_uuid") ?? "")
        return try await list(run.artifactURI, request.query("path"))
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
        return try RelativePath(text.hasSuffix("/") ? String(text.dropLast()) : text)
    }

    private static func root(_ uri: String) throws(GyreError) -> RelativePath {
        guard uri.hasPrefix("mlflow-artifacts:/") else {
            throw GyreError(.unsupported, "The artifacts at \(uri.prefix(200)) are not kept by this server.")
        }
        return try RelativePath(String(uri.dropFirst("mlflow-artifacts:/".count)))
    }

    private static func missing(_ path: RelativePath) -> GyreError {
        GyreError(.notFound, "No such artifact: '\(path)'")
    }
}
