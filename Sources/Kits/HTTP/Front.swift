// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase

/// What stands between a server's connections and its routes: it says who calls, and which routes are meant.
package protocol Front: Sendable {
    /// The routes that answer on the thread of their connection.
    var router: Router { get }
    /// Answers a request that came over the network; its caller is not known yet.
    func respond(to request: HTTPRequest) async -> HTTPResponse
    /// Begins to answer a request of a direct route that came over the network.
    func begin(_ request: HTTPRequest, _ match: Router.DirectMatch) -> Router.Begun
}
