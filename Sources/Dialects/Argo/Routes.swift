// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
package import GyreHTTP
internal import GyrePipelines

extension ArgoDialect {
    static let root = "/api/v1"

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: [Self.root + "/", "/artifact-files/", "/artifacts/", "/artifacts-by-uid/"],
            errorResponse: ArgoErrors.response,
            routes: [
                Route("GET", "\(Self.root)/info", .read) { _ in
                    .json(["managedNamespace": "", "links": [], "columns": [], "navColor": "", "modals": [:]])
                },
                Route("GET", "\(Self.root)/version", .nothing) { _ in .json(Self.version) },
                Route("GET", "\(Self.root)/userinfo", .read) { request in
                    .json(["subject": .string(request.actor(surface: "argo")), "serviceAccountName": "gyre"])
                },
                Route("POST", "\(Self.root)/tracking/event", .read) { _ in .json([:]) },
            ] + workflowRoutes + streamRoutes + archiveRoutes + templateRoutes + cronRoutes + limitRoutes)
    }

    /// The release of Argo whose protocol is spoken.
    private static let version: JSONValue = [
        "version": "v3.7.3", "buildDate": "2025-10-14T00:00:00Z", "gitCommit": "", "gitTag": "v3.7.3",
        "gitTreeState": "clean", "goVersion": "", "compiler": "", "platform": "linux",
    ]

    private var limitRoutes: [Route] {
        let one = "\(Self.root)/sync/{namespace}/{key}"
        return [
            Route("POST", "\(Self.root)/sync/{namespace}", .operate, setLimit), Route("PUT", one, .operate, setLimit),
            Route("GET", one, .read) { request throws(GyreError) in
                let limit = try await limits.limit(Self.limitName(request, [:]))
                return Self.limitAnswer(request, request.parameter("key"), limit)
            },
            Route("DELETE", one, .operate) { request throws(GyreError) in
                try await limits.set(Self.limitName(request, [:]), nil, by: request.actor(surface: "argo"))
                return .json([:])
            },
        ]
    }

    /// What a limit is called: a semaphore of a map has the names of both.
    private static func limitName(_ request: HTTPRequest, _ body: JSONValue) -> String {
        let key = request.parameters["key"] ?? body["key"]?.string ?? ""
        let map = body["cmName"]?.string ?? request.query("cmName") ?? ""
        return map.isEmpty ? key : "\(map)/\(key)"
    }

    private static func limitAnswer(_ request: HTTPRequest, _ key: String, _ limit: Int) -> HTTPResponse {
        .json(["namespace": .string(request.parameter("namespace")), "key": .string(key), "limit": .int(Int64(limit))])
    }

    private func setLimit(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let body = try await request.json()
        guard let number = body["limit"]?.int ?? body["sizeLimit"]?.int else {
            throw GyreError(.invalid, "The body has no limit.")
        }
        try await limits.set(Self.limitName(request, body), Int(number), by: request.actor(surface: "argo"))
        return Self.limitAnswer(request, request.parameters["key"] ?? body["key"]?.string ?? "", Int(number))
    }
}
