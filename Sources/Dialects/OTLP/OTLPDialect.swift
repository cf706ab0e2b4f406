// SPDX-License-Identifier: Apache-2.0

package import GyreTracing

/// Takes spans by OpenTelemetry's protocol over HTTP, as protobuf or JSON.
package struct OTLPDialect: Sendable {
    let tracing: Tracing

    /// The dialect over `tracing`.
    package init(tracing: Tracing) { self.tracing = tracing }
}
