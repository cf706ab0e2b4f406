// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// How MLflow's clients are told of errors: they branch on `error_code`, and retry some statuses for minutes.
enum MLflowErrors {
    static func response(_ error: GyreError) -> HTTPResponse {
        let (code, status) = codeAndStatus(error.code)
        let message = [error.what, error.why].compactMap(\.self).joined(separator: " ")
        return .json(["error_code": .string(code), "message": .string(message)], status: status)
    }

    private static func codeAndStatus(_ code: GyreError.Code) -> (String, Int) {
        switch code {
        case .invalid: ("INVALID_PARAMETER_VALUE", 400)
        case .limitExceeded: ("INVALID_PARAMETER_VALUE", 400)
        case .alreadyExists: ("RESOURCE_ALREADY_EXISTS", 400)
        case .notFound: ("RESOURCE_DOES_NOT_EXIST", 404)
        case .conflict: ("RESOURCE_CONFLICT", 409)
        case .denied: ("PERMISSION_DENIED", 403)
        case .unauthenticated: ("UNAUTHENTICATED", 401)
        case .tooManyRequests: ("REQUEST_LIMIT_EXCEEDED", 429)
        case .unsupported: ("NOT_IMPLEMENTED", 501)
        case .unavailable: ("TEMPORARILY_UNAVAILABLE", 503)
        case .timeout: ("DEADLINE_EXCEEDED", 504)
        case .cancelled: ("CANCELLED", 499)
        // A damaged blob stays damaged: a status that clients retry would only hide it for minutes.
        case .corrupt: ("DATA_LOSS", 500)
        case .internal: ("INTERNAL_ERROR", 500)
        }
    }
}

extension GyreError {
    /// A parameter that must be there and is not, in MLflow's words: its clients show them, and some look for them.
    static func missingParameter(_ name: String) -> GyreError {
        GyreError(
            .invalid,
            "Missing value for required parameter '\(name)'. See the API docs for more information about request parameters."
        )
    }

    /// A parameter of another type than it must be.
    static func invalidParameter(_ name: String, _ value: JSONValue) -> GyreError {
        invalidParameter(name, value.text, "it is \(value.kindName).")
    }

    /// A parameter that cannot have this value; `reason` says what it may be, in half a sentence.
    static func invalidParameter(_ name: String, _ text: String, _ reason: String) -> GyreError {
        GyreError(.invalid, "Invalid value \(text.prefix(200)) for parameter '\(name)' supplied: \(reason)")
    }
}
