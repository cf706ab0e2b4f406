// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
package import GyreDelivery
package import GyreHTTP
package import GyreMonitoring

/// Seldon Core's first protocol over REST: predictions and feedback of deployments, which are endpoints here.
package struct SeldonDialect: Sendable {
    let predictor: Predictor
    let log: any PredictionLog

    /// The dialect over these; feedback becomes labels of the predictions in `log`.
    package init(predictor: Predictor, log: any PredictionLog) {
        self.predictor = predictor
        self.log = log
    }

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/seldon/"], errorResponse: SeldonErrors.response,
            routes: ["v1.0", "v0.1"].flatMap { version in
                [
                    Route(
                        "POST", "/seldon/{namespace}/{deployment}/api/\(version)/predictions",
                        .predict(.endpoint, "deployment"), predict),
                    Route(
                        "POST", "/seldon/{namespace}/{deployment}/api/\(version)/feedback",
                        .predict(.endpoint, "deployment"), feedback),
                ]
            } + [
                Route(
                    "GET", "/seldon/{namespace}/{deployment}/api/v1.0/metadata", .predict(.endpoint, "deployment"),
                    metadata)
            ])
    }
}
