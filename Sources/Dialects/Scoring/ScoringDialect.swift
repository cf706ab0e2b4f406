// SPDX-License-Identifier: Apache-2.0

package import GyreDelivery

/// The scoring protocol of `mlflow models serve`: `/invocations`, for the one endpoint there is or for one by its name.
package struct ScoringDialect: Sendable {
    let predictor: Predictor

    /// The dialect over the predictor.
    package init(predictor: Predictor) { self.predictor = predictor }
}
