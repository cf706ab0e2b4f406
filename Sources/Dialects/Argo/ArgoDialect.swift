// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyrePipelines

/// The REST protocol of Argo Workflows: what hera, the `argo-workflows` package and curl speak.
package struct ArgoDialect: Sendable {
    let pipelines: Pipelines
    let manifests: Manifests
    let schedules: Schedules
    let limits: LockLimits
    let surroundings: Surroundings

    /// The dialect over these.
    package init(
        pipelines: Pipelines, manifests: Manifests, schedules: Schedules, limits: LockLimits, surroundings: Surroundings
    ) {
        self.pipelines = pipelines
        self.manifests = manifests
        self.schedules = schedules
        self.limits = limits
        self.surroundings = surroundings
    }
}
