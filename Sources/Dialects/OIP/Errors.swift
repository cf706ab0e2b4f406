// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Errors as the protocol tells them: one text, and 400 for what is not implemented.
enum OIPErrors {
    static func response(_ error: GyreError) -> HTTPResponse {
        .failure(error, ["error": .string(error.description)], status: status(error.code))
    }

    static func status(_ code: GyreError.Code) -> Int { code == .unsupported ? 400 : code.httpStatus }
}
