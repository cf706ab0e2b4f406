// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI

/// What a call answers, as types of the API.
struct Shape: Sendable {
    /// The answer.
    let answers: any APIObject.Type
    /// The answer to a dry run, where it differs.
    var plans: (any APIObject.Type)?

    /// By method and path.
    static let all: [String: Shape] = [
        // Data and features
        "GET /datasets": Shape(answers: API.DatasetList.self),
        "GET /datasets/{name}": Shape(answers: API.DatasetList.self),
        "GET /datasets/{name}/versions/{version}": Shape(answers: API.DatasetVersion.self),
        "POST /datasets/{name}/versions": Shape(
            answers: API.DatasetVersion.self, plans: API.AddPlan.self),
        "GET /datasets/{name}/diff": Shape(answers: API.DatasetDiff.self),
        "POST /checks": Shape(answers: API.CheckAnswer.self),
        "GET /features": Shape(answers: API.FeatureViewList.self),
        "POST /features": Shape(answers: API.FeatureView.self),
        "POST /features/{name}/materialize": Shape(answers: API.Materialized.self),
        "GET /features/{name}/online": Shape(answers: API.OnlineRow.self),

        // Identity
        "GET /whoami": Shape(answers: API.Identity.self),
        "GET /routes": Shape(answers: API.RouteList.self),
        "GET /accounts": Shape(answers: API.AccountList.self),
        "POST /accounts": Shape(answers: API.Account.self),
        "POST /accounts/{kind}/{name}": Shape(answers: API.Account.self),
        "DELETE /accounts/{kind}/{name}": Shape(answers: API.Removed.self),
        "POST /password": Shape(answers: API.Account.self),
        "GET /groups": Shape(answers: API.GroupList.self),
        "POST /groups": Shape(answers: API.Group.self),
        "POST /groups/{name}/members": Shape(answers: API.Group.self),
        "DELETE /groups/{name}": Shape(answers: API.Removed.self),
        "GET /roles": Shape(answers: API.GrantList.self),
        "POST /roles": Shape(answers: API.Grant.self),
        "DELETE /roles": Shape(answers: API.Grant.self),
        "GET /tokens": Shape(answers: API.TokenList.self),
        "POST /tokens": Shape(answers: API.Token.self),
        "DELETE /tokens/{id}": Shape(answers: API.Removed.self),
        "GET /workspaces": Shape(answers: API.WorkspaceList.self),
        "POST /workspaces": Shape(answers: API.Workspace.self),
        "POST /workspaces/{name}": Shape(answers: API.Workspace.self),
        "DELETE /workspaces/{name}": Shape(answers: API.Removed.self),
        "GET /secrets": Shape(answers: API.SecretList.self),
        "POST /secrets/{name}": Shape(answers: API.Secret.self),
        "DELETE /secrets/{name}": Shape(answers: API.Removed.self),
        "GET /ledger/facts/{seq}": Shape(answers: API.Fact.self),
        "POST /accounts/{kind}/{name}/erase": Shape(answers: API.Removed.self),
        "GET /ledger/key": Shape(answers: API.LedgerKey.self),
        "POST /ledger/checkpoints": Shape(answers: API.SignedState.self),
        "GET /ledger/facts/{seq}/proof": Shape(answers: API.Inclusion.self),
        "GET /approvals": Shape(answers: API.ApprovalList.self),
        "GET /approvals/{number}": Shape(answers: API.Approval.self),
        "POST /approvals/{number}/approve": Shape(answers: API.Approval.self),
        "POST /approvals/{number}/reject": Shape(answers: API.Approval.self),
        "GET /approval-rules": Shape(answers: API.ApprovalRuleList.self),
        "POST /approval-rules": Shape(answers: API.ApprovalRule.self),
        "DELETE /approval-rules": Shape(answers: API.ApprovalRule.self),
        "GET /refusals": Shape(answers: API.RefusalList.self),

        // Pipelines
        "GET /projects": Shape(answers: API.ProjectList.self),
        "POST /projects": Shape(answers: API.ProjectApplied.self),
        "POST /projects/{name}/train": Shape(
            answers: API.PipelineRun.self, plans: API.TrainPlan.self),
        "GET /pipeline-runs": Shape(answers: API.PipelineRunList.self),
        "POST /pipeline-runs/{id}/retry": Shape(answers: API.PipelineRun.self),
        "POST /pipeline-runs/{id}/answer": Shape(answers: API.PipelineRun.self),
        "POST /pipeline-runs/{id}/pause": Shape(answers: API.PipelineRun.self),
        "POST /pipeline-runs/{id}/stop": Shape(answers: API.PipelineRun.self),
        "POST /pipeline-runs/{id}/pass-over": Shape(answers: API.PipelineRun.self),
        "GET /lock-limits": Shape(answers: API.LockLimitList.self),
        "POST /lock-limits": Shape(answers: API.LockLimit.self),
        "POST /pipeline-runs/{id}/archive": Shape(answers: API.PipelineRun.self),
        "DELETE /pipeline-runs/{id}": Shape(answers: API.Removed.self),
        "POST /pipelines/lint": Shape(answers: API.PackageOutline.self),
        "GET /pipelines": Shape(answers: API.RegisteredPipelineList.self),
        "POST /pipelines/{name}/versions": Shape(answers: API.PipelineVersion.self),
        "DELETE /pipelines/{name}": Shape(answers: API.Removed.self),
        "GET /schedules": Shape(answers: API.ScheduleList.self),
        "POST /schedules": Shape(answers: API.Schedule.self),
        "GET /schedules/{id}": Shape(answers: API.Schedule.self),
        "POST /schedules/{id}/enable": Shape(answers: API.Schedule.self),
        "POST /schedules/{id}/call": Shape(answers: API.PipelineRun.self),
        "POST /schedules/{id}/backfill": Shape(answers: API.Backfill.self),
        "DELETE /schedules/{id}": Shape(answers: API.Removed.self),
        "POST /pipeline-runs": Shape(answers: API.PipelineRun.self),
        "GET /pipeline-runs/{id}": Shape(answers: API.PipelineRun.self),
        "POST /pipeline-runs/{id}/cancel": Shape(answers: API.PipelineRun.self),
        "GET /pipeline-runs/{id}/logs": Shape(answers: API.TaskLog.self),

        // Tracking
        "GET /experiments": Shape(answers: API.ExperimentList.self),
        "GET /runs": Shape(answers: API.RunList.self),
        "GET /runs/{id}": Shape(answers: API.Run.self),
        "GET /runs/{id}/history": Shape(answers: API.History.self),
        "GET /traces": Shape(answers: API.TraceList.self),
        "GET /traces/{id}": Shape(answers: API.Trace.self),
        "GET /logged-models": Shape(answers: API.LoggedModelList.self),
        "GET /logged-models/{id}": Shape(answers: API.LoggedModel.self),
        "GET /prompts": Shape(answers: API.PromptList.self),
        "GET /prompts/{name}": Shape(answers: API.Prompt.self),

        // Models
        "GET /models": Shape(answers: API.ModelList.self),
        "GET /served": Shape(answers: API.ServedModels.self),
        "GET /models/{name}": Shape(answers: API.Model.self),
        "GET /models/{name}/versions/{version}": Shape(answers: API.ModelVersion.self),
        "GET /models/{name}/versions/{version}/card": Shape(answers: API.AnyAnswer.self),
        "POST /models/{name}/versions": Shape(
            answers: API.ModelVersion.self, plans: API.RegisterPlan.self),
        "POST /models/{name}/versions/{version}/configuration": Shape(
            answers: API.ModelVersion.self),
        "POST /models/{name}/versions/{version}/conversion": Shape(
            answers: API.Conversion.self),
        "POST /models/{name}/versions/{version}/predictions": Shape(
            answers: API.Batch.self),
        "POST /models/{name}/aliases/{alias}": Shape(answers: API.Alias.self),
        "GET /models/{name}/history": Shape(answers: API.FactList.self),
        "POST /models/{name}/undo": Shape(answers: API.Fact.self),

        // Endpoints
        "GET /endpoints": Shape(answers: API.EndpointList.self),
        "GET /endpoints/{name}": Shape(answers: API.Endpoint.self),
        "POST /endpoints/{name}/deploy": Shape(
            answers: API.Release.self, plans: API.DeployPlan.self),
        "POST /endpoints/{name}/rollout/{verb}": Shape(answers: API.Rollout.self),
        "POST /endpoints/{name}/traffic": Shape(answers: API.Rollout.self),
        "POST /endpoints/{name}/freeze": Shape(answers: API.Freeze.self),
        "POST /endpoints/{name}/unfreeze": Shape(answers: API.Unfrozen.self),
        "POST /endpoints/{name}/rules": Shape(answers: API.Rollout.self),
        "POST /endpoints/{name}/bandit": Shape(
            answers: API.Bandit.self, plans: API.BanditPlan.self),
        "DELETE /endpoints/{name}/bandit": Shape(answers: API.Traffic.self),
        "POST /endpoints/{name}/logging": Shape(answers: API.Logging.self),
        "POST /endpoints/{name}/labels": Shape(answers: API.LabelsTaken.self),
        "POST /endpoints/{name}/monitor": Shape(answers: API.MonitorReport.self),
        "GET /endpoints/{name}/predictions/{id}": Shape(answers: API.Explanation.self),

        // Releases and the ledger
        "GET /releases": Shape(answers: API.ReleaseList.self),
        "GET /releases/{endpoint}/{number}": Shape(answers: API.Release.self),
        "GET /releases/{endpoint}/{number}/diff": Shape(answers: API.ReleaseDiff.self),
        "POST /releases/{endpoint}/{number}/reproduce": Shape(
            answers: API.Reproduction.self, plans: API.ReproductionPlan.self),
        "POST /releases/{endpoint}/{number}/rollback": Shape(answers: API.Release.self),
        "GET /ledger": Shape(answers: API.FactList.self),
        "GET /ledger/head": Shape(answers: API.Head.self),
        "GET /ledger/verify": Shape(answers: API.Verification.self),
        "GET /lineage": Shape(answers: API.Lineage.self),
        "POST /ledger/rollback": Shape(answers: API.LedgerRollback.self),

        // The home
        "GET /home": Shape(answers: API.Home.self),
        "GET /doctor": Shape(answers: API.Doctor.self),
        "POST /gc": Shape(answers: API.Collected.self),
        "GET /blobs": Shape(answers: API.BlobList.self),
        "POST /blobs/verify": Shape(answers: API.BlobsRead.self),
    ]
}
