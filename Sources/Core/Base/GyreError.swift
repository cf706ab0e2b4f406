// SPDX-License-Identifier: Apache-2.0

/// A failure that a caller or a person can act on.
public struct GyreError: Error, Sendable, Hashable {
    /// The stable kind; never carries user data, so it is safe as a metric label.
    public let code: Code
    /// What happened, as one sentence with the subject named.
    public let what: String
    /// Why, if the code that threw knows it.
    public let why: String?
    /// What the reader can do next, as a command where there is one.
    public let fix: String?

    /// A failure of the kind `code`.
    public init(_ code: Code, _ what: String, why: String? = nil, fix: String? = nil) {
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix
    }
}

extension GyreError {
    /// The closed set of kinds: one is added only where a caller would do something different.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The input breaks a rule; the same call can never succeed.
        case invalid
        /// The named thing does not exist.
        case notFound = "not_found"
        /// A thing of that name exists already.
        case alreadyExists = "already_exists"
        /// The state of the thing forbids the call now.
        case conflict
        /// The actor may not do this.
        case denied
        /// Who calls is not known, and has to be.
        case unauthenticated
        /// The caller asks more often than it may; later it can.
        case tooManyRequests = "too_many_requests"
        /// A limit in `Limits` was met.
        case limitExceeded = "limit_exceeded"
        /// A component that is needed does not answer.
        case unavailable
        /// It took longer than allowed.
        case timeout
        /// The caller gave up.
        case cancelled
        /// Stored bytes are not what was written.
        case corrupt
        /// Gyre does not do this.
        case unsupported
        /// A defect in Gyre.
        case `internal`
    }
}

extension GyreError.Code {
    /// What a command exits with.
    public var exitStatus: Int32 {
        switch self {
        case .invalid, .unsupported: 64
        case .notFound: 3
        case .alreadyExists, .conflict: 4
        case .denied, .unauthenticated, .tooManyRequests, .limitExceeded, .unavailable, .timeout, .cancelled, .corrupt,
            .internal:
            1
        }
    }

    /// The status of the answer to an HTTP request.
    public var httpStatus: Int {
        switch self {
        case .invalid: 400
        case .unauthenticated: 401
        case .denied: 403
        case .notFound: 404
        case .alreadyExists, .conflict: 409
        case .limitExceeded: 413
        case .tooManyRequests: 429
        case .cancelled: 499
        case .corrupt, .internal: 500
        case .unsupported: 501
        case .unavailable: 503
        case .timeout: 504
        }
    }
}

extension GyreError: CustomStringConvertible {
    /// The three sentences in one line.
    public var description: String {
        [what, why.map { "Why: \($0)" }, fix.map { "Fix: \($0)" }].compactMap(\.self).joined(separator: " ")
    }

    /// Any error as one of ours: what is not a `GyreError` already is a failure of `doing`.
    public static func wrapping(_ error: any Error, _ doing: String) -> GyreError {
        if let known = error as? GyreError { return known }
        if error is CancellationError { return GyreError(.cancelled, "\(doing) was cancelled.") }
        return GyreError(.unavailable, "\(doing) failed.", why: "\(error)")
    }
}
