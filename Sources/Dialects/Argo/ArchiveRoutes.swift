// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

extension ArgoDialect {
    /// The archive: here every run that has ended is kept until it is removed, so it holds those.
    var archiveRoutes: [Route] {
        let all = "\(Self.root)/archived-workflows"
        let one = "\(all)/{uid}"
        return [
            Route("GET", all, .list(.pipeline)) { request throws(GyreError) in
                let (runs, next) = try await found(request, try query(request))
                var items: [JSONValue] = []
                for run in runs {
                    let package = try WorkflowPackage(reading: try await pipelines.package(of: run))
                    items.append(WorkflowObject.workflow(run, package, tasks: nil))
                }
                return .json([
                    "metadata": next.map { ["continue": .string($0)] } ?? [:], "items": .array(items),
                ])
            },
            Route("GET", "\(Self.root)/archived-workflows-label-keys", .read) { request throws(GyreError) in
                .json(["items": .strings(Set(try await labels(request).flatMap(\.keys)).sorted())])
            },
            Route("GET", "\(Self.root)/archived-workflows-label-values", .read) { request throws(GyreError) in
                let key = (request.query("listOptions.labelSelector") ?? "").filter { $0 != "!" && $0 != "=" }
                return .json(["items": .strings(Set(try await labels(request).compactMap { $0[key] }).sorted())])
            },
            Route("GET", one, .read) { request throws(GyreError) in .json(try await object(try await archived(request)))
            },
            Route("DELETE", one, .write) { request throws(GyreError) in
                try await pipelines.remove(try await archived(request).id, by: request.actor(surface: "argo"))
                return .json([:])
            },
            Route("PUT", "\(one)/resubmit", .runCode) { request throws(GyreError) in
                let body = try await request.json()
                return .json(
                    try await again(
                        try await archived(request), body["parameters"]?.strings ?? [],
                        by: request.actor(surface: "argo")))
            },
            Route("PUT", "\(one)/retry", .runCode) { request throws(GyreError) in
                let body = try await request.json()
                return .json(try await retried(try await archived(request), body, by: request.actor(surface: "argo")))
            },
        ]
    }

    private func query(_ request: HTTPRequest) throws(GyreError) -> PipelineRunQuery {
        var query = PipelineRunQuery()
        let fields = try Selector(request.query("listOptions.fieldSelector") ?? "")
        let namespace = request.query("namespace").flatMap { $0.isEmpty ? nil : $0 } ?? fields["metadata.namespace"]
        query.conditions = [
            namespace.map { .init(.namespace, .equal, .string($0)) } ?? .init(.namespace, .greater, ""),
            .init(.state, .among, ["SUCCEEDED", "FAILED", "CANCELED"]),
        ]
        return query
    }

    private func labels(_ request: HTTPRequest) async throws(GyreError) -> [[String: String]] {
        var query = try query(request)
        query.limit = Limits.pageRows
        return try await pipelines.runs(query).runs.map(WorkflowObject.labels)
    }

    private func archived(_ request: HTTPRequest) async throws(GyreError) -> PipelineRun {
        let id = request.parameter("uid").filter { $0 != "-" }
        guard let run = try await pipelines.run(exactly: id), run.namespace != nil, run.state.isEnd else {
            throw GyreError(
                .notFound, "There is no archived workflow with the uid \"\(request.parameter("uid").prefix(80))\".")
        }
        return run
    }
}
