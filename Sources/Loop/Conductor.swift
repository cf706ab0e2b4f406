// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger
package import GyreMonitoring
package import GyrePipelines
internal import GyreQuality
package import GyreRegistry
package import GyreReleases
package import GyreRollout
package import GyreTracking
package import GyreVersioning

/// Carries out the policies of projects: each action is a fact with its reason.
package actor Conductor {
    let store: any LedgerStore
    let ingest: Ingest
    let versioning: Versioning
    let pipelines: Pipelines
    let registry: Registry
    let tracking: Tracking
    let releases: Releases
    let builder: ReleaseBuilder
    let rollouts: Rollouts
    let endpoints: Endpoints
    let monitors: Monitors

    package init(
        store: any LedgerStore, ingest: Ingest, versioning: Versioning, pipelines: Pipelines, registry: Registry,
        tracking: Tracking,
        releases: Releases, builder: ReleaseBuilder, rollouts: Rollouts, endpoints: Endpoints, monitors: Monitors
    ) {
        self.store = store
        self.ingest = ingest
        self.versioning = versioning
        self.pipelines = pipelines
        self.registry = registry
        self.tracking = tracking
        self.releases = releases
        self.builder = builder
        self.rollouts = rollouts
        self.endpoints = endpoints
        self.monitors = monitors
    }

    // MARK: Projects

    /// Sets what a project says; everything it names is read before anything is kept.
    package func apply(_ project: Project, by actor: String) async throws(GyreError) {
        for suite in project.suites.values where !suite.isNull { _ = try ingest.readSuite(suite) }
        _ = try CanaryPlan(steps: project.steps)
        try await store.commit(
            [.put(Document("project", project.name, project.json))],
            recording: [Fact("loop.project.applied", project.ref, by: actor, outputs: [project.ref])])
    }

    /// All projects by name.
    package func projects() async throws(GyreError) -> [Project] {
        try await store.documents("project").map { document throws(GyreError) in try Project(json: document.body) }
    }

    /// A project.
    /// - Throws: `.notFound`.
    package func project(_ name: String) async throws(GyreError) -> Project {
        if let found = try await store.document("project", name) { return try Project(json: found.body) }
        throw GyreError(.notFound, "No project is named \"\(name)\".", fix: "gyre apply -f gyre.yaml")
    }

    private func project(where fits: @Sendable (Project) -> Bool) async throws(GyreError) -> Project? {
        try await projects().first(where: fits)
    }

    // MARK: Data

    /// Checks a version that was added, with the suite of the project that has the dataset; accepts it, or stops it.
    /// - Returns: the result in the suite's own format; nil where no suite is asked for.
    package func dataAdded(_ version: DatasetVersion, by actor: String) async throws(GyreError) -> JSONValue? {
        guard let project = try await project(where: { $0.suites[version.name].map { !$0.isNull } ?? false }),
            let suite = project.suites[version.name]
        else { return nil }
        let (result, check) = try await ingest.check(version, suite, by: actor)
        let stop = project.policies(.checkFailed).first { $0.action == .stop }
        if result.isBlocking, let stop {
            let why =
                "\(result.failures.count) of \(result.results.count) expectations fail: "
                + result.failures.prefix(3).map(\.summary).joined(separator: "; ")
            try await act(stop, on: version.ref, inputs: [check], reason: why)
        } else {
            try await versioning.accept(version, reason: .string("check \(check) passed"), by: actor)
        }
        return try await ingest.checks(of: version.ref).last
    }

    // MARK: Training

    /// Makes the training set of what was accepted and starts the pipeline on it.
    package func train(
        _ project: Project, reason: String, overrides: [String: JSONValue] = [:], by actor: String
    ) async throws(GyreError) -> PipelineRun {
        let set = try await ingest.makeTrainingSet(project, by: actor)
        var request = Pipelines.Request(compiled: Array(project.pipeline.utf8))
        request.parameters = project.parameters.merging(overrides) { $1 }
        request.parameters[project.trainingParameter] = .string(set.ref.description)
        request.reason = reason
        return try await pipelines.start(request, by: actor)
    }

    /// Rolls out what a pipeline has registered.
    ///
    /// A run that only reproduces a release changes nothing that is live. What was done for the run already is not done again,
    /// so this may be told of the same run twice.
    package func pipelineEnded(_ run: PipelineRun) async throws(GyreError) {
        guard run.state == .succeeded, !run.reason.hasPrefix(Self.reproduction) else { return }
        guard let version = try await version(madeBy: run.id),
            let project = try await project(where: { $0.model == version.name }),
            let policy = project.policies(.modelTrained).first(where: { $0.action == .rollOut })
        else { return }
        let actor = "policy/\(policy.name)"
        let reason = run.reason.isEmpty ? "The pipeline run \(run.id.prefix(8)) registered it." : run.reason
        let known = try await releases.releases(of: project.endpoint).first { $0.pins.pipelineRun == run.ref }
        if let known {
            let facts = try await store.facts(FactQuery(mentioning: known.ref))
            if !facts.contains(where: { $0.fact.kind.hasPrefix("rollout.") }) {
                try await putOut(known, project, reason: reason, by: actor)
            }
        } else {
            _ = try await rollOut(version, project, reason: reason, by: actor)
        }
    }

    /// Does what a killed server left undone: runs that ended just before it could act on them.
    package func catchUp() async throws(GyreError) {
        for run in try await pipelines.runs().prefix(20).reversed() { try await pipelineEnded(run) }
    }

    // MARK: Rolling out

    /// Makes a release of a version and gives it traffic: all of it on an empty endpoint, else a canary.
    @discardableResult
    package func rollOut(
        model: String, selector: String, strategy: DeployStrategy = .usual, reason: String, by actor: String
    ) async throws(GyreError) -> Release {
        let version = try await registry.resolve(model, selector)
        let project = try await project { $0.model == model }
        if case .usual = strategy, let project {
            return try await rollOut(version, project, reason: reason, by: actor)
        }
        let endpoint = project?.endpoint ?? model
        let plan = try strategy.plan(usualSteps: project?.steps ?? DeployStrategy.usualSteps)
        let release = try await release(version, endpoint: endpoint, reason: reason, by: actor)
        guard let plan, try await rollouts.split(endpoint) != nil else {
            try await endpoints.deploy(release, reason: .string(reason), by: actor)
            if project != nil {
                try await registry.setAlias("champion", of: version.name, to: version.number, by: actor)
            }
            return release
        }
        _ = try await endpoints.startCanary(
            release, plan: plan, judge: Judge(json: project?.judge), reason: .string(reason), by: actor)
        if project != nil {
            try await registry.setAlias("challenger", of: version.name, to: version.number, by: actor)
        }
        return release
    }

    private func rollOut(
        _ version: ModelVersion, _ project: Project, reason: String, by actor: String
    ) async throws(GyreError) -> Release {
        let release = try await release(version, endpoint: project.endpoint, reason: reason, by: actor)
        try await putOut(release, project, reason: reason, by: actor)
        return release
    }

    /// Gives a release traffic: all of it on an empty endpoint, else a canary's.
    private func putOut(
        _ release: Release, _ project: Project, reason: String, by actor: String
    ) async throws(GyreError) {
        let model = release.pins.model
        let number = model.version.flatMap { Int($0) } ?? 0
        if try await rollouts.split(project.endpoint) == nil {
            try await endpoints.deploy(release, reason: .string(reason), by: actor)
            try await registry.setAlias("champion", of: model.name, to: number, by: actor)
        } else {
            _ = try await endpoints.startCanary(
                release, plan: try CanaryPlan(steps: project.steps), judge: Judge(json: project.judge),
                reason: .string(reason), by: actor)
            try await registry.setAlias("challenger", of: model.name, to: number, by: actor)
        }
    }

    func release(
        _ version: ModelVersion, endpoint: String, reason: String, by actor: String
    ) async throws(GyreError) -> Release {
        try await releases.create(
            try Name(endpoint, of: "endpoint"), try await builder.pins(of: version), reason: reason, by: actor)
    }

    /// Lets the judge look at every rollout under way; called again and again while the server runs.
    package func tick() async throws(GyreError) {
        for (endpoint, split) in try await rollouts.endpoints() where split.canary != nil {
            guard let rollout = try await endpoints.judge(endpoint) else { continue }
            if rollout.plan.state == .promoted { try await promoted(rollout) }
        }
    }

    /// A person's word on a rollout.
    package func command(
        _ event: CanaryPlan.Event, _ endpoint: String, reason: String, by actor: String
    ) async throws(GyreError) -> Rollout {
        let rollout = try await endpoints.command(event, endpoint, reason: reason, by: actor)
        if rollout.plan.state == .promoted { try await promoted(rollout) }
        return rollout
    }

    private func promoted(_ rollout: Rollout) async throws(GyreError) {
        let release = try await releases.release(rollout.endpoint, rollout.canary.release)
        try await registry.setAlias(
            "champion", of: release.pins.model.name, to: rollout.canary.version, by: "policy/canary")
    }

    // MARK: Monitoring

    /// Computes a window's report for what is stable, and acts on it as the policies say.
    /// - Returns: the report, and what was done about it.
    package func monitor(
        _ endpoint: String, window: String, from: Int64, to: Int64, by actor: String
    ) async throws(GyreError) -> (report: MonitorReport, actions: [String]) {
        guard let split = try await rollouts.split(endpoint) else {
            throw GyreError(.notFound, "No endpoint is named \"\(endpoint)\".", fix: "gyre endpoint list")
        }
        let report = try await monitors.report(endpoint, split.stable, window: window, from: from, to: to, by: actor)
        guard let project = try await project(where: { $0.endpoint == endpoint }) else { return (report, []) }
        var actions: [String] = []
        for policy in project.policies(.qualityFell) + project.policies(.drifted) {
            guard let reason = try await reason(of: policy, report) else { continue }
            switch policy.action {
            case .retrain:
                if try await pipelines.runs().contains(where: { !$0.state.isEnd }) || split.targets.count > 1 {
                    continue
                }
                let run = try await train(project, reason: reason, by: "policy/\(policy.name)")
                try await act(policy, on: Ref("endpoint", endpoint), inputs: [run.ref], reason: reason)
                actions.append("retrain: \(reason) → pipeline run \(run.id.prefix(8))")
            case .alert, .stop, .rollOut, .rollBack:
                try await act(policy, on: Ref("endpoint", endpoint), inputs: [], reason: reason)
                actions.append("\(policy.action.rawValue): \(reason)")
            }
        }
        return (report, actions)
    }

    private func reason(of policy: Project.Policy, _ report: MonitorReport) async throws(GyreError) -> String? {
        switch policy.trigger {
        case .drifted:
            let hits = report.drift.filter {
                $0.psi >= policy.threshold && (policy.column == nil || policy.column == $0.column)
            }
            guard !hits.isEmpty else { return nil }
            let list = hits.sorted { $0.psi > $1.psi }.prefix(4).map { "\($0.column) \(Self.short($0.psi))" }.joined(
                separator: ", ")
            return "In \(report.window) the stability index passes \(policy.threshold): \(list)"
        case .qualityFell:
            // Held against the first window in which this release was live: training data flatters a model.
            guard let now = report.performance?.areaUnderCurve else { return nil }
            let windows = try await monitors.reports(report.endpoint).filter {
                $0["release"]?.int == Int64(report.release)
            }
            guard let first = windows.first, first["window"]?.string != report.window,
                let before = first["performance"]?["auc"]?.double,
                before - now >= policy.threshold
            else { return nil }
            return
                "The AUC fell from \(Self.short(before)) in \(first["window"]?.string ?? "") to \(Self.short(now)) in \(report.window)"
        case .checkFailed, .modelTrained, .canaryWorse: return nil
        }
    }

    private static func short(_ number: Double) -> String { "\((number * 1000).rounded() / 1000)" }

    private func act(_ policy: Project.Policy, on subject: Ref, inputs: [Ref], reason: String) async throws(GyreError) {
        try await store.commit(
            [],
            recording: [
                Fact(
                    "loop.policy.acted", subject, by: "policy/\(policy.name)", inputs: inputs,
                    body: [
                        "action": .string(policy.action.rawValue), "trigger": .string(policy.trigger.rawValue),
                        "reason": .string(reason),
                    ])
            ])
    }

    // MARK: Going back

    /// How the reason of a run that reproduces a release begins.
    static let reproduction = "reproduce "

    /// Brings an endpoint to a release, at once.
    package func rollBack(to release: Release, by actor: String) async throws(GyreError) {
        try await endpoints.deploy(release, reason: .string("rolled to \(release.ref)"), by: actor)
        if let number = release.pins.model.version.flatMap({ Int($0) }) {
            try await registry.setAlias("champion", of: release.pins.model.name, to: number, by: actor)
        }
    }

    /// Carries out a rollback plan over all pointers and makes everything follow.
    package func carryOut(_ plan: RollbackPlan, by actor: String) async throws(GyreError) {
        guard !plan.moves.isEmpty else { return }
        try await store.commit(
            plan.changes,
            recording: [Fact("ledger.rolled-back", Ref("ledger", "main"), by: actor, body: ["to_seq": .int(plan.seq)])])
        for move in plan.moves where move.pointer.hasPrefix("endpoint/") && move.pointer.hasSuffix("#traffic") {
            try await endpoints.follow(String(move.pointer.dropFirst("endpoint/".count).dropLast("#traffic".count)))
        }
    }
}
