// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Errors as BentoML tells them: one text.
enum ServicesErrors {
    static func response(_ error: GyreError) -> HTTPResponse {
        .failure(error, ["error": .string(error.description)])
    }
}
