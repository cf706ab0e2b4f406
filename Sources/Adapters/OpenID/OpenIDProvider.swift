// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Foundation
package import GyreBase
package import GyreIdentity
internal import JWTKit
internal import NIOCore
internal import NIOHTTP1

/// A provider of OpenID Connect: found by its issuer, its keys kept and asked for anew.
package actor OpenIDProvider: IdentityProvider {
    /// What whoever serves has chosen.
    package struct Choice: Sendable, Hashable {
        /// The issuer, whose configuration lies below `/.well-known/openid-configuration`.
        package var issuer: String
        /// What the provider calls this server.
        package var client: String
        /// What this server proves itself by; nil for none.
        package var secret: String?
        /// For whom tokens that clients bring may be made beside `client`.
        package var audiences: [String] = []
        /// The claim that is a person's name here.
        package var nameClaim = "preferred_username"
        /// The claim that lists a person's groups.
        package var groupsClaim = "groups"

        /// A provider that knows this server as `client`.
        package init(issuer: String, client: String) {
            self.issuer = issuer
            self.client = client
        }
    }

    /// What the provider says of itself.
    private struct Configuration: Sendable {
        let authorization: String
        let token: String
        let keys: String
    }

    private let choice: Choice
    private let now: @Sendable () -> Int64
    private var configuration: (value: Configuration, at: Int64)?
    private var keys: (set: JSONValue, at: Int64)?
    /// Keys that tokens were signed by, by their id and the way of signing.
    private var collections: [String: JWTKeyCollection] = [:]
    private var askedAt: Int64 = 0

    /// Microseconds after which keys are asked for again, for which old ones serve while the provider is away, and between two questions
    /// about a key that is not known.
    private static let (fresh, grace, pause): (Int64, Int64, Int64) = (3_600_000_000, 86_400_000_000, 10_000_000)

    /// A provider that nothing was asked of yet.
    package init(_ choice: Choice, now: @escaping @Sendable () -> Int64) {
        self.choice = choice
        self.now = now
    }

    // MARK: Tokens

    package func claims(of token: String, nonce: String?) async throws(GyreError) -> IdentityClaims {
        let claims: OpenIDClaims
        do throws(GyreError) { claims = try await verified(token, by: try await keys(anew: false)) } catch {
            // The provider may have other keys by now.
            guard error.code == .unauthenticated, now() - askedAt > Self.pause else { throw error }
            claims = try await verified(token, by: try await keys(anew: true))
        }
        guard claims.issuer == choice.issuer else {
            throw Self.refused("It was issued by \(claims.issuer.prefix(100)).")
        }
        guard !Set(claims.audience).isDisjoint(with: [choice.client] + choice.audiences) else {
            throw Self.refused("It was made for \(claims.audience.joined(separator: ", ").prefix(200)).")
        }
        let seconds = Double(now()) / 1e6
        guard claims.expiration > seconds else { throw Self.refused("It has ended.") }
        guard (claims.notBefore ?? 0) <= seconds + 60 else { throw Self.refused("It is not valid yet.") }
        guard nonce == nil || claims.others["nonce"]?.string == nonce else {
            throw Self.refused("It belongs to another sign-in.")
        }
        let name = claims.others[choice.nameClaim]?.string ?? claims.others["email"]?.string ?? claims.subject
        let groups = claims.others[choice.groupsClaim]
        return IdentityClaims(
            subject: "\(choice.issuer)#\(claims.subject)", name: name,
            groups: groups?.strings ?? groups?.string.map { [$0] } ?? [])
    }

    private func verified(
        _ token: String, by set: JSONValue
    ) async throws(GyreError) -> OpenIDClaims {
        let keys = try await collection(for: token, of: set)
        do { return try await keys.verify(token, as: OpenIDClaims.self) } catch let error as JWTError {
            throw Self.refused("\(error.errorType)")
        } catch {
            throw Self.refused("It cannot be read.")
        }
    }

    /// The ways of signing that are taken, with the kinds of keys that sign so; never one whose key could be a public one used as a secret.
    private static let ways = [
        "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA", "PS512": "RSA", "ES256": "EC",
        "ES384": "EC", "ES512": "EC", "EdDSA": "OKP",
    ]

    /// The key that a token says it was signed by; many providers do not say of a key how it signs.
    private func collection(for token: String, of set: JSONValue) async throws(GyreError) -> JWTKeyCollection {
        let head = String(token.prefix { $0 != "." }).replacing("-", with: "+").replacing("_", with: "/")
        let padded = head + String(repeating: "=", count: (4 - head.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: padded), let header = try? JSONValue(parsing: [UInt8](data)),
            let way = header["alg"]?.string, let kind = Self.ways[way]
        else { throw Self.refused("It does not say how it was signed, or in a way that is not taken.") }
        let id = header["kid"]?.string
        let label = "\(way) \(id ?? "")"
        if let known = collections[label] { return known }
        let fitting = (set["keys"]?.array ?? []).filter { key in
            key["kty"]?.string == kind && (id == nil || key["kid"]?.string == id)
                && key["use"]?.string ?? "sig" == "sig"
                && key["alg"]?.string ?? way == way
        }
        guard !fitting.isEmpty else { throw Self.refused("The provider has no such key.") }
        let said = fitting.map { key -> JSONValue in
            var key = key
            key["alg"] = .string(way)
            if key["kid"] == nil { key["kid"] = "the only one" }
            return key
        }
        let collection = JWTKeyCollection()
        let text: JSONValue = ["keys": .array(said)]
        do { try await collection.add(jwksJSON: text.text) } catch {
            throw GyreError(.unavailable, "The keys of the identity provider cannot be read.", why: "\(error)")
        }
        if collections.count > 100 { collections = [:] }
        collections[label] = collection
        return collection
    }

    private static func refused(_ why: String) -> GyreError {
        GyreError(.unauthenticated, "The token of the identity provider is not good.", why: why)
    }

    private func keys(anew: Bool) async throws(GyreError) -> JSONValue {
        if let keys, !anew, now() - keys.at < Self.fresh { return keys.set }
        askedAt = now()
        do throws(GyreError) {
            let bytes = try await fetch(HTTPClientRequest(url: try await configured().keys))
            let set = try JSONValue(parsing: bytes)
            keys = (set, now())
            collections = [:]
            return set
        } catch {
            // Whoever is signed in stays so while the provider is away for a while.
            if let keys, now() - keys.at < Self.grace { return keys.set }
            throw error
        }
    }

    // MARK: Signing in

    package func address(
        callback: String, state: String, nonce: String, challenge: String
    ) async throws(GyreError) -> String {
        let configured = try await configured()
        let query = Percent.query([
            ("response_type", "code"), ("client_id", choice.client), ("redirect_uri", callback),
            ("scope", "openid profile email groups"), ("state", state), ("nonce", nonce),
            ("code_challenge", challenge), ("code_challenge_method", "S256"),
        ])
        return configured.authorization + (configured.authorization.contains("?") ? "&" + query.dropFirst() : query)
    }

    package func redeem(_ code: String, callback: String, verifier: String) async throws(GyreError) -> String {
        var request = HTTPClientRequest(url: try await configured().token)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        var members: [(name: String, value: String?)] = [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", callback),
            ("client_id", choice.client), ("code_verifier", verifier),
        ]
        if let secret = choice.secret {
            members.removeAll { $0.name == "client_id" }
            let pair = "\(Percent.encode(choice.client)):\(Percent.encode(secret))"
            request.headers.add(name: "authorization", value: "Basic " + Data(pair.utf8).base64EncodedString())
        }
        request.body = .bytes(ByteBuffer(string: String(Percent.query(members).dropFirst())))
        let answer = try JSONValue(parsing: try await fetch(request))
        guard let token = answer["id_token"]?.string else {
            throw Self.refused("The provider gave none: \((answer["error"]?.string ?? "no id_token").prefix(100)).")
        }
        return token
    }

    // MARK: Asking the provider

    private func configured() async throws(GyreError) -> Configuration {
        if let configuration, now() - configuration.at < Self.fresh { return configuration.value }
        do throws(GyreError) {
            let url = choice.issuer + (choice.issuer.hasSuffix("/") ? "" : "/") + ".well-known/openid-configuration"
            let json = try JSONValue(parsing: try await fetch(HTTPClientRequest(url: url)))
            guard json["issuer"]?.string == choice.issuer, let authorization = json["authorization_endpoint"]?.string,
                let token = json["token_endpoint"]?.string, let keys = json["jwks_uri"]?.string
            else {
                throw GyreError(
                    .unavailable, "\(url) is no configuration of OpenID Connect.",
                    why: "It says that its issuer is \((json["issuer"]?.string ?? "nobody").prefix(100)).")
            }
            let value = Configuration(authorization: authorization, token: token, keys: keys)
            configuration = (value, now())
            return value
        } catch {
            if let configuration { return configuration.value }
            throw error
        }
    }

    private func fetch(_ request: HTTPClientRequest) async throws(GyreError) -> [UInt8] {
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
            let bytes = Array(try await response.body.collect(upTo: 1 << 20).readableBytesView)
            guard response.status.code < 500 else {
                throw GyreError(.unavailable, "The identity provider answers with status \(response.status.code).")
            }
            return bytes
        } catch {
            throw GyreError.wrapping(error, "Asking the identity provider")
        }
    }
}

