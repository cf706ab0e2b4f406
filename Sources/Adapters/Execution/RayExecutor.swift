// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyrePipelines
internal import GyreRay

/// Runs tasks as jobs of a Ray cluster, by the REST API of its dashboard.
///
/// The nodes of the cluster see the folders of tasks and the environments of this machine at the same paths: one machine, or a shared disk. What a
/// job prints is in the task's own log, and stays there when the cluster has gone.
package struct RayExecutor: TaskExecutor {
    private let dashboard: RayDashboard
    private let environments: PythonEnvironments
    private let newID: @Sendable () -> String

    /// Jobs of the cluster whose dashboard is at `address`, with environments in `folder` that `uv` makes.
    package init(
        address: String, environmentsFolder folder: String, uv: String, newID: @escaping @Sendable () -> String
    ) {
        dashboard = RayDashboard(address: address)
        environments = PythonEnvironments(folder: folder, uv: uv)
        self.newID = newID
    }

    package func kind(of image: String) -> String { "ray" }

    /// Runs a command as a job until it ends.
    /// - Returns: the exit status.
    /// - Throws: `.unavailable` where the cluster does not answer for a minute, or lost the job.
    package func run(
        _ launch: TaskLaunch, onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Int32 {
        guard launch.root == nil, launch.output == nil else {
            throw GyreError(
                .unsupported, "The task reads or writes at paths of its own, which a job of Ray does not have.",
                fix: "Run it here: GYRE_TASK_EXECUTOR=auto.")
        }
        let bin = try await environments.bin(for: launch.requirements)
        var variables = launch.environment
        variables["PATH"] = "\(bin):/usr/local/bin:/usr/bin:/bin"
        variables["VIRTUAL_ENV"] = String(bin.dropLast(4))
        variables["PYTHONUNBUFFERED"] = "1"
        let id = "gyre-\(Self.label(launch.folder))-\(newID().prefix(8))"
        let words = launch.command.map(Self.quoted).joined(separator: " ")
        let body: JSONValue = [
            "entrypoint": .string("cd \(Self.quoted(launch.folder)) && exec \(words)"), "submission_id": .string(id),
            "runtime_env": [
                "env_vars": .object(
                    JSONObject(variables.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
            ],
            "metadata": ["gyre.task": .string(Self.label(launch.folder))],
        ]
        _ = try await dashboard.ask("POST", "/api/jobs/", body)
        do {
            return try await ChildProcess.within(seconds: launch.timeoutSeconds) {
                try await follow(id, launch, onStart)
            }
        } catch {
            // Whoever asks for it, also where the task that asks was cancelled.
            await Task.detached { await stop(id) }.value
            throw GyreError.wrapping(error, "Running a task as a job of Ray")
        }
    }

    private func follow(
        _ id: String, _ launch: TaskLaunch, _ onStart: @Sendable (Int32?) async -> Void
    ) async throws -> Int32 {
        let log = try TaskLog(path: launch.log, limit: Limits.taskLogBytes, hiding: launch.secrets)
        var (written, isBegun, pause) = (0, false, 0.1)
        while true {
            let job = try await patiently { () async throws(GyreError) in
                try await dashboard.ask("GET", "/api/jobs/\(id)")
            }
            let status = job["status"]?.string ?? ""
            if status == "RUNNING", !isBegun {
                isBegun = true
                await onStart(nil)
            }
            let isOver = ["SUCCEEDED", "FAILED", "STOPPED"].contains(status)
            if isBegun || isOver {
                let text = try await patiently { () async throws(GyreError) in
                    try await dashboard.ask("GET", "/api/jobs/\(id)/logs")["logs"]?.string ?? ""
                }
                let bytes = Array(text.utf8)
                if bytes.count > written {
                    let more = Array(bytes[written...])
                    unsafe try more.withUnsafeBytes { unsafe try log.write($0) }
                    written = bytes.count
                }
            }
            guard isOver else {
                try await Task.sleep(for: .seconds(pause))
                pause = min(pause * 1.3, 3)
                continue
            }
            try log.finish()
            if status == "SUCCEEDED" { return 0 }
            let cause = job["message"]?.string?.split(separator: "\n").first.map(String.init) ?? "no reason is told"
            if status == "STOPPED" { throw GyreError(.cancelled, "The job was stopped in the cluster.", why: cause) }
            if let code = job["driver_exit_code"]?.int, code != 0 { return Int32(truncatingIfNeeded: code) }
            throw GyreError(.unavailable, "Ray could not run the job, or lost it.", why: String(cause.prefix(500)))
        }
    }

    /// Asks again for a minute: a dashboard that starts anew answers nothing meanwhile.
    private func patiently<Answer: Sendable>(
        _ ask: @Sendable () async throws(GyreError) -> Answer
    ) async throws -> Answer {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            do throws(GyreError) { return try await ask() } catch {
                guard error.code == .unavailable, ContinuousClock.now < end else { throw error }
            }
            try await Task.sleep(for: .seconds(2))
        }
    }

    package func stop(process: Int32?, ofTaskIn folder: String) async {
        let label = Self.label(folder)
        // A cluster that does not answer runs nothing that could be stopped from here.
        guard let jobs = try? await dashboard.ask("GET", "/api/jobs/").array else { return }
        for job in jobs where job["metadata"]?["gyre.task"]?.string == label {
            if let id = job["submission_id"]?.string, ["PENDING", "RUNNING"].contains(job["status"]?.string) {
                await stop(id)
            }
        }
    }

    private func stop(_ id: String) async {
        // One that has ended, or went with its cluster, need not be stopped.
        _ = try? await dashboard.ask("POST", "/api/jobs/\(id)/stop", [:])
        for _ in 0..<50 {
            let status = try? await dashboard.ask("GET", "/api/jobs/\(id)")["status"]?.string
            guard status == "RUNNING" || status == "PENDING" else { return }
            try? await Task.sleep(for: .milliseconds(200))  // nobody cancels it
        }
    }

    private static func label(_ folder: String) -> String { Digest(of: Array(folder.utf8)).short }

    /// A word as a shell reads it.
    private static func quoted(_ word: String) -> String { "'\(word.replacing("'", with: "'\\''"))'" }
}
