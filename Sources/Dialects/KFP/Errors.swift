// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Errors as the gateway in front of KFP's services writes them: codes of gRPC.
enum KFPErrors {
    static func response(_ error: GyreError) -> HTTPResponse {
        let code: Int64 =
            switch error.code {
            case .invalid: 3
            case .limitExceeded: 8
            case .alreadyExists: 6
            case .notFound: 5
            case .conflict: 9
            case .denied: 7
            case .unauthenticated: 16
            case .tooManyRequests: 8
            case .unsupported: 12
            case .unavailable: 14
            case .timeout: 4
            case .cancelled: 1
            case .corrupt: 15
            case .internal: 13
            }
        return .json(
            [
                "error": .string(error.description), "code": .int(code), "message": .string(error.description),
                "details": [],
            ], status: error.code.httpStatus)
    }
}
