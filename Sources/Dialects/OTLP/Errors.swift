// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

/// Errors of exports.
enum OTLPErrors {
    /// Exporters look at the status alone; the body is for people, in the words of both MLflow and Google's RPC status.
    static func response(_ error: GyreError) -> HTTPResponse {
        let status = error.code == .unsupported ? 400 : error.code.httpStatus
        let code = error.code == .notFound ? "RESOURCE_DOES_NOT_EXIST" : "INVALID_PARAMETER_VALUE"
        return .json(
            ["error_code": .string(code), "message": .string(error.what), "detail": .string(error.what)], status: status
        )
    }

    /// What MLflow's server says where the header is missing that names the experiment.
    static var missingExperiment: HTTPResponse {
        .json(
            [
                "error_code": "INVALID_PARAMETER_VALUE",
                "message": "The header x-mlflow-experiment-id is missing; it names the experiment of the traces.",
                "detail": [
                    [
                        "type": "missing", "loc": ["header", "x-mlflow-experiment-id"], "msg": "Field required",
                        "input": .null,
                    ]
                ],
            ], status: 422)
    }
}
