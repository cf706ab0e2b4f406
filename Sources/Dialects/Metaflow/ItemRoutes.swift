// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

extension MetaflowDialect {
    var itemRoutes: [Route] {
        let run = "\(Self.root)/flows/{flow}/runs/{run}"
        let step = "\(run)/steps/{step}"
        let task = "\(step)/tasks/{task}"
        return [
            Route("POST", "\(task)/artifact", .write, addArtifacts),
            Route("POST", "\(task)/metadata", .write, addMetadata),
            Route("GET", "\(run)/artifacts", .read, listArtifacts),
            Route("GET", "\(step)/artifacts", .read, listArtifacts),
            Route("GET", "\(task)/artifacts", .read, listArtifacts),
            Route("GET", "\(task)/attempt/{attempt}/artifacts", .read, listArtifacts),
            Route("GET", "\(task)/artifacts/{name}", .read, getArtifact),
            Route("GET", "\(task)/artifacts/{name}/attempt/{attempt}", .read, getArtifact),
            Route("GET", "\(run)/metadata", .read, listMetadata), Route("GET", "\(task)/metadata", .read, listMetadata),
        ]
    }

    // MARK: Adding

    private func addArtifacts(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let items = try items(try await request.json(), of: place(request), named: "name") { body, _ in
            Messages.number(body["attempt_id"]) ?? 0
        }
        try await flows.add(artifacts: items)
        return .json(["artifacts_created": .int(Int64(items.count))])
    }

    private func addMetadata(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let items = try items(try await request.json(), of: place(request), named: "field_name") { _, tags in
            tags.lazy.compactMap { $0.hasPrefix("attempt_id:") ? Int64($0.dropFirst(11)) : nil }.first ?? 0
        }
        try await flows.add(metadata: items, by: request.actor(surface: "metaflow"))
        return .json(["metadata_created": .int(Int64(items.count))])
    }

    private func items(
        _ body: JSONValue, of place: FlowPlace, named member: String,
        attempt: (JSONValue, [String]) -> Int64
    ) throws(GyreError) -> [FlowItem] {
        guard let list = body.array else { throw GyreError(.invalid, "The body is \(body.kindName) and no list.") }
        var items: [FlowItem] = []
        for body in list {
            guard let name = body[member]?.string else {
                throw GyreError(.invalid, "An item of the list has no \(member).")
            }
            items.append(
                FlowItem(
                    id: 0, place: place, name: name, attempt: attempt(body, body["tags"]?.strings ?? []), body: body))
        }
        return items
    }

    // MARK: Reading

    private func attempt(_ request: HTTPRequest) throws(GyreError) -> Int64? {
        guard let text = request.parameters["attempt"] else { return nil }
        if let number = Int64(text) { return number }
        throw GyreError(.invalid, "\"\(text.prefix(40))\" is no attempt.")
    }

    private func listArtifacts(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let place = place(request)
        _ = try await flows.record(place)
        let items = try await flows.artifacts(below: place, attempt: try attempt(request))
        return .json(.array(items.map(Messages.artifact)))
    }

    private func getArtifact(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let name = request.parameter("name")
        let items = try await flows.artifacts(below: place(request), name: name, attempt: try attempt(request))
        guard let item = items.first else {
            throw GyreError(.notFound, "There is no artifact \"\(name.prefix(80))\" there.")
        }
        return .json(Messages.artifact(item))
    }

    private func listMetadata(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let place = place(request)
        _ = try await flows.record(place)
        return .json(.array(try await flows.metadata(below: place).map(Messages.metadatum)))
    }
}
