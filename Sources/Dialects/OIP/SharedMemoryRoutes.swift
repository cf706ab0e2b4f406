// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreServing

/// Triton's calls about memory shared with clients; none is shared with graphics cards.
extension OIPDialect {
    var sharedMemoryRoutes: [Route] {
        [
            Route("GET", "/v2/systemsharedmemory/status", .predict, status),
            Route("GET", "/v2/systemsharedmemory/region/{region}/status", .predict, status),
            Route("POST", "/v2/systemsharedmemory/region/{region}/register", .predict, register),
            Route("POST", "/v2/systemsharedmemory/unregister", .predict, unregister),
            Route("POST", "/v2/systemsharedmemory/region/{region}/unregister", .predict, unregister),
            Route("GET", "/v2/cudasharedmemory/status", .predict) { _ in .json([]) },
            Route("POST", "/v2/cudasharedmemory/unregister", .predict) { _ in HTTPResponse() },
            Route("POST", "/v2/cudasharedmemory/region/{region}/register", .predict) { _ throws(GyreError) in
                throw InferenceCalls.noGraphicsMemory
            },
        ]
    }

    private func status(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(
            .array(
                try calls.regions(request.parameters["region"] ?? "").map { region in
                    [
                        "name": .string(region.name), "key": .string(region.key), "offset": .int(Int64(region.offset)),
                        "byte_size": .int(Int64(region.byteCount)),
                    ]
                }))
    }

    private func register(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        guard let key = body["key"]?.string, let size = body["byte_size"]?.int else {
            throw GyreError(.invalid, "A region of shared memory needs \"key\" and \"byte_size\".")
        }
        try calls.shared().register(
            try TensorRegion(
                name: request.parameter("region"), key: key, offset: body["offset"]?.int ?? 0, byteCount: size))
        return HTTPResponse()
    }

    private func unregister(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        calls.regions?.unregister(request.parameters["region"])
        return HTTPResponse()
    }
}

extension InferenceCalls {
    static var noGraphicsMemory: GyreError {
        GyreError(
            .unsupported, "No memory of graphics cards is shared here.",
            fix: "Use system shared memory, or the connection."
        )
    }

    /// The regions that are registered; the one named.
    /// - Throws: `.notFound` for a name that is not.
    func regions(_ name: String) throws(GyreError) -> [TensorRegion] {
        let all = regions?.regions() ?? []
        if name.isEmpty { return all }
        guard let region = all.first(where: { $0.name == name }) else {
            throw GyreError(.notFound, "Unable to find system shared memory region: '\(name.prefix(200))'")
        }
        return [region]
    }
}
