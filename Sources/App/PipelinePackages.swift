// SPDX-License-Identifier: Apache-2.0

internal import GyreArgo
internal import GyreBase
internal import GyreKFP
internal import GyrePipelines

/// Packages of pipelines in the languages that there are, told apart by what is in them.
enum PipelinePackages {
    /// The pipeline of a package.
    static func read(_ bytes: [UInt8]) throws(GyreError) -> Pipeline {
        WorkflowPackage.isWorkflow(bytes) ? try WorkflowPackage.read(bytes) : try KFPPackage.read(bytes)
    }
}
