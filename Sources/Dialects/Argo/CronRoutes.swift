// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

extension ArgoDialect {
    private static let cron = StoredKind(Kind.cron, "CronWorkflow")

    var cronRoutes: [Route] {
        let all = "\(Self.root)/cron-workflows/{namespace}"
        let one = "\(all)/{name}"
        return [
            Route("POST", all, .runCode, createCron),
            Route("POST", "\(all)/lint", .read) { request throws(GyreError) in
                let (object, _) = try await body(request, Self.cron)
                for schedule in try await drafts(object, in: request.parameter("namespace"), by: "lint") {
                    try await schedules.check(schedule.schedule, package: schedule.package)
                }
                return .json(object)
            },
            Route("GET", all, .read) { request throws(GyreError) in
                let labels = try Selector(request.query("listOptions.labelSelector") ?? "")
                var items: [JSONValue] = []
                for manifest in try await manifests.manifests(Kind.cron, request.parameter("namespace"))
                where labels.fits(WorkflowReader.texts(manifest.body["metadata"]?["labels"])) {
                    items.append(try await cronObject(manifest))
                }
                return .json(["metadata": ["resourceVersion": "1"], "items": .array(items)])
            },
            Route("GET", one, .read) { request throws(GyreError) in
                .json(try await cronObject(try await manifest(request, Self.cron)))
            },
            Route("PUT", one, .runCode, updateCron), Route("DELETE", one, .runCode, deleteCron),
            Route("PUT", "\(one)/suspend", .runCode) { request throws(GyreError) in try await enable(request, false) },
            Route("PUT", "\(one)/resume", .runCode) { request throws(GyreError) in try await enable(request, true) },
        ]
    }

    /// The schedules that a cron workflow stands for, with the package that they run.
    private func drafts(
        _ object: JSONValue, in namespace: String, by actor: String
    ) async throws(GyreError) -> [(schedule: Schedule, package: [UInt8])] {
        let spec = object["spec"] ?? [:]
        for name in ["when", "stopStrategy"] where spec[name] != nil && spec[name] != .null {
            throw GyreError(
                .unsupported, "The cron workflow has spec.\(name), which is not acted on here.", fix: "Leave it out.")
        }
        let name = object["metadata"]?["name"]?.string ?? ""
        guard let workflow = WorkflowPackage.runnable(object) else {
            throw GyreError(.invalid, "The cron workflow has no spec.workflowSpec.")
        }
        var labelled = workflow
        var metadata = workflow["metadata"] ?? [:]
        var labels = metadata["labels"] ?? [:]
        labels["workflows.argoproj.io/cron-workflow"] = .string(name)
        metadata["labels"] = labels
        labelled["metadata"] = metadata
        let package = try await package(labelled, in: namespace)
        var expressions = spec["schedules"]?.strings ?? []
        if let one = spec["schedule"]?.string, !one.isEmpty { expressions.append(one) }
        guard !expressions.isEmpty else { throw GyreError(.invalid, "The cron workflow has no spec.schedules.") }
        var made: [(Schedule, [UInt8])] = []
        for expression in expressions {
            let trigger = try CronExpression(expression, zone: spec["timezone"]?.string ?? "UTC")
            var schedule = schedules.draft(
                name, .cron(trigger), .package(Digest(of: package.bytes)), by: actor)
            schedule.namespace = namespace
            schedule.annotations = [
                "labels": labels, "annotations": metadata["annotations"] ?? [:], "cron_workflow": .string(name),
            ]
            switch spec["concurrencyPolicy"]?.string ?? "Allow" {
            case "Allow", "":
                schedule.overlap = .allow
                schedule.mostRunning = Limits.scheduleRuns
            case "Forbid": schedule.overlap = .forbid
            case "Replace": schedule.overlap = .replace
            case let other:
                throw GyreError(
                    .invalid, "spec.concurrencyPolicy is \"\(other.prefix(40))\".",
                    why: "It is Allow, Forbid or Replace.")
            }
            schedule.catchesUp = false
            // The clock looks every second or so; what comes later than that was missed.
            schedule.latestStartSeconds = max(30, spec["startingDeadlineSeconds"]?.int ?? 0)
            schedule.isEnabled = !(spec["suspend"]?.bool ?? false)
            made.append((schedule, package.bytes))
        }
        return made
    }

