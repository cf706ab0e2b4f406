// SPDX-License-Identifier: Apache-2.0

package import GyreBase

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

    let path: String
    let kind: Kind
    let answer: @Sendable ([UInt8]) throws(Failure) -> Answer

    /// The method `method` of the service with this full name.
    ///
    /// `answer`: called on the thread of the connection, so that what takes more than a fraction of a millisecond belongs into `.later`.
    package init(
        _ service: String, _ method: String, _ kind: Kind = .unary,
        answer: @escaping @Sendable ([UInt8]) throws(Failure) -> Answer
    ) {
        path = "/\(service)/\(method)"
        self.kind = kind
        self.answer = answer
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

    /// The status that tells of an error.
    init(_ code: GyreError.Code) {
        self =
            switch code {
            case .invalid: .invalidArgument
            case .notFound: .notFound
            case .alreadyExists: .alreadyExists
            case .conflict: .failedPrecondition
            case .denied: .permissionDenied
            case .limitExceeded: .resourceExhausted
            case .unavailable: .unavailable
            case .timeout: .deadlineExceeded
            case .cancelled: .cancelled
            case .corrupt: .dataLoss
            case .unsupported: .unimplemented
            case .internal: .internal
            }
    }
}
