// SPDX-License-Identifier: Apache-2.0

internal import GyreApprovals
internal import GyreBase
internal import GyreEvaluation
internal import GyreFeatures
internal import GyreIdentity
internal import GyreInference
internal import GyreKFP
internal import GyreNotification
internal import GyrePipelines
internal import GyreQuality
internal import GyreRegistry
internal import GyreReleases
internal import GyreRollout
internal import GyreSQLite
internal import GyreServing
internal import GyreTracing
internal import GyreTracking
internal import GyreVault
internal import GyreVersioning

/// The second layer of the object graph: the areas, each over the stores and knowing no other.
struct AreaServices: Sendable {
    let tracking: Tracking
    let tracing: Tracing
    let registry: Registry
    let loggedModels: LoggedModels
    let webhooks: Webhooks
    let evaluationDatasets: EvaluationDatasets
    let scorers: Scorers
    let issues: Issues
    let versioning: Versioning
    let dataRemotes: DataRemotes
    let checker: Checker
    let features: Features
    let rollouts: Rollouts
    let releases: Releases
    let host: ModelHost
    let pipelines: Pipelines
    let pipelineCatalog: PipelineCatalog
    let pipelineExperiments: PipelineExperiments
    let schedules: Schedules
    let flows: Flows
    let manifests: Manifests
    let lockLimits: LockLimits
    let vault: Vault
    let approvals: Approvals

    init(
        _ stores: Stores, home: HomeFolder, settings: Settings, choices: ServeChoices, address: AddressBox,
        ended: EndedRuns, wide: ServerWide, surroundings: Surroundings
    ) {
        let ledger = stores.ledger
        let tracking = Tracking(store: SQLiteTrackingStore(stores.database), surroundings: surroundings) {
            // A workspace that is gone has no runs to limit.
            (try? wide.identity.workspace(choices.workspace))?.quota.runs
        }
        self.tracking = tracking
        tracing = Tracing(store: SQLiteTraceStore(stores.database), surroundings: surroundings) {
            id throws(GyreError) in
            let experiment = try await tracking.experiment(String(id))
            return (experiment.artifactLocation, experiment.isDeleted)
        }
        registry = Registry(store: ledger, surroundings: surroundings)
        loggedModels = LoggedModels(store: ledger, surroundings: surroundings)
        webhooks = Webhooks(
            store: ledger, sender: stores.webhooks, surroundings: surroundings, allowedSchemes: settings.webhookSchemes)
        evaluationDatasets = EvaluationDatasets(store: ledger, surroundings: surroundings)
        scorers = Scorers(store: ledger, surroundings: surroundings)
        issues = Issues(store: ledger, surroundings: surroundings)
        let versioning = Versioning(
            store: ledger, blobs: stores.blobs, tables: stores.tables, surroundings: surroundings)
        self.versioning = versioning
        dataRemotes = DataRemotes(names: SQLiteObjectNameStore(stores.database), blobs: stores.blobs, store: ledger)
        checker = Checker(tables: stores.tables, surroundings: surroundings)
        features = Features(
            store: ledger, blobs: stores.blobs, tables: stores.tables, online: SQLiteOnlineStore(stores.database),
            surroundings: surroundings)
        rollouts = Rollouts(store: ledger, surroundings: surroundings)
        releases = Releases(store: ledger, surroundings: surroundings)
        host = ModelHost(
            runtimes: [
                stores.onnx, TreeRuntime(.xgboost, search: settings.libraries),
                TreeRuntime(.lightgbm, search: settings.libraries), PythonRuntime(python: settings.python),
                RemoteRuntime(), BentoRuntime(),
                RayRuntime(address: choices.ray ?? settings.ray, python: settings.python),
            ], budgetBytes: choices.modelMemoryBytes, surroundings: surroundings)
        let vault = Vault(store: ledger, surroundings: surroundings) { () throws(GyreError) in
            try SealingKey(try KeyFiles.read(settings.secretKeyFile ?? home.secretKey))
        }
        self.vault = vault
        approvals = Approvals(store: ledger, surroundings: surroundings)
        let tokens = TaskTokens(wide, workspace: choices.workspace, surroundings: surroundings)
        lockLimits = LockLimits(ledger: ledger)
        manifests = Manifests(ledger: ledger, surroundings: surroundings)
        pipelines = Pipelines(
            ledger: ledger, store: SQLitePipelineStore(stores.database), blobs: stores.blobs,
            executor: stores.executor,
            options: PipelineOptions(
                folder: home.tasks, timeoutSeconds: settings.taskTimeoutSeconds, runningTasks: settings.runningTasks,
                variables: { run, task, inputs in Self.variables(run, task, inputs, address, tokens) },
                secret: { name throws(GyreError) in try await vault.open(name) },
                resolve: { text throws(GyreError) in try await versioning.version(try Ref(parsing: text)).ref },
                files: { ref throws(GyreError) in try await versioning.version(ref).tree },
                read: PipelinePackages.read,
                passed: CrashSwitch(settings.crashAfterMoments).passed,
                lockLimit: { [lockLimits] name throws(GyreError) in try await lockLimits.limit(name) },
                onEnd: { run in
                    tokens.forget(run)
                    return await ended.tell(run)
                }), surroundings: surroundings)
        pipelineCatalog = PipelineCatalog(
            ledger: ledger, blobs: stores.blobs, surroundings: surroundings, read: PipelinePackages.read)
        flows = Flows(store: SQLiteFlowStore(stores.database), surroundings: surroundings)
        pipelineExperiments = PipelineExperiments(ledger: ledger, surroundings: surroundings)
        schedules = Schedules(
            ledger: ledger, blobs: stores.blobs, pipelines: pipelines, catalog: pipelineCatalog,
            surroundings: surroundings, fill: ScheduledParameters.filled)
    }

    /// What the process of a task is told beside its command.
    private static func variables(
        _ run: PipelineRun, _ task: TaskRecord, _ inputs: [String: Ref], _ address: AddressBox, _ tokens: TaskTokens
    ) -> [String: String] {
        // mlflow reads the tags of its runs from this variable, and the ledger its lineage from the tags.
        var tags: JSONValue = [
            "gyre.pipeline_run": .string(run.id), "gyre.task": .string(task.ref.description),
            "gyre.input.pipeline_run": .string(run.ref.description),
        ]
        for (name, ref) in inputs { tags["gyre.input.\(name)"] = .string(ref.description) }
        var variables = ["MLFLOW_RUN_CONTEXT": tags.text, "OMP_NUM_THREADS": "1", "GIT_PYTHON_REFRESH": "quiet"]
        if let server = address.value, !server.hasPrefix("unix:") {
            // What makes a release again tracks and registers apart from everything else.
            let path = run.purpose.reproduced == nil ? "" : ReproductionFolder.path(of: run.id)
            variables["MLFLOW_TRACKING_URI"] = "\(server.contains("://") ? "" : "http://")\(server)\(path)"
            // A certificate is for the name that others know; the tasks of this machine are told its own address.
            if address.isOwnEncrypted { variables["MLFLOW_TRACKING_INSECURE_TLS"] = "true" }
            variables["MLFLOW_TRACKING_TOKEN"] = tokens.token(for: run)
        }
        return variables
    }
}
