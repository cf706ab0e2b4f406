// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
package import GyreHTTP

extension KFPDialect {
    static let root = "/apis/v2beta1"

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: [Self.root + "/"], errorResponse: KFPErrors.response,
            routes: [
                Route("GET", "\(Self.root)/healthz", .nothing) { _ in
                    .json(["multi_user": false, "pipeline_store": "database"])
                }
            ] + experimentRoutes + pipelineRoutes + runRoutes + recurringRunRoutes)
    }
}
