// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// An answer.
package struct HTTPResponse: Sendable {
    /// The status code.
    package var status: Int
    /// Header fields; the content's length is added by the server.
    package var headers: [(name: String, value: String)]
    /// The content.
    package var body: Body

    /// The content of an answer.
    package enum Body: Sendable {
        /// All of it at hand: head and body leave in one write.
        case bytes([UInt8])
        /// Made piece by piece while it is sent, until nil; the length is told ahead where it is known.
        case stream(sizeBytes: Int64?, @Sendable () async throws -> [UInt8]?)
    }

    /// An answer of these parts.
    package init(status: Int = 200, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A JSON document.
    package static func json(_ value: JSONValue, status: Int = 200) -> HTTPResponse {
        .json(value.bytes, status: status)
    }

    /// A JSON document that is written already.
    package static func json(_ bytes: [UInt8], status: Int = 200) -> HTTPResponse {
        HTTPResponse(status: status, headers: [("content-type", "application/json")], body: .bytes(bytes))
    }

    /// Plain text, or text of the type that is told.
    package static func text(
        _ text: String, type: String = "text/plain; charset=utf-8", status: Int = 200
    ) -> HTTPResponse {
        HTTPResponse(status: status, headers: [("content-type", type)], body: .bytes(Array(text.utf8)))
    }

    /// An error as JSON; what may go away by itself says when to try again.
    package static func failure(_ error: GyreError, _ value: JSONValue, status: Int? = nil) -> HTTPResponse {
        var response = HTTPResponse.json(value, status: status ?? error.code.httpStatus)
        if response.status == 503 || response.status == 429 { response.headers.append(("retry-after", "1")) }
        return response
    }

    /// Sends the reader elsewhere.
    package static func redirect(to location: String) -> HTTPResponse {
        HTTPResponse(status: 303, headers: [("location", location)])
    }
}
