// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Errors as MLflow's scoring server tells them.
enum ScoringErrors {
    static func response(_ error: GyreError) -> HTTPResponse {
        .json(
            [
                "error_code": .string(error.code == .internal ? "INTERNAL_ERROR" : "BAD_REQUEST"),
                "message": .string(error.description),
            ],
            status: error.code == .unsupported ? 400 : error.code.httpStatus)
    }
}
