// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreHTTP
import Testing

@testable import GyreMLflow
@testable import GyreNative
@testable import GyreScoring
@testable import GyreTFServing

/// Each protocol's form of an error, for every code that there is.
@Suite struct ErrorFormTests {
    private static func answer(_ response: HTTPResponse) throws -> JSONValue {
        guard case .bytes(let bytes) = response.body else { throw GyreError(.internal, "a streamed answer") }
        return try JSONValue(parsing: bytes)
    }

    private static let error = GyreError(.conflict, "What.", why: "Why.", fix: "gyre fix")

    @Test("Gyre's own API tells what happened, why, and what to do, apart")
    func native() throws {
        let response = NativeDialect.errorResponse(Self.error)
        #expect(response.status == 409)
        #expect(
            try Self.answer(response)
                == ["error": ["code": "conflict", "what": "What.", "why": "Why.", "fix": "gyre fix"]])
        let bare = try Self.answer(NativeDialect.errorResponse(GyreError(.notFound, "What.")))
        #expect(bare["error"]?["why"] == .null && bare["error"]?["fix"] == .null)
    }

    @Test(
        "MLflow's clients get the word and the status that they branch on",
        arguments: [
            (.invalid, "INVALID_PARAMETER_VALUE", 400), (.limitExceeded, "INVALID_PARAMETER_VALUE", 400),
            (.alreadyExists, "RESOURCE_ALREADY_EXISTS", 400), (.notFound, "RESOURCE_DOES_NOT_EXIST", 404),
            (.conflict, "RESOURCE_CONFLICT", 409), (.denied, "PERMISSION_DENIED", 403),
            (.unsupported, "NOT_IMPLEMENTED", 501), (.unavailable, "TEMPORARILY_UNAVAILABLE", 503),
            (.timeout, "DEADLINE_EXCEEDED", 504), (.corrupt, "DATA_LOSS", 500), (.internal, "INTERNAL_ERROR", 500),
        ] as [(GyreError.Code, String, Int)])
    func mlflow(code: GyreError.Code, word: String, status: Int) throws {
        let response = MLflowErrors.response(GyreError(code, "What.", why: "Why."))
        #expect(response.status == status)
        #expect(try Self.answer(response) == ["error_code": .string(word), "message": "What. Why."])
    }

    @Test("TensorFlow Serving has one text, and 400 for what is not there")
    func tfServing() throws {
        let response = TFServingErrors.response(GyreError(.unsupported, "What."))
        #expect(response.status == 400)
        #expect(try Self.answer(response)["error"]?.string?.hasPrefix("What.") == true)
    }

    @Test("MLflow's scoring server calls everything a bad request but its own failures")
    func scoring() throws {
        #expect(try Self.answer(ScoringErrors.response(Self.error))["error_code"] == "BAD_REQUEST")
        let failure = ScoringErrors.response(GyreError(.internal, "What."))
        #expect(failure.status == 500)
        #expect(try Self.answer(failure)["error_code"] == "INTERNAL_ERROR")
    }
}
