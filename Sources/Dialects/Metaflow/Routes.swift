// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
package import GyreHTTP
internal import GyrePipelines

extension MetaflowDialect {
    static let root = "/metaflow"
    /// The service whose protocol is spoken; clients look at it for what they may ask.
    private static let version = "2.5.1"

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: [Self.root + "/"], errorResponse: MetaflowErrors.response,
            routes: [
                Route("GET", "\(Self.root)/ping", .nothing) { _ in
                    var answer = HTTPResponse.text("pong", type: "text/plain")
                    answer.headers.append(("metadata_service_version", Self.version))
                    return answer
                }, Route("GET", "\(Self.root)/version", .nothing) { _ in .text(Self.version, type: "text/plain") },
                Route("GET", "\(Self.root)/healthcheck", .nothing) { _ in .json(["status": "UP"]) },
            ] + recordRoutes + itemRoutes)
    }

    private var recordRoutes: [Route] {
        let flow = "\(Self.root)/flows/{flow}"
        let run = "\(flow)/runs/{run}"
        let step = "\(run)/steps/{step}"
        return [
            Route("GET", "\(Self.root)/flows", .read) { _ throws(GyreError) in
                .json(.array(try await flows.records(below: nil).map { Messages.record($0) }))
            }, Route("POST", flow, .write, create), Route("GET", flow, .read, get),
            Route("POST", "\(flow)/run", .write, createRun), Route("GET", "\(flow)/runs", .read, list),
            Route("GET", run, .read, get), Route("POST", "\(run)/heartbeat", .write, heartbeat),
            Route("PATCH", "\(run)/tag/mutate", .write, tag), Route("GET", "\(run)/steps", .read, list),
            Route("GET", step, .read, get), Route("POST", "\(step)/step", .write, create),
            Route("POST", "\(step)/task", .write, createTask), Route("GET", "\(step)/tasks", .read, list),
            Route("GET", "\(step)/filtered_tasks", .read, filteredTasks),
            Route("GET", "\(step)/tasks/{task}", .read, get),
            Route("POST", "\(step)/tasks/{task}/heartbeat", .write, heartbeat),
        ]
    }

    /// The place that an address is about.
    func place(_ request: HTTPRequest) -> FlowPlace {
        FlowPlace(
            request.parameter("flow"), run: request.parameters["run"], step: request.parameters["step"],
            task: request.parameters["task"])
    }

    // MARK: Making

    private func create(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        try await made(place(request), request)
    }

    private func createRun(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        var place = place(request)
        place.run = Messages.key(body["run_number"]) ?? ""
        return try await made(place, request, body)
    }

    private func createTask(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        var place = place(request)
        place.task = Messages.key(body["task_id"]) ?? ""
        return try await made(place, request, body)
    }

    private func made(
        _ place: FlowPlace, _ request: HTTPRequest, _ told: JSONValue? = nil
    ) async throws(GyreError) -> HTTPResponse {
        let body: JSONValue
        if let told { body = told } else { body = try await request.json() }
        let record = try await flows.create(place, Messages.telling(body), by: request.actor(surface: "metaflow"))
        return .json(try await message(record))
    }

    // MARK: Reading

    private func get(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(try await message(try await flows.record(place(request))))
    }

    private func list(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let place = place(request)
        let records = try await flows.records(below: place)
        let run = place.run == nil ? nil : try await flows.record(place.wholeRun)
        return .json(.array(records.map { Messages.record($0, of: run) }))
    }

    /// Steps and tasks have the labels of their run.
    private func message(_ record: FlowRecord) async throws(GyreError) -> JSONValue {
        guard record.place.step != nil else { return Messages.record(record) }
        return Messages.record(record, of: try await flows.record(record.place.wholeRun))
    }

    private func filteredTasks(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let pattern = request.query("pattern") ?? ".*"
        guard pattern.utf8.count <= Limits.flowPatternBytes, (try? Regex(pattern)) != nil else {
            throw GyreError(.invalid, "\"\(pattern.prefix(80))\" is no regular expression.")
        }
        let field = request.query("metadata_field_name").flatMap { $0.isEmpty ? nil : $0 }
        let items = try await flows.metadata(below: place(request), field: field)
        // A pattern can take its time, which is not that of the threads that answer requests.
        let found = try await Background.run { () throws(GyreError) in
            guard let expression = try? Regex(pattern) else { return [String]() }
            var paths: [String] = []
            var seen: Set<String> = []
            for item in items {
                let path = item.place.path
                // What is longer is no value that anybody looks for.
                guard !seen.contains(path), let value = item.body["value"]?.string?.prefix(Limits.flowValueLength),
                    value.contains(expression)
                else { continue }
                seen.insert(path)
                paths.append(path)
            }
            return paths
        }
        return .json(.strings(found))
    }

    // MARK: Changing

    private func heartbeat(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        try await flows.heartbeat(place(request))
        return .json(["wait_time_in_seconds": 10])
    }

    private func tag(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        guard let added = Messages.tags(body["tags_to_add"]), let removed = Messages.tags(body["tags_to_remove"]) else {
            return .json("Tags to add and to remove are lists of texts.", status: 400)
        }
        do throws(GyreError) {
            let run = try await flows.tag(
                place(request), adding: added, removing: removed, by: request.actor(surface: "metaflow"))
            return .json(["tags": .strings(run.tags)])
        } catch {
            guard error.code == .invalid else { throw error }
            return .json(.string(error.description), status: 422)
        }
    }
}
