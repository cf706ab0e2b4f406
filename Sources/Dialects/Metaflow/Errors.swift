// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Errors as Metaflow's service tells them: an empty object for what is not there, else a text.
enum MetaflowErrors {
    static func response(_ error: GyreError) -> HTTPResponse {
        if error.code == .notFound { return .json([:], status: 404) }
        return .json(.string(error.description), status: error.code.httpStatus)
    }
}
