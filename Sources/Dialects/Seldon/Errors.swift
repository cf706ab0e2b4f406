// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Errors as Seldon's servers tell them: a status within the message.
enum SeldonErrors {
    static func response(_ error: GyreError) -> HTTPResponse {
        let code = error.code == .unsupported ? 400 : error.code.httpStatus
        return .failure(
            error,
            [
                "status": [
                    "code": .int(Int64(code)), "info": .string(error.description),
                    "reason": code == 400 ? "MICROSERVICE_BAD_DATA" : "MICROSERVICE_INTERNAL_ERROR",
                    "status": 1,
                ]
            ], status: code)
    }
}
