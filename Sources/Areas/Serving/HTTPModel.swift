// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A model that is a service: it answers HTTP at routes of its own, and takes no tensors.
package protocol HTTPModel: RunnableModel {
    /// Passes a call on and gives the answer as soon as its head is there.
    /// - Throws: `.unavailable` where the service does not answer; `.timeout`.
    func exchange(_ call: HTTPModelCall) async throws(GyreError) -> HTTPModelAnswer
}

/// A call of a service.
package struct HTTPModelCall: Sendable {
    /// The verb.
    package let method: String
    /// Path and query, as the service knows them.
    package let target: String
    /// Header fields as the client sent them; whoever passes the call on leaves out those that are about one connection.
    package let headers: [(name: String, value: String)]
    /// What was sent, all of it.
    package let body: [UInt8]

    /// A call.
    package init(method: String, target: String, headers: [(name: String, value: String)], body: [UInt8]) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }
}

/// What a service answered.
package struct HTTPModelAnswer: Sendable {
    /// The status code.
    package let status: Int
    /// Header fields, without those that are about one connection.
    package let headers: [(name: String, value: String)]
    /// Bytes of the body; nil where the service does not say.
    package let sizeBytes: Int64?
    /// The next piece of the body; nil after the last one.
    package let next: @Sendable () async throws -> [UInt8]?

    /// An answer.
    package init(
        status: Int, headers: [(name: String, value: String)], sizeBytes: Int64?,
        next: @escaping @Sendable () async throws -> [UInt8]?
    ) {
        self.status = status
        self.headers = headers
        self.sizeBytes = sizeBytes
        self.next = next
    }
}

extension HTTPModel {
    package var inputs: [TensorSpec] { [] }
    package var outputs: [TensorSpec] { [] }
    package var isInProcess: Bool { false }

    package func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor] {
        throw GyreError(
            .unsupported, "The model is a service with routes of its own, and takes no tensors.",
            fix: "Ask it below /services/ENDPOINT/, at the routes that /services/ENDPOINT/docs.json tells.")
    }
}

extension HostedModel {
    /// Passes a call on to a model that is a service.
    /// - Throws: `.unsupported` for any other model; what the service's failing throws.
    package func exchange(_ call: HTTPModelCall) async throws(GyreError) -> HTTPModelAnswer {
        guard let service = model as? any HTTPModel else {
            throw GyreError(
                .unsupported, "The model \"\(name)\" is no service with routes of its own.",
                fix: "Ask it at /v2/models/\(name)/infer, /v1/models/\(name):predict or /invocations.")
        }
        return try await counted { () async throws(GyreError) in try await service.exchange(call) }
    }
}
