// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
package import GyreBase
internal import GyreHTTP

/// A method of a gRPC service: messages are bytes here, their form is the service's own.
package struct GRPCMethod: Sendable {
    /// How messages come and go.
    package enum Kind: Sendable, Hashable {
        /// One message each way.
        case unary
        /// An answer to each message, in their order, until the client ends.
        case repeated
        /// One answer to the first message; the call then lasts until either side ends.
        case lasting
    }

    /// What a call may fail with; its code becomes the status of gRPC.
    package typealias Failure = GyreError

    /// An answer, or how it will be made.
    package enum Answer: Sendable {
        /// The answer is at hand.
        case now([UInt8])
        /// The answer has to be waited for.
        case later(@Sendable () async throws(Failure) -> [UInt8])
    }

    /// `/SERVICE/METHOD`.
    package let path: String
    /// What its caller must be allowed.
    package let need: Need
    let kind: Kind
    let subject: @Sendable ([UInt8]) throws(Failure) -> String
    let answer: @Sendable ([UInt8]) throws(Failure) -> Answer

    /// The method `method` of the service with this full name.
    ///
    /// `subject`: the name in a message that the need is about. `answer`: called on the thread of the connection, so that what takes more than a fraction of a millisecond belongs into `.later`.
    package init(
        _ service: String, _ method: String, _ need: Need, _ kind: Kind = .unary,
        subject: @escaping @Sendable ([UInt8]) throws(Failure) -> String = { _ in "" },
        answer: @escaping @Sendable ([UInt8]) throws(Failure) -> Answer
    ) {
        path = "/\(service)/\(method)"
        self.need = need
        self.kind = kind
        self.subject = subject
        self.answer = answer
    }

    private init(_ other: GRPCMethod, answer: @escaping @Sendable ([UInt8]) throws(Failure) -> Answer) {
        path = other.path
        need = other.need
        kind = other.kind
        subject = other.subject
        self.answer = answer
    }

    /// The same method for `caller`, who may not need to be looked at again.
    /// - Throws: `.unauthenticated` for a stranger; `.denied` for what the caller may do to nothing.
    package func checked(for caller: Caller) throws(Failure) -> GRPCMethod {
        if Admission.isPlain(need, caller) { return self }
        guard caller.identity != .stranger else { throw Admission.stranger }
        guard case .one(let lead, _) = need.subject, caller.access.allowsSomething(need.permissions) else {
            throw Admission.denied(need, caller)
        }
        let (need, subject, answer) = (need, subject, answer)
        return GRPCMethod(self) { bytes throws(GyreError) in
            let name = try subject(bytes)
            guard let thing = Admission.thing(lead, name),
                caller.access.permissions(on: thing).isSuperset(of: need.permissions)
            else { throw Admission.unknown(lead, name) }
            return try answer(bytes)
        }
    }
}

/// The statuses that a call may end with.
enum GRPCStatus: Int {
    case ok = 0
    case cancelled = 1
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case unimplemented = 12
    case `internal` = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16

    /// The status that tells of an error.
    init(_ code: GyreError.Code) {
        self =
            switch code {
            case .invalid: .invalidArgument
            case .notFound: .notFound
            case .alreadyExists: .alreadyExists
            case .conflict: .failedPrecondition
            case .denied: .permissionDenied
            case .unauthenticated: .unauthenticated
            case .limitExceeded, .tooManyRequests: .resourceExhausted
            case .unavailable: .unavailable
            case .timeout: .deadlineExceeded
            case .cancelled: .cancelled
            case .corrupt: .dataLoss
            case .unsupported: .unimplemented
            case .internal: .internal
            }
    }
}
