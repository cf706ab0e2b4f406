// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP
internal import GyreLedger
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
            Route("GET", "/get-artifact") { request throws(GyreError) in
                let run = try await tracking.run(request.query("run_id") ?? request.query("run_uuid") ?? "")
                let root = try Self.root(run.artifactURI)
                return try await download("\(root)/\(try RelativePath(request.query("path") ?? ""))")
            },
        ]
    }

    private func upload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let path = try RelativePath(request.parameter("path"))
        let writer = try await blobs.writer()
        do {
            try await request.body.pieces(limit: Limits.artifactBytes) { try await writer.write($0) }
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
        let root = try Self.root(run.artifactURI)
        let below = try Self.folder(request.query("path"))
        let folder = try RelativePath(below.map { "\(root)/\($0)" } ?? root.description)
        return .json([
            "root_uri": .string(run.artifactURI), "files": .array(try await children(of: folder, from: root)),
        ])
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
                listed[name] = ["path": .string(name), "is_dir": false, "file_size": .int(file.blob.sizeBytes)]
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
