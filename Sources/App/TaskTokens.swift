// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreIdentity
internal import GyrePipelines
internal import Synchronization

/// The secrets by which tasks of pipelines are known while their run lasts.
final class TaskTokens: Sendable {
    private let wide: ServerWide
    private let workspace: String
    private let secrets = Mutex<[String: String]>([:])

    init(_ wide: ServerWide, workspace: String, surroundings: Surroundings) {
        self.wide = wide
        self.workspace = workspace
    }

    /// The secret of a run's tasks; nil where nobody has to be known.
    func token(for run: PipelineRun) -> String? {
        guard wide.asksWhoCalls else { return nil }
        if let known = secrets.withLock({ $0[run.id] }) { return known }
        let secret = wide.identity.issue(
            Caller(.known("task/\(run.id)"), Access(workspace: permissions(run)), workspace: workspace))
        return secrets.withLock { secrets in
            secrets[run.id] = secrets[run.id] ?? secret
            return secrets[run.id]
        }
    }

    /// What a task may do: what whoever started the run may, and never more than to keep what it makes and to move what is live.
    private func permissions(_ run: PipelineRun) -> Permissions {
        let usual: Permissions = [.read, .predict, .write]
        // What nobody in particular started, the loop did.
        guard let starter = try? Principal(parsing: run.actor), run.actor.contains("/") else { return usual }
        let access = wide.identity.access(of: starter, in: workspace).workspace
        return usual.union(.operate).intersection(access)
    }

    /// Whether somebody may have code run; what tasks and the server itself do, somebody who may has asked for.
    func mayRunCode(_ actor: String) -> Bool {
        guard wide.asksWhoCalls, let principal = try? Principal(parsing: actor), actor.contains("/"),
            principal.kind != .group
        else { return true }
        return wide.identity.access(of: principal, in: workspace).workspace.contains(.runCode)
    }

    /// Ends the secret of a run that has ended.
    func forget(_ run: PipelineRun) {
        guard let secret = secrets.withLock({ $0.removeValue(forKey: run.id) }) else { return }
        wide.identity.forget(secret)
    }
}
