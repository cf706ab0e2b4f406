// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Errors as the gateway in front of Argo's server writes them: codes of gRPC.
enum ArgoErrors {
    static func response(_ error: GyreError) -> HTTPResponse {
        let (code, status): (Int64, Int) =
            switch error.code {
            case .invalid, .unsupported, .limitExceeded: (3, 400)
            case .tooManyRequests: (8, 429)
            case .alreadyExists: (6, 409)
            case .notFound: (5, 404)
            case .conflict: (9, 409)
            case .denied: (7, 403)
            case .unauthenticated: (16, 401)
            case .unavailable: (14, 503)
            case .timeout: (4, 504)
            case .cancelled: (1, 499)
            case .corrupt: (15, 500)
            case .internal: (13, 500)
            }
        return .failure(error, ["code": .int(code), "message": .string(error.description)], status: status)
    }
}
