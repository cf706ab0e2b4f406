// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

extension KFPDialect {
    var pipelineRoutes: [Route] {
        let all = "\(Self.root)/pipelines"
        let version = "\(all)/{id}/versions/{version}"
        return [
            Route("POST", "\(all)/upload", .write, upload),
            Route("POST", "\(all)/upload_version", .write, uploadVersion),
            Route("POST", "\(all)/create", .write, createWithVersion),
            Route("POST", all, .write, createPipeline),
            Route("GET", all, .read, listPipelines),
            Route("GET", "\(all)/names/{name}", .read) { request throws(GyreError) in
                .json(Messages.pipeline(try await catalog.pipeline(named: request.parameter("name"))))
            },
            Route("GET", "\(all)/{id}", .read) { request throws(GyreError) in
                .json(Messages.pipeline(try await catalog.pipeline(request.parameter("id"))))
            },
            Route("PATCH", "\(all)/{id}", .write, changePipeline),
            Route("DELETE", "\(all)/{id}", .write) { request throws(GyreError) in
                try await catalog.remove(
                    request.parameter("id"), cascading: request.query("cascade")?.lowercased() == "true",
                    by: request.actor(surface: "kfp"))
                return .json([:])
            },
            Route("POST", "\(all)/{id}/versions", .write, createVersion),
            Route("GET", "\(all)/{id}/versions", .read, listVersions),
            Route("GET", version, .read) { request throws(GyreError) in
                .json(
                    try await message(
                        try await catalog.version(request.parameter("version"), of: request.parameter("id"))))
            },
            Route("PATCH", version, .write, changeVersion),
            Route("DELETE", version, .write) { request throws(GyreError) in
                try await catalog.removeVersion(
                    request.parameter("version"), of: request.parameter("id"), by: request.actor(surface: "kfp"))
                return .json([:])
            },
        ]
    }

    // MARK: Uploads

    private func upload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (file, package) = try await uploaded(request)
        let name = request.query("name").flatMap { $0.isEmpty ? nil : $0 } ?? file
        let description = try self.description(request, name: name)
        let made = try await catalog.register(
            description, version: (description, package), by: request.actor(surface: "kfp"))
        return .json(Messages.pipeline(made.pipeline))
    }

    private func uploadVersion(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (file, package) = try await uploaded(request)
        guard let pipeline = request.query("pipelineid"), !pipeline.isEmpty else {
            throw GyreError(.invalid, "The query has no pipelineid, the pipeline that the version is added to.")
        }
        let name = request.query("name").flatMap { $0.isEmpty ? nil : $0 } ?? file
        let version = try await catalog.add(
            try description(request, name: name), package: package, to: pipeline, by: request.actor(surface: "kfp"))
        return .json(try await message(version))
    }

    private func uploaded(_ request: HTTPRequest) async throws(GyreError) -> (name: String, package: [UInt8]) {
        let parts = try await MultipartForm.parts(of: request)
        guard let part = parts.first(where: { $0.name == "uploadfile" }) else {
            throw GyreError(.invalid, "The form has no file \"uploadfile\".")
        }
        return (part.fileName ?? "", try PackageFile.unpacked(part.bytes))
    }

    private func description(_ request: HTTPRequest, name: String) throws(GyreError) -> PipelineCatalog.Description {
        var description = PipelineCatalog.Description(name: name)
        description.displayName = request.query("display_name").flatMap { $0.isEmpty ? nil : $0 }
        description.text = request.query("description") ?? ""
        if let tags = request.query("tags"), !tags.isEmpty {
            description.tags = Messages.tags(try JSONValue(parsing: tags))
        }
        return description
    }

    // MARK: Pipelines

    private func createPipeline(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let made = try await catalog.register(
            try Messages.description(try await request.json()), by: request.actor(surface: "kfp"))
        return .json(Messages.pipeline(made.pipeline))
    }

    private func createWithVersion(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        let description = try Messages.description(body["pipeline"] ?? [:])
        var version = body["pipeline_version"] ?? [:]
        if version["name"] == nil && version["display_name"] == nil { version["name"] = .string(description.name) }
        let made = try await catalog.register(
            description, version: (try Messages.description(version), try Messages.package(version)),
            by: request.actor(surface: "kfp"))
        return .json(Messages.pipeline(made.pipeline))
    }

    private func listPipelines(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let listing = try Listing(
            request, keys: ["pipeline_id", "id", "display_name", "name", "description", "created_at"])
        let page = listing.page(try await catalog.pipelines(), id: \.id) { pipeline, key in
            switch key {
            case "display_name": .string(pipeline.displayName)
            case "name": .string(pipeline.name)
            case "description": .string(pipeline.description)
            case "created_at": .int(pipeline.createdAt)
            default: .string(pipeline.id)
            }
        }
        return .json(Messages.list("pipelines", page.items.map(Messages.pipeline), page.token, page.total))
    }

    private func changePipeline(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        let pipeline = try await catalog.update(request.parameter("id"), by: request.actor(surface: "kfp")) {
            if let name = body["display_name"]?.string { $0.displayName = name }
            if let text = body["description"]?.string { $0.description = text }
            if let tags = body["tags"] { $0.tags = Messages.tags(tags) }
        }
        return .json(Messages.pipeline(pipeline))
    }

    // MARK: Versions

    private func createVersion(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        let version = try await catalog.add(
            try Messages.description(body), package: try Messages.package(body), to: request.parameter("id"),
            by: request.actor(surface: "kfp"))
        return .json(try await message(version))
    }

    private func listVersions(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let listing = try Listing(
            request, keys: ["pipeline_version_id", "id", "display_name", "name", "description", "created_at"])
        let id = try await catalog.pipeline(request.parameter("id")).id
        let page = listing.page(try await catalog.versions(of: id), id: \.id) { version, key in
            switch key {
            case "display_name": .string(version.displayName)
            case "name": .string(version.name)
            case "description": .string(version.description)
            case "created_at": .int(version.createdAt)
            default: .string(version.id)
            }
        }
        var list: [JSONValue] = []
        for version in page.items { list.append(try await message(version)) }
        return .json(Messages.list("pipeline_versions", list, page.token, page.total))
    }

    private func changeVersion(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        let version = try await catalog.updateVersion(
            request.parameter("version"), of: request.parameter("id"), by: request.actor(surface: "kfp")
        ) {
            if let name = body["display_name"]?.string { $0.displayName = name }
            if let text = body["description"]?.string { $0.description = text }
            if let tags = body["tags"] { $0.tags = Messages.tags(tags) }
        }
        return .json(try await message(version))
    }

    private func message(_ version: PipelineVersion) async throws(GyreError) -> JSONValue {
        Messages.version(version, try KFPPackage.specification(try await catalog.package(version)))
    }
}
