// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreExecution
internal import GyreNativeLibraries

/// What the environment says; read once.
struct Settings: Sendable {
    let defaultHome: String
    let defaultServer: String?
    let actor: String
    /// Where set-up keeps its Python environment, and tasks theirs.
    let toolsFolder: String
    let libraries: NativeLibrary.Search
    /// Seconds after which a task of a pipeline is stopped.
    let taskTimeoutSeconds: Int
    /// Tasks of pipelines that run at the same time.
    var runningTasks: Int
    /// Images, beside the usual ones, that stand for this machine's own programs in pipelines.
    let taskImages: [String]

    /// Names, besides addresses and `localhost`, that this server is known by.
    let allowedHosts: [String]
    /// Whether webhooks may point into the own network, and by which schemes.
    let webhooksMayStayInside: Bool
    let webhookSchemes: [String]

    static func read() -> Settings {
        let environment = ProcessInfo.processInfo.environment
        let user = NSHomeDirectory()
        let tools = environment["GYRE_TOOLS"] ?? (environment["XDG_CACHE_HOME"] ?? user + "/.cache") + "/gyre"
        var overrides: [String: String] = [:]
        overrides["DuckDB"] = environment["GYRE_DUCKDB"]
        overrides["XGBoost"] = environment["GYRE_XGBOOST"]
        overrides["LightGBM"] = environment["GYRE_LIGHTGBM"]
        overrides["ONNX Runtime"] = environment["GYRE_ONNXRUNTIME"]
        return Settings(
            defaultHome: environment["GYRE_HOME"] ?? user + "/.gyre", defaultServer: environment["GYRE_SERVER"],
            actor: environment["GYRE_ACTOR"] ?? NSUserName(), toolsFolder: tools,
            libraries: NativeLibrary.Search(toolsFolder: tools, overrides: overrides),
            taskTimeoutSeconds: environment["GYRE_TASK_TIMEOUT_SECONDS"].flatMap { Int($0) } ?? 24 * 3600,
            runningTasks: max(
                1,
                environment["GYRE_RUNNING_TASKS"].flatMap { Int($0) }
                    ?? max(Limits.runningTasks, ProcessInfo.processInfo.activeProcessorCount)),
            taskImages: list(environment["GYRE_TASK_IMAGES"]) ?? [],
            allowedHosts: list(environment["GYRE_ALLOWED_HOSTS"]) ?? [],
            webhooksMayStayInside: environment["MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS"]?.lowercased() == "true",
            webhookSchemes: list(environment["MLFLOW_WEBHOOK_ALLOWED_SCHEMES"]) ?? ["https"])
    }

