// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
package import GyreBase

/// What stands between a connection and the methods: it says who calls, and which methods are meant.
package protocol GRPCFront: Sendable {
    /// The method at `path` for whoever sent these headers; nil for none of that name.
    /// - Throws: what keeps the caller from it.
    func method(_ path: String, _ call: GRPCCall) throws(GyreError) -> GRPCMethod?
}

/// What is known of a call before its first message.
package struct GRPCCall: Sendable {
    /// The metadata by lower-case name.
    package let headers: @Sendable (String) -> String?
    /// The address that it came from.
    package let peer: String?
}

/// Lets everybody in.
package struct OpenGRPCFront: GRPCFront {
    private let methods: [String: GRPCMethod]

    /// A front before `methods`.
    package init(_ methods: [GRPCMethod]) {
        self.methods = Dictionary(uniqueKeysWithValues: methods.map { ($0.path, $0) })
    }

    package func method(_ path: String, _ call: GRPCCall) throws(GyreError) -> GRPCMethod? { methods[path] }
}
