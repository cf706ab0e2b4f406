// SPDX-License-Identifier: Apache-2.0

internal import GyreHTTP

/// What answers need to reach pages of other sites, and pages behind a proxy that puts them below a path.
enum Crossing {
    /// The answer to a browser that asks whether a page may call.
    static func preflight(_ origin: String) -> HTTPResponse {
        var answer = HTTPResponse(
            status: 204,
            headers: [
                ("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE"),
                ("access-control-allow-headers", "authorization, content-type, x-gyre-workspace, x-mlflow-workspace"),
                ("access-control-max-age", "600"),
            ])
        open(&answer, to: origin)
        return answer
    }

    /// Lets a page of that site read the answer; never with cookies.
    static func open(_ answer: inout HTTPResponse, to origin: String) {
        answer.headers += [("access-control-allow-origin", origin), ("vary", "origin")]
    }

    /// Puts the addresses of this server that an answer leads to below a path.
    static func move(_ answer: inout HTTPResponse, below prefix: String) {
        for (index, header) in answer.headers.enumerated()
        where header.name == "location" && header.value.hasPrefix("/") && !header.value.hasPrefix("//") {
            answer.headers[index].value = prefix + header.value
        }
        guard case .bytes(let bytes) = answer.body,
            answer.headers.contains(where: { $0.name == "content-type" && $0.value.hasPrefix("text/html") })
        else { return }
        // In the texts of pages quotation marks are written otherwise, so that only attributes look like this.
        var page = String(decoding: bytes, as: UTF8.self)
        for attribute in ["href", "src", "action"] {
            page = page.replacing(" \(attribute)=\"/", with: " \(attribute)=\"\(prefix)/")
        }
        answer.body = .bytes(Array(page.utf8))
    }
}
