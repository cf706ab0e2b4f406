// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI

/// What a call takes and answers, as types of the API.
struct Shape: Sendable {
    /// The body; nil where it is none, or read by a format of its own.
    var takes: (any APIObject.Type)?
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
            takes: API.AddRequest.self, answers: API.DatasetVersion.self, plans: API.AddPlan.self),
        "GET /datasets/{name}/diff": Shape(answers: API.DatasetDiff.self),
        "POST /checks": Shape(takes: API.CheckRequest.self, answers: API.CheckAnswer.self),
        "GET /features": Shape(answers: API.FeatureViewList.self),
        "POST /features": Shape(takes: API.FeatureView.self, answers: API.FeatureView.self),
        "POST /features/{name}/materialize": Shape(takes: API.MaterializeRequest.self, answers: API.Materialized.self),
        "GET /features/{name}/online": Shape(answers: API.OnlineRow.self),

        // Pipelines
        "GET /projects": Shape(answers: API.ProjectList.self),
        "POST /projects": Shape(answers: API.ProjectApplied.self),
        "POST /projects/{name}/train": Shape(
            takes: API.TrainRequest.self, answers: API.PipelineRun.self, plans: API.TrainPlan.self),
        "GET /pipeline-runs": Shape(answers: API.PipelineRunList.self),
        "POST /pipeline-runs": Shape(takes: API.RunRequest.self, answers: API.PipelineRun.self),
        "GET /pipeline-runs/{id}": Shape(answers: API.PipelineRun.self),
        "POST /pipeline-runs/{id}/cancel": Shape(takes: API.ReasonRequest.self, answers: API.PipelineRun.self),
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
            takes: API.RegisterRequest.self, answers: API.ModelVersion.self, plans: API.RegisterPlan.self),
        "POST /models/{name}/versions/{version}/configuration": Shape(
            takes: API.ConfigurationRequest.self, answers: API.ModelVersion.self),
        "POST /models/{name}/versions/{version}/conversion": Shape(
            takes: API.ReasonRequest.self, answers: API.Conversion.self),
        "POST /models/{name}/versions/{version}/predictions": Shape(
            takes: API.BatchRequest.self, answers: API.Batch.self),
        "POST /models/{name}/aliases/{alias}": Shape(takes: API.AliasRequest.self, answers: API.Alias.self),
        "GET /models/{name}/history": Shape(answers: API.FactList.self),
        "POST /models/{name}/undo": Shape(takes: API.UndoRequest.self, answers: API.Fact.self),

        // Endpoints
        "GET /endpoints": Shape(answers: API.EndpointList.self),
        "GET /endpoints/{name}": Shape(answers: API.Endpoint.self),
        "POST /endpoints/{name}/deploy": Shape(
            takes: API.DeployRequest.self, answers: API.Release.self, plans: API.DeployPlan.self),
        "POST /endpoints/{name}/rollout/{verb}": Shape(takes: API.ReasonRequest.self, answers: API.Rollout.self),
        "POST /endpoints/{name}/traffic": Shape(takes: API.TrafficRequest.self, answers: API.Rollout.self),
        "POST /endpoints/{name}/freeze": Shape(takes: API.FreezeRequest.self, answers: API.Freeze.self),
        "POST /endpoints/{name}/unfreeze": Shape(takes: API.ReasonRequest.self, answers: API.Unfrozen.self),
        "POST /endpoints/{name}/rules": Shape(takes: API.RulesRequest.self, answers: API.Rollout.self),
        "POST /endpoints/{name}/bandit": Shape(
            takes: API.BanditRequest.self, answers: API.Bandit.self, plans: API.BanditPlan.self),
        "DELETE /endpoints/{name}/bandit": Shape(answers: API.Traffic.self),
        "POST /endpoints/{name}/logging": Shape(takes: API.LoggingRequest.self, answers: API.Logging.self),
        "POST /endpoints/{name}/labels": Shape(takes: API.LabelsRequest.self, answers: API.LabelsTaken.self),
        "POST /endpoints/{name}/monitor": Shape(takes: API.MonitorRequest.self, answers: API.MonitorReport.self),
        "GET /endpoints/{name}/predictions/{id}": Shape(answers: API.Explanation.self),

        // Releases and the ledger
        "GET /releases": Shape(answers: API.ReleaseList.self),
        "GET /releases/{endpoint}/{number}": Shape(answers: API.Release.self),
        "GET /releases/{endpoint}/{number}/diff": Shape(answers: API.ReleaseDiff.self),
        "POST /releases/{endpoint}/{number}/reproduce": Shape(
            takes: API.ReasonRequest.self, answers: API.Reproduction.self, plans: API.ReproductionPlan.self),
        "POST /releases/{endpoint}/{number}/rollback": Shape(takes: API.ReasonRequest.self, answers: API.Release.self),
        "GET /ledger": Shape(answers: API.FactList.self),
        "GET /ledger/head": Shape(answers: API.Head.self),
        "GET /ledger/verify": Shape(answers: API.Verification.self),
        "GET /lineage": Shape(answers: API.Lineage.self),
        "POST /ledger/rollback": Shape(takes: API.LedgerRollbackRequest.self, answers: API.LedgerRollback.self),

        // The home
        "GET /home": Shape(answers: API.Home.self),
        "GET /doctor": Shape(answers: API.Doctor.self),
        "POST /gc": Shape(takes: API.CollectRequest.self, answers: API.Collected.self),
        "GET /blobs": Shape(answers: API.BlobList.self),
        "POST /blobs/verify": Shape(takes: API.BlobsRequest.self, answers: API.BlobsRead.self),
    ]
}