    private static func list(_ text: String?) -> [String]? {
        text?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    /// What proves to a server who calls; nil where nothing is said.
    var token: String? { ProcessInfo.processInfo.environment["GYRE_TOKEN"] }
    /// The file of the key that signs the ledger; nil for the one in the home.
    var ledgerKeyFile: String? { ProcessInfo.processInfo.environment["GYRE_LEDGER_KEY_FILE"] }
    /// A command that signs the ledger in place of a key, and the key that checks what it signs; nil for none.
    var ledgerSigner: (command: String, key: String)? {
        let environment = ProcessInfo.processInfo.environment
        guard let command = environment["GYRE_LEDGER_SIGN_COMMAND"] else { return nil }
        return (command, environment["GYRE_LEDGER_PUBLIC_KEY"] ?? "")
    }
    /// The name that the ledger's signed states have; nil for one made of the key.
    var ledgerName: String? { ProcessInfo.processInfo.environment["GYRE_LEDGER_NAME"] }
    /// Places outside of the home that are told of signed states.
    var anchors: [String] { Self.list(ProcessInfo.processInfo.environment["GYRE_LEDGER_ANCHORS"]) ?? [] }

    /// How many moments of the pipeline engine pass before this process kills itself; for tests of what a kill leaves.
    var crashAfterMoments: Int? { ProcessInfo.processInfo.environment["GYRE_CRASH_AFTER_MOMENTS"].flatMap { Int($0) } }

    /// Whether Pythons are kept up for the tasks of pipelines.
    var keepsPythonsUp: Bool { ProcessInfo.processInfo.environment["GYRE_WARM_PYTHON"] != "off" }

    /// What shuts off the tasks of pipelines, once one is to run; it gives nil for nothing.
    ///
    /// `home`: where Gyre has its data, which no task sees.
    /// - Throws: `.unavailable` where a sandbox is required and none can be made.
    func sandbox(hiding home: String) throws(GyreError) -> @Sendable () -> Sandbox? {
        let environment = ProcessInfo.processInfo.environment
        let mode = environment["GYRE_TASK_SANDBOX"] ?? "auto"
        guard ["auto", "off", "required"].contains(mode) else {
            throw GyreError(
                .invalid, "GYRE_TASK_SANDBOX is \"\(mode.prefix(40))\".", why: "It is auto, off or required.")
        }
        let network = environment["GYRE_TASK_NETWORK"] ?? "host"
        guard ["host", "none"].contains(network) else {
            throw GyreError(.invalid, "GYRE_TASK_NETWORK is \"\(network.prefix(40))\".", why: "It is host or none.")
        }
        if mode == "off" { return { nil } }
        if mode == "required", !Sandbox.isPossible() {
            throw GyreError(
                .unavailable, "GYRE_TASK_SANDBOX requires a sandbox, and none can be made.",
                why: "bubblewrap is not installed, or this system lets nobody make user namespaces.",
                fix: "apt-get install bubblewrap")
        }
        let sandbox = Sandbox(
            hidden: [NSHomeDirectory(), home], shown: [toolsFolder],
            writable: Self.list(environment["GYRE_TASK_FOLDERS"]) ?? [], sharesNetwork: network == "host")
        return { Sandbox.isPossible() ? sandbox : nil }
    }

    /// What runs the tasks of pipelines.
    func taskExecutor() throws(GyreError) -> LocalExecutors.Choice {
        let word = ProcessInfo.processInfo.environment["GYRE_TASK_EXECUTOR"] ?? "auto"
        if let choice = LocalExecutors.Choice(rawValue: word) { return choice }
        throw GyreError(
            .invalid, "GYRE_TASK_EXECUTOR is \"\(word.prefix(40))\".", why: "It is auto, process, container or ray.")
    }

    /// What runs tasks as jobs of a Ray cluster; nil where that is not asked for.
    func rayExecutor() throws(GyreError) -> RayExecutor? {
        guard try taskExecutor() == .ray else { return nil }
        guard let ray else {
            throw GyreError(
                .invalid, "GYRE_TASK_EXECUTOR is ray, and nobody says which cluster.",
                fix: "Set GYRE_RAY to the address of its dashboard: http://127.0.0.1:8265")
        }
        return RayExecutor(
            address: ray, environmentsFolder: environments, uv: uv, newID: Surroundings.live.newID)
    }

    /// What makes containers; nil for nothing.
    func containers() -> ContainerExecutor? {
        let environment = ProcessInfo.processInfo.environment
        guard let engine = ContainerExecutor.find(environment["GYRE_CONTAINER_ENGINE"]) else { return nil }
        let options = (environment["GYRE_CONTAINER_OPTIONS"] ?? "").split(separator: " ").map(String.init)
        return ContainerExecutor(
            engine: engine, options: options, pull: environment["GYRE_CONTAINER_PULL"] ?? "missing")
    }

    /// The file of the key that seals secrets; nil for the one in the home.
    var secretKeyFile: String? { ProcessInfo.processInfo.environment["GYRE_SECRET_KEY_FILE"] }
    /// The file of those who sign the certificates of servers that commands call; nil for the system's own.
    var authority: String? { ProcessInfo.processInfo.environment["GYRE_TLS_AUTHORITY"] }
    /// The workspace that is meant; nil for the usual one.
    var workspace: String? { ProcessInfo.processInfo.environment["GYRE_WORKSPACE"] }

    var python: String { toolsFolder + "/python/bin/python" }
    var uv: String { toolsFolder + "/python/bin/uv" }
    /// A folder of wheels that takes the place of the package index; nil for the index.
    var wheels: String? { ProcessInfo.processInfo.environment["GYRE_WHEELS"] }
    /// The dashboard of the Ray cluster that applications of Ray Serve, and tasks where that is set, run on; nil for none.
    var ray: String? { ProcessInfo.processInfo.environment["GYRE_RAY"] }
    var environments: String { toolsFolder + "/environments" }
    var staticFiles: String { toolsFolder + "/static" }

    /// A file of the pages that the mlflow of set-up's Python brings along; nil where it is not there.
    func mlflowPages(_ path: RelativePath) -> [UInt8]? {
        let libraries = toolsFolder + "/python/lib"
        // Without that folder there is no such file, which is the answer.
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries)) ?? []
        for version in versions.sorted() where version.hasPrefix("python3") {
            let file = "\(libraries)/\(version)/site-packages/mlflow/server/js/build/\(path)"
            if let content = FileManager.default.contents(atPath: file) { return Array(content) }
        }
        return nil
    }
}
