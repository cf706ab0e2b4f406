// SPDX-License-Identifier: Apache-2.0

package import GyreDelivery
package import GyreServing

/// TensorFlow Serving's REST API, and KServe's V1, which is the same without versions and labels.
package struct TFServingDialect: Sendable {
    let host: ModelHost
    let predictor: Predictor

    /// The dialect over these.
    package init(host: ModelHost, predictor: Predictor) {
        self.host = host
        self.predictor = predictor
    }
}
