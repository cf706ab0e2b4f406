// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
package import GyreEvaluation
package import GyreIdentity
package import GyreLedger
package import GyreNotification
package import GyreRegistry
package import GyreTracing
package import GyreTracking

/// MLflow's REST API over tracking, the registry, tracing, evaluation and webhooks.
package struct MLflowDialect: Sendable {
    let tracking: Tracking
    let registry: Registry
    let loggedModels: LoggedModels
    let tracing: Tracing
    let evaluationDatasets: EvaluationDatasets
    let scorers: Scorers
    let issues: Issues
    let webhooks: Webhooks
    let blobs: any BlobStore
    let identity: Identity
    /// Whether somebody has to sign in, so that workspaces can be chosen.
    let asksWhoCalls: Bool

    /// The dialect over these services.
    package init(
        tracking: Tracking, registry: Registry, loggedModels: LoggedModels, tracing: Tracing,
        evaluationDatasets: EvaluationDatasets, scorers: Scorers, issues: Issues, webhooks: Webhooks,
        blobs: any BlobStore, identity: Identity, asksWhoCalls: Bool = false
    ) {
        self.identity = identity
        self.asksWhoCalls = asksWhoCalls
        self.evaluationDatasets = evaluationDatasets
        self.scorers = scorers
        self.issues = issues
        self.webhooks = webhooks
        self.tracking = tracking
        self.tracing = tracing
        self.registry = registry
        self.loggedModels = loggedModels
        self.blobs = blobs
    }
}