    private func createCron(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        var (object, isTrial) = try await body(request, Self.cron)
        let (namespace, actor) = (request.parameter("namespace"), request.actor(surface: "argo"))
        let name = try name(object["metadata"] ?? [:])
        object["metadata"]?["name"] = .string(name)
        let drafts = try await drafts(object, in: namespace, by: actor)
        for draft in drafts { try await schedules.check(draft.schedule, package: draft.package) }
        if isTrial { return .json(object) }
        // The name is taken first: whoever comes second makes no schedules.
        let manifest = try await manifests.create(
            Kind.cron, namespace, name, object, schedules: drafts.map(\.schedule.id), by: actor)
        for draft in drafts { try await schedules.create(draft.schedule, package: draft.package, by: actor) }
        return .json(try await cronObject(manifest))
    }

    private func updateCron(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        var (object, _) = try await body(request, Self.cron)
        let (namespace, name) = (request.parameter("namespace"), request.parameter("name"))
        object["metadata"]?["name"] = .string(name)
        return .json(
            try await cronObject(
                try await renew(
                    try await manifests.manifest(Kind.cron, namespace, name), object, Self.version(of: object),
                    by: request.actor(surface: "argo"))))
    }

    /// Puts new schedules in the place of those that act for a cron workflow.
    private func renew(
        _ manifest: Manifest, _ object: JSONValue, _ version: Int64?, by actor: String
    ) async throws(GyreError) -> Manifest {
        let drafts = try await drafts(object, in: manifest.namespace, by: actor)
        for draft in drafts { try await schedules.check(draft.schedule, package: draft.package) }
        let ids = drafts.map(\.schedule.id)
        let changed = try await manifests.change(
            Kind.cron, manifest.namespace, manifest.name, version: version, by: actor
        ) {
            $0.body = object
            $0.schedules = ids
        }
        var lastTick: Int64?
        for id in manifest.schedules {
            if let known = try? await schedules.schedule(id).lastTick { lastTick = max(known, lastTick ?? known) }
        }
        try await removeSchedules(manifest, by: actor)
        for draft in drafts {
            var schedule = draft.schedule
            schedule.lastTick = lastTick
            try await schedules.create(schedule, package: draft.package, by: actor)
        }
        return changed
    }

    /// Has the cron workflows of a namespace run what the stored templates are now.
    func renewSchedules(_ namespace: String, by actor: String) async throws(GyreError) {
        for manifest in try await manifests.manifests(Kind.cron, namespace)
        where !Self.references(manifest.body["spec"] ?? [:]).isEmpty {
            _ = try await renew(manifest, manifest.body, nil, by: actor)
        }
    }

    private func removeSchedules(_ manifest: Manifest, by actor: String) async throws(GyreError) {
        for id in manifest.schedules {
            do throws(GyreError) { try await schedules.remove(id, by: actor) } catch {
                // One that somebody removed by hand is gone.
                guard error.code == .notFound else { throw error }
            }
        }
    }

    private func deleteCron(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let actor = request.actor(surface: "argo")
        let manifest = try await manifests.remove(
            Kind.cron, request.parameter("namespace"), request.parameter("name"), by: actor)
        try await removeSchedules(manifest, by: actor)
        return .json([:])
    }

    private func enable(_ request: HTTPRequest, _ isEnabled: Bool) async throws(GyreError) -> HTTPResponse {
        let actor = request.actor(surface: "argo")
        let manifest = try await manifest(request, Self.cron)
        for id in manifest.schedules { _ = try await schedules.enable(id, isEnabled, by: actor) }
        return .json(
            try await cronObject(
                try await manifests.change(Kind.cron, manifest.namespace, manifest.name, by: actor) {
                    $0.body["spec"]?["suspend"] = .bool(!isEnabled)
                }))
    }

    /// A cron workflow with what its schedules have done.
    private func cronObject(_ manifest: Manifest) async throws(GyreError) -> JSONValue {
        var object = Self.object(manifest, Self.cron)
        var last: Int64?
        var active: [JSONValue] = []
        for id in manifest.schedules {
            var query = PipelineRunQuery()
            query.conditions = [
                .init(.schedule, .equal, .string(id)), .init(.state, .among, ["PENDING", "RUNNING"]),
            ]
            for run in try await pipelines.runs(query).runs {
                active.append([
                    "kind": "Workflow", "name": .string(run.name), "namespace": .string(manifest.namespace),
                    "uid": .string(WorkflowObject.uid(run.id)), "apiVersion": "argoproj.io/v1alpha1",
                ])
            }
            do throws(GyreError) {
                let tick = try await schedules.schedule(id).lastTick
                if let tick { last = max(tick, last ?? tick) }
            } catch {
                // One that somebody removed by hand has done nothing that is known.
                guard error.code == .notFound else { throw error }
            }
        }
        object["status"] = [
            "active": .array(active), "lastScheduledTime": .optional(last.map { WorkflowNames.time($0) }),
            "conditions": [],
            "phase": "Active", "succeeded": 0, "failed": 0,
        ]
        return object
    }
}
