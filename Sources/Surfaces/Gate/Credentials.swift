// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase

/// What a request shows to be known, as clients of all kinds send it.
enum Credentials: Sendable, Hashable {
    /// A secret of ours: a token, by its digest.
    case token(Digest)
    /// A name and a password, and the digest of what was sent.
    case password(name: String, password: String, Digest)
    /// A token of an identity provider.
    case provider(String)
    /// The cookie of a browser.
    case cookie(secret: String)

    /// The name of the cookie.
    static let cookieName = "gyre_session"

    /// Reads the header fields; nil where nothing is shown.
    /// - Throws: `.unauthenticated` for what no client sends.
    init?(headers: (String) -> String?) throws(GyreError) {
        if let sent = headers("authorization") {
            guard let found = try Self.authorization(sent) else {
                throw GyreError(
                    .unauthenticated, "The authorization of the request cannot be read.",
                    fix: "Send \"Bearer TOKEN\", or \"Basic\" with a name and a password.")
            }
            self = found
        } else if let sent = headers("x-api-key") ?? headers("x-gyre-token"), !sent.isEmpty {
            self = .token(Digest(of: sent))
        } else if let sent = headers("cookie"), let secret = Self.cookie(sent) {
            self = .cookie(secret: secret)
        } else {
            return nil
        }
    }

    private static func authorization(_ sent: String) throws(GyreError) -> Credentials? {
        let parts = sent.split(separator: " ", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        let value = parts[1].trimmingCharacters(in: .whitespaces)
        switch parts[0].lowercased() {
        case "bearer", "token":
            // Tokens of providers have three parts; ours have none.
            return value.count { $0 == "." } == 2 ? .provider(value) : .token(Digest(of: value))
        case "basic":
            guard let data = Data(base64Encoded: value), let text = String(data: data, encoding: .utf8),
                let colon = text.firstIndex(of: ":")
            else { return nil }
            let password = String(text[text.index(after: colon)...])
            // Clients that only know names and passwords send a token as the password.
            if password.hasPrefix("gyre_") { return .token(Digest(of: password)) }
            return .password(name: String(text[..<colon]), password: password, Digest(of: sent))
        default: return nil
        }
    }

    private static func cookie(_ sent: String) -> String? {
        for part in sent.split(separator: ";") {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            if pair.count == 2, pair[0] == cookieName { return pair[1] }
        }
        return nil
    }
}
