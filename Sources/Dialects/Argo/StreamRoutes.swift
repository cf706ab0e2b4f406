// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreLedger
internal import GyrePipelines
internal import Synchronization

extension ArgoDialect {
    var streamRoutes: [Route] {
        let one = "\(Self.root)/workflows/{namespace}/{name}"
        return [
            Route("GET", "\(one)/log", .read, log), Route("GET", "\(one)/{node}/log", .read, log),
            Route("GET", "\(Self.root)/workflow-events/{namespace}", .read, watch),
            Route("GET", "\(Self.root)/workflow-events/", .read, watch),
            Route("GET", "\(Self.root)/stream/events/{namespace}", .read, events),
            Route(
                "GET", "/artifact-files/{namespace}/{discriminator}/{name}/{node}/{side}/{artifact}", .read, artifact),
            Route("GET", "/artifacts/{namespace}/{name}/{node}/{artifact}", .read, artifact),
            Route("GET", "/artifacts-by-uid/{uid}/{node}/{artifact}", .read, artifact),
        ]
    }

    /// A stream as clients ask for it: events of a browser, or JSON line by line.
    private static func stream(
        _ request: HTTPRequest, _ next: @escaping @Sendable () async throws(GyreError) -> [JSONValue]?
    ) -> HTTPResponse {
        let isEvents = request.headerFields().contains {
            $0.name.lowercased() == "accept" && $0.value.contains("text/event-stream")
        }
        return HTTPResponse(
            headers: [("content-type", isEvents ? "text/event-stream" : "application/json")],
            body: .stream(sizeBytes: nil) {
                guard let items = try await next() else { return nil }
                // Something is sent now and then, so that both sides know of one another.
                if items.isEmpty { return isEvents ? Array(":\n\n".utf8) : [] }
                var bytes: [UInt8] = []
                for item in items {
                    let line: JSONValue = ["result": item]
                    bytes += isEvents ? Array("data: ".utf8) + line.bytes + Array("\n\n".utf8) : line.bytes + [0x0A]
                }
                return bytes
            })
    }

    // MARK: Logs

    private func log(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let run = try await run(request)
        let follows = request.query("logOptions.follow") == "true"
        let (grep, wanted) = (request.query("grep") ?? "", request.parameters["node"] ?? request.query("podName") ?? "")
        let pattern = grep.isEmpty ? nil : try ExpressionFunctions.pattern(grep)
        if let container = request.query("logOptions.container"), !["", "main"].contains(container) {
            return Self.stream(request) { nil }
        }
        let reader = LogReader(pipelines: pipelines, run: run, node: wanted, follows: follows) { line in
            guard let pattern else { return true }
            return pattern.firstMatch(in: line, range: .init(line.startIndex..., in: line)) != nil
        }
        return Self.stream(request) { () async throws(GyreError) in try await reader.next() }
    }

    private func events(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        // The events of a cluster: there is none, so nothing comes.
        Self.stream(request) { () async throws(GyreError) in
            // A client that goes away ends the stream.
            do { try await Task.sleep(for: .seconds(5)) } catch { return nil }
            return []
        }
    }

    // MARK: Watching

    private func watch(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let labels = try Selector(request.query("listOptions.labelSelector") ?? "")
        let fields = try Selector(request.query("listOptions.fieldSelector") ?? "")
        let watcher = Watcher(
            dialect: self, namespace: request.parameter("namespace"), name: fields["metadata.name"], labels: labels)
        return Self.stream(request) { () async throws(GyreError) in try await watcher.next() }
    }

    // MARK: Artifacts

    private func artifact(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        var run: PipelineRun
        let isArchived = request.parameters["discriminator"] == "archived-workflows"
        if let uid = request.parameters["uid"] ?? (isArchived ? request.parameter("name") : nil) {
            run = try await pipelines.run(uid.filter { $0 != "-" })
        } else {
            run = try await self.run(request)
        }
        let nodes = WorkflowNodes(
            run, try WorkflowPackage(reading: try await pipelines.package(of: run)),
            try await pipelines.tasks(of: run.id))
        run = try await pipelines.run(run.id)
        let name = request.parameter("artifact")
        guard let task = nodes.task(id: request.parameter("node")), let artifact = task.outputs.artifacts[name]?.first
        else {
            throw GyreError(.notFound, "The node has no output artifact \"\(name.prefix(80))\".")
        }
        guard artifact.isSingleFile, let entry = artifact.tree.entries.first else {
            return .json([
                "files": .array(
                    artifact.tree.entries.map {
                        ["path": .string($0.path.description), "size": .int($0.blob.sizeBytes)]
                    })
            ])
        }
        return HTTPResponse(
            headers: [
                ("content-type", "application/octet-stream"),
                ("content-disposition", "attachment; filename=\"\(name)\""), ("x-content-type-options", "nosniff"),
            ], body: .bytes(try await pipelines.bytes(of: entry.blob.digest)))
    }
}
