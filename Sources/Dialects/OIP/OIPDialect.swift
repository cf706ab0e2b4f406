// SPDX-License-Identifier: Apache-2.0

package import GyreHTTP

/// The Open Inference Protocol over REST with Triton's extensions.
package struct OIPDialect: Sendable {
    let calls: InferenceCalls

    /// The dialect over these.
    package init(_ calls: InferenceCalls) { self.calls = calls }

    /// All routes.
    package var routes: RouteGroup {
        RouteGroup(
            prefixes: ["/v2"], errorResponse: OIPErrors.response,
            routes: inferRoutes + modelRoutes + repositoryRoutes + sharedMemoryRoutes + settingsRoutes)
    }
}