/// The claims of a token, those of other names too.
private struct OpenIDClaims: JWTPayload {
    let issuer: String
    let subject: String
    let audience: [String]
    let expiration: Double
    let notBefore: Double?
    let others: JSONValue

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        func name(_ text: String) -> Name { Name(stringValue: text) }
        issuer = try container.decode(String.self, forKey: name("iss"))
        subject = try container.decode(String.self, forKey: name("sub"))
        // Providers write one as a text.
        if let one = try? container.decode(String.self, forKey: name("aud")) {
            audience = [one]
        } else {
            audience = try container.decode([String].self, forKey: name("aud"))
        }
        expiration = try container.decode(Double.self, forKey: name("exp"))
        notBefore = try container.decodeIfPresent(Double.self, forKey: name("nbf"))
        var members: [(String, JSONValue)] = []
        for key in container.allKeys {
            // Only texts and lists of texts are looked at.
            if let text = try? container.decode(String.self, forKey: key) {
                members.append((key.stringValue, .string(text)))
            } else if let list = try? container.decode([String].self, forKey: key) {
                members.append((key.stringValue, .strings(list)))
            }
        }
        others = .object(JSONObject(merging: members))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Name.self)
        try container.encode(subject, forKey: Name(stringValue: "sub"))
    }

    /// Time and audience are looked at by whoever knows what time it is and who is meant.
    func verify(using algorithm: some JWTAlgorithm) async throws {}
}
