// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Errors as Kubernetes' clients expect them.
enum KServeErrors {
    /// An error as Kubernetes tells it, with the members that Gyre's own commands read.
    static func response(_ error: GyreError) -> HTTPResponse {
        let reasons: [GyreError.Code: String] = [
            .invalid: "Invalid", .notFound: "NotFound", .alreadyExists: "AlreadyExists", .conflict: "Conflict",
            .denied: "Forbidden",
        ]
        return .failure(
            error,
            [
                "apiVersion": "v1", "kind": "Status", "status": "Failure", "message": .string(error.description),
                "reason": .string(reasons[error.code] ?? "InternalError"), "code": .int(Int64(error.code.httpStatus)),
                "error": [
                    "code": .string(error.code.rawValue), "what": .string(error.what), "why": .optional(error.why),
                    "fix": .optional(error.fix),
                ],
            ])
    }
}
