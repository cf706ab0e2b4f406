// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyrePipelines

extension ArgoDialect {
    var cronRoutes: [Route] {
        let all = "\(Self.root)/cron-workflows/{namespace}"
        let one = "\(all)/{name}"
        return [
            Route("POST", all, .runCode, createCron),
            Route("POST", "\(all)/lint", .read) { request throws(GyreError) in
                let (object, _) = try await body(request, StoredKind.cron)
                for schedule in try await drafts(object, in: request.parameter("namespace"), by: "lint") {
                    try await schedules.check(schedule.schedule, package: schedule.package)
                }
                return .json(object)
            },
            Route("GET", all, .read) { request throws(GyreError) in
                let labels = try Selector(request.query("listOptions.labelSelector") ?? "")
                var items: [JSONValue] = []
                for manifest in try await manifests.manifests(StoredKind.cron.rawValue, request.parameter("namespace"))
                where labels.fits(WorkflowReader.texts(manifest.body["metadata"]?["labels"])) {
                    items.append(try await cronObject(manifest))
                }
                return .json(["metadata": ["resourceVersion": "1"], "items": .array(items)])
            },
            Route("GET", one, .read) { request throws(GyreError) in
                .json(try await cronObject(try await manifest(request, StoredKind.cron)))
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
        var (object, isTrial) = try await body(request, StoredKind.cron)
        let (namespace, actor) = (request.parameter("namespace"), request.actor(surface: "argo"))
        let name = try name(object["metadata"] ?? [:])
        object["metadata"]?["name"] = .string(name)
        let drafts = try await drafts(object, in: namespace, by: actor)
        let exchange = try await schedules.exchange([], for: drafts, by: actor)
        if isTrial { return .json(object) }
        return .json(
            try await cronObject(
                try await manifests.create(
                    StoredKind.cron.rawValue, namespace, name, object, schedules: drafts.map(\.schedule.id),
                    with: exchange, by: actor)))
    }

    private func updateCron(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        var (object, _) = try await body(request, StoredKind.cron)
        let (namespace, name) = (request.parameter("namespace"), request.parameter("name"))
        object["metadata"]?["name"] = .string(name)
        return .json(
            try await cronObject(
                try await renew(
                    try await manifests.manifest(StoredKind.cron.rawValue, namespace, name), object,
                    Self.version(of: object),
                    by: request.actor(surface: "argo"))))
    }

    /// Puts new schedules in the place of those that act for a cron workflow.
    private func renew(
        _ manifest: Manifest, _ object: JSONValue, _ version: Int64?, by actor: String
    ) async throws(GyreError) -> Manifest {
        let drafts = try await drafts(object, in: manifest.namespace, by: actor)
        let exchange = try await schedules.exchange(manifest.schedules, for: drafts, by: actor)
        let ids = drafts.map(\.schedule.id)
        return try await manifests.change(
            manifest.kind, manifest.namespace, manifest.name, version: version ?? manifest.version, with: exchange,
            by: actor
        ) {
            $0.body = object
            $0.schedules = ids
        }
    }

    /// Has the cron workflows of a namespace run what the stored templates are now.
    func renewSchedules(_ namespace: String, by actor: String) async throws(GyreError) {
        for manifest in try await manifests.manifests(StoredKind.cron.rawValue, namespace)
        where !Self.references(manifest.body["spec"] ?? [:]).isEmpty {
            _ = try await renew(manifest, manifest.body, nil, by: actor)
        }
    }

    private func deleteCron(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let (manifest, actor) = (try await manifest(request, .cron), request.actor(surface: "argo"))
        try await manifests.remove(
            manifest, with: try await schedules.exchange(manifest.schedules, for: [], by: actor), by: actor)
        return .json([:])
    }

    private func enable(_ request: HTTPRequest, _ isEnabled: Bool) async throws(GyreError) -> HTTPResponse {
        let actor = request.actor(surface: "argo")
        let manifest = try await manifest(request, StoredKind.cron)
        for schedule in try await schedules.schedules(manifest.schedules) {
            _ = try await schedules.enable(schedule.id, isEnabled, by: actor)
        }
        return .json(
            try await cronObject(
                try await manifests.change(StoredKind.cron.rawValue, manifest.namespace, manifest.name, by: actor) {
                    $0.body["spec"]?["suspend"] = .bool(!isEnabled)
                }))
    }

    /// A cron workflow with what its schedules have done.
    private func cronObject(_ manifest: Manifest) async throws(GyreError) -> JSONValue {
        var object = Self.object(manifest, StoredKind.cron)
        let acting = try await schedules.schedules(manifest.schedules)
        let last = acting.compactMap(\.lastTick).max()
        var active: [JSONValue] = []
        for schedule in acting {
            for run in try await schedules.running(of: schedule.id) {
                active.append([
                    "kind": "Workflow", "name": .string(run.name), "namespace": .string(manifest.namespace),
                    "uid": .string(WorkflowObject.uid(run.id)), "apiVersion": "argoproj.io/v1alpha1",
                ])
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
