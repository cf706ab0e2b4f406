// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Errors as TensorFlow Serving tells them: one text, and 400 for what is not implemented.
enum TFServingErrors {
    static func response(_ error: GyreError) -> HTTPResponse {
        .failure(
            error, ["error": .string(error.description)],
            status: error.code == .unsupported ? 400 : error.code.httpStatus)
    }
}
