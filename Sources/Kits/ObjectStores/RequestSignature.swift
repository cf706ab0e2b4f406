// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import GyreBase

/// Keys of an object store.
package struct StoreCredentials: Sendable, Hashable {
    /// Who asks.
    package let accessKey: String
    /// What only they know.
    package let secretKey: String
    /// What goes with keys that end; nil for lasting ones.
    package let sessionToken: String?

    /// Keys.
    package init(accessKey: String, secretKey: String, sessionToken: String? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }
}

/// Signs requests as AWS asks for it (Signature Version 4).
package struct RequestSignature: Sendable {
    private let credentials: StoreCredentials
    private let region: String
    private let service: String

    /// Signs for a region of a service.
    package init(_ credentials: StoreCredentials, region: String, service: String = "s3") {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// What stands for a content that is not hashed; the connection protects it, or the object's own digest does.
    package static let unsigned = "UNSIGNED-PAYLOAD"

    /// The header fields that a request needs beside its own.
    ///
    /// `path` is percent-encoded, as it is sent; `query` is decoded. `headers` are fields that are signed, by lower-case name, `host` among
    /// them. `now`: microseconds since 1970.
    package func headers(
        _ method: String, path: String, query: [(name: String, value: String)], headers: [(String, String)],
        content: String, now: Int64
    ) -> [(String, String)] {
        let stamp = Self.stamp(now)
        var added: [(String, String)] = [("x-amz-date", stamp), ("x-amz-content-sha256", content)]
        if let token = credentials.sessionToken { added.append(("x-amz-security-token", token)) }
        let signed = (headers + added).sorted { $0.0 < $1.0 }
        let names = signed.map(\.0).joined(separator: ";")
        let request = [
            method, path, Self.canonical(query), signed.map { "\($0.0):\($0.1)\n" }.joined(), names, content,
        ].joined(separator: "\n")
        let scope = "\(stamp.prefix(8))/\(region)/\(service)/aws4_request"
        let text = ["AWS4-HMAC-SHA256", stamp, scope, Digest(of: request).hex].joined(separator: "\n")
        let signature = sign(text, day: String(stamp.prefix(8)))
        added.append(
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), SignedHeaders=\(names), Signature=\(signature)"
            ))
        return added
    }

    private func sign(_ text: String, day: String) -> String {
        func mac(_ key: [UInt8], _ text: String) -> [UInt8] {
            Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key)))
        }
        let key = mac(mac(mac(mac(Array("AWS4\(credentials.secretKey)".utf8), day), region), service), "aws4_request")
        return mac(key, text).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Members sorted, everything but letters, digits and `-_.~` escaped.
    static func canonical(_ query: [(name: String, value: String)]) -> String {
        query.map { (encode($0.name), encode($0.value)) }.sorted { $0 < $1 }.map { "\($0)=\($1)" }.joined(
            separator: "&")
    }

    /// A text as signatures have it.
    package static func encode(_ text: String, keepsSlash: Bool = false) -> String {
        Percent.escape(text.utf8) { byte in
            (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
                || "-_.~".utf8.contains(byte) || (keepsSlash && byte == UInt8(ascii: "/"))
        }
    }

    /// `20261201T142500Z`.
    static func stamp(_ microseconds: Int64) -> String {
        Timestamp.text(microseconds).prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
}
