// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreDelivery
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
    let spaces: any ReproductionSpaces
    /// Moves of traffic that the alias `champion` is still to follow, by endpoint.
    var unsettled: [String: TrafficMove] = [:]

    /// A conductor of these services; projects are kept in `store`, and reproductions track and register in `spaces`.
    package init(
        store: any LedgerStore, ingest: Ingest, versioning: Versioning, pipelines: Pipelines, registry: Registry,
        tracking: Tracking,
        releases: Releases, builder: ReleaseBuilder, rollouts: Rollouts, endpoints: Endpoints, monitors: Monitors,
        spaces: any ReproductionSpaces
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
        self.spaces = spaces
    }

    // MARK: Projects

    /// Sets what a project says; everything it names is read before anything is kept.
    package func apply(_ project: Project, by actor: String) async throws(GyreError) {
        try check(project)
        try await store.commit(
            [.put(Document("project", project.name, project.json))],
            recording: [Fact("loop.project.applied", project.ref, by: actor, outputs: [project.ref])])
    }

    /// Reads everything that a project names.
    /// - Throws: `.invalid` for what cannot be set.
    package func check(_ project: Project) throws(GyreError) {
        for suite in project.suites.values where !suite.isNull { _ = try ingest.readSuite(suite) }
        _ = try CanaryPlan(steps: project.steps)
        _ = try Judge(json: project.judge)
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
            try await versioning.accept(version, reason: .string("check \(check) \(result.state.words)"), by: actor)
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
        request.parameters[project.trainingParameter] = .string(set.version.ref.description)
        request.reason = reason
        request.purpose = .training(set.version.ref, madeFrom: set.madeFrom)
        return try await pipelines.start(request, by: actor)
    }

    /// What training a project would read and be told; nothing is made or run.
    /// - Throws: as `train`, where data is missing or parameters do not fit.
    package func planTraining(
        _ project: Project, overrides: [String: JSONValue] = [:], by actor: String
    ) async throws(GyreError) -> JSONValue {
        let sources = try await ingest.trainingSources(project)
        var request = Pipelines.Request(compiled: Array(project.pipeline.utf8))
        request.parameters = project.parameters.merging(overrides) { $1 }
        // The set itself does not exist yet; any pinned name shows whether the pipeline takes one.
        let parameter = project.trainingParameter
        if let source = sources.first { request.parameters[parameter] = .string(source.ref.description) }
        var run = try await pipelines.plan(request, by: actor).json
        run["parameters"]?[parameter] = .null
        return [
            "project": .string(project.name), "pipeline": run["pipeline"] ?? .null,
            "datasets": .strings(sources.map(\.ref.description)), "training_parameter": .string(parameter),
            "parameters": run["parameters"] ?? [:], "dry_run": true,
        ]
    }

    /// Rolls out what a pipeline has registered, or compares what a reproduction has made.
    ///
    /// What was done for the run already is not done again, so this may be told of the same run twice.
    /// - Returns: what was done, in words.
    @discardableResult
    package func pipelineEnded(_ run: PipelineRun) async throws(GyreError) -> String {
        if let release = run.purpose.reproduced {
            try await reproductionEnded(run, of: release)
            return "What it made was compared with \(release)."
        }
        guard run.state == .succeeded else { return "Nothing: it \(run.state.rawValue.lowercased())." }
        let made = try await versions(madeBy: run.id)
        guard let last = made.last else { return "Nothing: it registered no model." }
        let projects = try await projects()
        guard
            let (version, project) = made.reversed().lazy.compactMap({ version in
                projects.first { $0.model == version.name }.map { (version, $0) }
            }).first
        else { return "Nothing: no project speaks for \(last.ref)." }
        guard let policy = project.policies(.modelTrained).first(where: { $0.action == .rollOut }) else {
            return "Nothing: no policy of \(project.ref) rolls out what was trained."
        }
        let actor = "policy/\(policy.name)"
        let reason = run.reason.isEmpty ? "The pipeline run \(run.id.prefix(8)) registered it." : run.reason
        let known = try await releases.releases(of: project.endpoint).first { $0.pins.pipelineRun == run.ref }
        if let known {
            let facts = try await store.facts(FactQuery(mentioning: known.ref))
            if !facts.contains(where: { $0.fact.kind.hasPrefix("rollout.") }) {
                try await putOut(
                    known, try await plan(request(for: version, reason: reason)), reason: reason, by: actor)
            }
            return "\(known.ref) went out by \(actor)."
        }
        let release = try await rollOut(request(for: version, reason: reason), by: actor)
        return "\(release.ref) went out by \(actor)."
    }

    /// Finishes work that a killed server left half done: runs that ended just before it could act on them.
    /// - Returns: what could not be finished, and why.
    package func catchUp() async throws(GyreError) -> [GyreError] {
        var problems: [GyreError] = []
        for run in try await pipelines.untoldEnds() {
            do throws(GyreError) {
                let deed: String
                do throws(GyreError) { deed = try await pipelineEnded(run) } catch {
                    problems.append(error)
                    deed = "That failed: \(error)"
                }
                try await pipelines.told(run, deed)
            } catch {
                problems.append(error)
            }
        }
        do throws(GyreError) {
            try await spaces.removeAll(
                but: Set(
                    try await pipelines.unended().filter { $0.purpose.reproduced != nil }.map(\.id)))
        } catch { problems.append(error) }
        do throws(GyreError) { try await recallPromotions() } catch { problems.append(error) }
        return problems
    }

    // MARK: Rolling out

    /// What a deployment will do, before it does it.
    package struct DeployPlan: Sendable {
        /// The version that goes out.
        package let version: ModelVersion
        /// Where.
        package let endpoint: String
        /// What has the traffic now; nil for an endpoint that serves nothing yet.
        package let stable: TrafficSplit.Target?
        /// The steps; nil gives it all traffic at once.
        package let plan: CanaryPlan?
        /// Who judges the steps.
        package let judge: Judge
        /// What the release will pin.
        package let pins: Release.Pins
        /// Whether aliases tell of it: a project speaks for the model.
        let movesAliases: Bool
    }

    /// What is asked for when a model version is deployed.
    package struct DeployRequest: Sendable {
        /// Where it goes out; nil for the endpoint of the model's project, or one with the model's name.
        package var endpoint: String?
        /// The model; nil for the one of the endpoint's project, or one with the endpoint's name.
        package var model: String?
        /// A number, an alias or `latest`.
        package var selector = "latest"
        /// How it comes to have traffic.
        package var strategy = DeployStrategy.canary(nil)
        /// Who judges; nil for the project's judge, or the usual one.
        package var judge: JSONValue?
        /// Why.
        package var reason = ""

        /// A canary of the newest version.
        package init() {}
    }

    /// What deploying would do; nothing is changed.
    ///
    /// An endpoint that serves nothing yet gets all traffic at once, since there is nothing to compare with; any other one a canary,
    /// unless all at once is asked for by name.
    package func plan(_ request: DeployRequest) async throws(GyreError) -> DeployPlan {
        let projects = try await projects()
        // A name may be that of the endpoint or of the model; the endpoint's comes first.
        let project =
            projects.first { $0.endpoint == request.endpoint && request.model == nil || $0.model == request.model }
            ?? projects.first { $0.model == request.endpoint && request.model == nil }
        guard let model = request.model ?? project?.model ?? request.endpoint else {
            throw GyreError(.invalid, "Neither an endpoint nor a model is named.")
        }
        let version = try await registry.resolve(model, request.selector)
        let named = request.model == nil ? project?.endpoint ?? request.endpoint : request.endpoint
        let endpoint = try Name(named ?? project?.endpoint ?? model, of: "endpoint").text
        let split = try await rollouts.split(endpoint)
        if let split { try await checkNumber(of: version, beside: split, on: endpoint) }
        let stable = split?.stable
        let usualSteps = try request.strategy.plan(usualSteps: project?.steps ?? DeployStrategy.usualSteps)
        let steps = stable == nil ? nil : usualSteps
        // What would be refused is refused before a release is made and a model is loaded.
        try await rollouts.checkCanDeploy(endpoint, asCanary: steps != nil)
        var judge = try Judge(json: request.judge, over: try Judge(json: project?.judge))
        // What a project asks of its shadows says nothing of a plan that compares nothing; who asks for it here is refused.
        if steps?.isMirrored != true, request.judge?["minimum_agreement"] == nil { judge.minimumAgreement = 0 }
        return DeployPlan(
            version: version, endpoint: endpoint, stable: stable, plan: steps, judge: judge,
            pins: try await builder.pins(of: version),
            movesAliases: project?.endpoint == endpoint)
    }

    /// Versions of an endpoint are told apart by their numbers, in its traffic, its log and its judge.
    /// - Throws: `.conflict` where another model has the same number there.
    private func checkNumber(
        of version: ModelVersion, beside split: TrafficSplit, on endpoint: String
    ) async throws(GyreError) {
        for target in split.targets where target.version == version.number {
            let model = try await releases.release(endpoint, target.release).pins.model
            guard model.name != version.name else { continue }
            throw GyreError(
                .conflict, "\(version.ref) cannot go out on \"\(endpoint)\".",
                why: "It serves \(model), and two models of the same number could not be told apart there.",
                fix: "Deploy it to an endpoint of its own: gyre endpoint deploy \(version.name)")
        }
    }

    /// Makes a release of a version and gives it traffic as `plan(_:)` tells it.
    @discardableResult
    package func rollOut(_ request: DeployRequest, by actor: String) async throws(GyreError) -> Release {
        let plan = try await plan(request)
        let release = try await releases.create(
            try Name(plan.endpoint, of: "endpoint"), plan.pins, reason: request.reason, by: actor)
        try await putOut(release, plan, reason: request.reason, by: actor)
        return release
    }

    /// Gives a release the traffic that was planned.
    private func putOut(
        _ release: Release, _ plan: DeployPlan, reason: String, by actor: String
    ) async throws(GyreError) {
        if let steps = plan.plan {
            _ = try await endpoints.startCanary(
                release, plan: steps, judge: plan.judge, reason: .string(reason), by: actor)
        } else {
            try await endpoints.deploy(release, reason: .string(reason), by: actor)
        }
        guard plan.movesAliases else { return }
        try await registry.setAlias(
            plan.plan == nil ? "champion" : "challenger", of: plan.version.name, to: plan.version.number, by: actor)
    }

    /// The deployment of what a project's pipeline has registered.
    private func request(for version: ModelVersion, reason: String) -> DeployRequest {
        var request = DeployRequest()
        request.model = version.name
        request.selector = String(version.number)
        request.reason = reason
        return request
    }

    func release(
        _ version: ModelVersion, endpoint: String, reason: String, by actor: String
    ) async throws(GyreError) -> Release {
        try await releases.create(
            try Name(endpoint, of: "endpoint"), try await builder.pins(of: version), reason: reason, by: actor)
    }

    /// Lets the judge look at every rollout under way; called again and again while the server runs.
    ///
    /// An endpoint that cannot be judged does not keep the others from it.
    /// - Throws: what went wrong, once all were looked at.
    package func tick() async throws(GyreError) {
        var problems: [GyreError] = []
        for (endpoint, split) in try await rollouts.endpoints() {
            do throws(GyreError) {
                if split.canary != nil, let rollout = try await endpoints.judge(endpoint) {
                    if rollout.plan.state == .promoted { try await promoted(rollout) }
                }
                try await settleAlias(of: endpoint)
                try await reviewEnded(endpoint)
            } catch {
                problems.append(
                    GyreError(error.code, "The endpoint \"\(endpoint)\" was not judged.", why: error.description))
            }
        }
        if let first = problems.first {
            throw problems.count == 1
                ? first
                : GyreError(
                    first.code, "\(problems.count) endpoints were not judged.",
                    why: problems.map(\.description).joined(separator: " "))
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

    // MARK: Monitoring

    /// Computes a window's report for what is stable, and acts on it as the policies say.
    ///
    /// `isDryRun`: the report is computed, and nothing is recorded or done.
    /// - Returns: the report, and what was done about it, or would be.
    package func monitor(
        _ endpoint: String, window: String, from: Int64, to: Int64, isDryRun: Bool = false, by actor: String
    ) async throws(GyreError) -> (report: MonitorReport, actions: [String]) {
        guard let split = try await rollouts.split(endpoint) else {
            throw GyreError(.notFound, "No endpoint is named \"\(endpoint)\".", fix: "gyre endpoint list")
        }
        let report = try await monitors.report(endpoint, split.stable, window: window, from: from, to: to)
        if !isDryRun { try await monitors.record(report, by: actor) }
        guard let project = try await project(where: { $0.endpoint == endpoint }) else { return (report, []) }
        var actions: [String] = []
        for policy in project.policies(.qualityFell) + project.policies(.drifted) {
            guard let reason = try await reason(of: policy, report) else { continue }
            switch policy.action {
            case .retrain:
                if try await !pipelines.unended().isEmpty || split.targets.count > 1 {
                    continue
                }
                if isDryRun {
                    actions.append("retrain: \(reason)")
                    continue
                }
                let run = try await train(project, reason: reason, by: "policy/\(policy.name)")
                try await act(policy, on: Ref("endpoint", endpoint), inputs: [run.ref], reason: reason)
                actions.append("retrain: \(reason) → pipeline run \(run.id.prefix(8))")
            case .alert, .stop, .rollOut, .rollBack:
                if !isDryRun { try await act(policy, on: Ref("endpoint", endpoint), inputs: [], reason: reason) }
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
            let list = hits.sorted { $0.psi > $1.psi }.prefix(4).map { "\($0.column) \(Number.readable($0.psi))" }
                .joined(
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
                "The AUC fell from \(Number.readable(before)) in \(first["window"]?.string ?? "") to \(Number.readable(now)) in \(report.window)"
        case .checkFailed, .modelTrained, .canaryWorse: return nil
        }
    }

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

    /// Brings an endpoint to a release, at once.
    package func rollBack(to release: Release, by actor: String) async throws(GyreError) {
        try await endpoints.deploy(release, reason: .string("rolled to \(release.ref)"), by: actor)
        try await moveChampion(to: release, by: actor)
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
