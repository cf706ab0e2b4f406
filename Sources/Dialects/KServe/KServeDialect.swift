// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreDelivery
package import GyreHTTP
package import GyreServing

/// KServe's objects: `InferenceService`, `TrainedModel` and `InferenceGraph`, by Kubernetes' addresses and by `gyre apply`.
package struct KServeDialect: Sendable {
    let services: InferenceServices
    let host: ModelHost
    let random: @Sendable () -> Double
    let newID: @Sendable () -> String
    let predict: Predict

    /// Asks a model by KServe's V1 protocol, as the graph's step `via` with the id `id`.
    package typealias Predict =
        @Sendable (_ model: String, _ body: [UInt8], _ via: String, _ id: String) async -> HTTPResponse

    /// The dialect over these.
    package init(
        services: InferenceServices, host: ModelHost, surroundings: Surroundings, predict: @escaping Predict
    ) {
        self.services = services
        self.host = host
        random = surroundings.random
        newID = surroundings.newID
        self.predict = predict
    }
}
