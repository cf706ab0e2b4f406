// SPDX-License-Identifier: Apache-2.0

package import GyrePipelines

/// The REST protocol of Kubeflow Pipelines, version 2: what `kfp.Client` speaks.
package struct KFPDialect: Sendable {
    let pipelines: Pipelines
    let catalog: PipelineCatalog
    let experiments: PipelineExperiments
    let schedules: Schedules

    /// The dialect over these.
    package init(
        pipelines: Pipelines, catalog: PipelineCatalog, experiments: PipelineExperiments, schedules: Schedules
    ) {
        self.pipelines = pipelines
        self.catalog = catalog
        self.experiments = experiments
        self.schedules = schedules
    }
}
