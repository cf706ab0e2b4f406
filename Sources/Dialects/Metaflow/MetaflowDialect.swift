// SPDX-License-Identifier: Apache-2.0

package import GyrePipelines

/// Metaflow's metadata service: what flows that Metaflow runs tell of themselves, and what its Client reads of them.
package struct MetaflowDialect: Sendable {
    let flows: Flows

    /// The dialect over these flows.
    package init(flows: Flows) { self.flows = flows }
}
