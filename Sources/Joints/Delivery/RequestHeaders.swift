// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// What a request may say in headers, for protocols whose bodies have no place for it.
extension Predictor.Request {
    /// The header that a request's id may come in and its answer's id goes out in.
    package static let idHeader = "x-request-id"
    /// The header that names the graph and step that ask.
    package static let viaHeader = "gyre-via"

    /// Takes `X-Request-Id`, `Gyre-Key` (the sticky key), `Gyre-Attributes` (`country=DE, plan=pro`) and `Gyre-Via`.
    package mutating func take(headers: (String) -> String?) {
        if id == nil, let given = headers(Self.idHeader), !given.isEmpty, given.utf8.count <= Limits.nameBytes {
            id = given
        }
        if let key = headers("gyre-key") { stickyKey = key }
        if let via = headers(Self.viaHeader) { self.via = String(via.prefix(Limits.nameBytes)) }
        guard let list = headers("gyre-attributes") else { return }
        for pair in list.split(separator: ",").prefix(100) {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            attributes[parts[0].trimmed] = parts[1].trimmed
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
