// SPDX-License-Identifier: Apache-2.0

package import GyreDelivery
package import GyreHTTP

/// Services of BentoML behind endpoints: each has the routes that it brings along, below `/services/ENDPOINT` or on a port of its own.
package struct ServicesDialect: Sendable {
    let predictor: Predictor

    /// The dialect over these.
    package init(predictor: Predictor) { self.predictor = predictor }

    /// What every address begins with.
    static let root = "/services"

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: [Self.root + "/"], errorResponse: ServicesErrors.response,
            routes: serviceRoutes(Self.root + "/{endpoint}"))
    }

    /// The routes of one endpoint as a server of its own has them, as BentoML's client wants it.
    package func routes(of endpoint: String) -> RouteGroup {
        RouteGroup(prefixes: ["/"], errorResponse: ServicesErrors.response, routes: serviceRoutes("", endpoint))
    }
}
