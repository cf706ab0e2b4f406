// SPDX-License-Identifier: Apache-2.0

package import GyreAccess
package import GyreBase
internal import Hummingbird
internal import NIOCore

/// A request as the dialects see it, however it came in.
package struct HTTPRequest: Sendable {
    /// The verb, upper case.
    package let method: String
    /// The path as it was sent, still percent-encoded.
    package let path: String
    /// The query, decoded, in the order it was sent.
    package let query: [(name: String, value: String)]
    /// Header values by lower-case name.
    package let headers: @Sendable (String) -> String?
    /// All header fields as they came, for whoever passes a request on; none of a request made in this process.
    package var headerFields: @Sendable () -> [(name: String, value: String)] = { [] }
    /// The body, read at most once.
    package var body: HTTPBody
    /// What the route's pattern took out of the path, decoded.
    package var parameters: [String: String] = [:]
    /// Who calls; a request made in this process is Gyre's own until it is said whose it is.
    package var caller = Caller.inside
    /// Whether nobody on the way could read it.
    package var isEncrypted = false
    /// The workspace that its address named; nil where it named none.
    package var workspace: String?
    /// The address that it came from; nil for one made in this process.
    package var peer: @Sendable () -> String? = { nil }

    /// The field in which a server tells its own routes of the certificate that a client has shown.
    package static let certificateField = "x-gyre-client-certificate"
    /// The field in which a server tells its own routes that the connection is encrypted.
    static let encryptedField = "x-gyre-encrypted"

    /// A request made in this process.
    ///
    /// `target`: path and query.
    package init(
        _ method: String, _ target: String, headers: [String: String] = [:], body: [UInt8] = [],
        by caller: Caller = .inside
    ) {
        self.init(method: method, target: target, headers: { headers[$0] }, body: HTTPBody(body))
        self.caller = caller
    }

    /// A request made in this process whose body is read piece by piece.
    package init(_ method: String, _ target: String, streaming body: HTTPBody) {
        self.init(method: method, target: target, headers: { _ in nil }, body: body)
    }

    init(method: String, target: String, headers: @escaping @Sendable (String) -> String?, body: HTTPBody) {
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        query = parts.count == 2 ? Percent.query(String(parts[1])) : []
        self.headers = headers
        self.body = body
    }

    /// A request to the same address as `other`, with its own headers and body.
    init(_ other: HTTPRequest, headers: @escaping @Sendable (String) -> String?, body: HTTPBody) {
        method = other.method
        path = other.path
        query = other.query
        parameters = other.parameters
        headerFields = other.headerFields
        caller = other.caller
        peer = other.peer
        workspace = other.workspace
        isEncrypted = other.isEncrypted
        self.headers = headers
        self.body = body
    }

    /// The same request as a router below `prefix` sees it; the path begins with the prefix.
    package func below(_ prefix: String) -> HTTPRequest {
        HTTPRequest(self, path: String(path.dropFirst(prefix.count)))
    }

    private init(_ other: HTTPRequest, path: String) {
        method = other.method
        self.path = path
        query = other.query
        headers = other.headers
        headerFields = other.headerFields
        body = other.body
        caller = other.caller
        peer = other.peer
        workspace = other.workspace
        isEncrypted = other.isEncrypted
    }

    /// Who calls, for the ledger: the name that was proved, or what the caller says, which is a claim, or else the surface that was used.
    ///
    /// `told`: the caller's word in the body, where the protocol has it there.
    package func actor(_ told: String? = nil, surface: String) -> String {
        caller.actor(told: told ?? headers("x-gyre-actor"), surface: surface)
    }

    /// The names of a kind that the caller may see; nil for all of them.
    package func visible(_ kind: Thing.Kind) -> Set<String>? { caller.access.visible(kind) }

    /// The first value of a query member.
    package func query(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// A part of the path; the route's pattern has it.
    package func parameter(_ name: String) -> String { parameters[name] ?? "" }

    /// A whole number from the query within `range`, or `fallback` where it is absent.
    /// - Throws: `.invalid` for anything else.
    package func number(_ name: String, default fallback: Int, in range: ClosedRange<Int>) throws(GyreError) -> Int {
        guard let text = query(name) else { return fallback }
        guard let number = Int(text), range.contains(number) else {
            throw GyreError(
                .invalid, "\"\(text.prefix(40))\" is no value for \"\(name)\".",
                why: "It is a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// The body as JSON; an empty body is an empty object.
    ///
    /// `refusesNull`: whether the character U+0000 is refused, which databases do not keep in names and texts.
    package func json(
        limit: Int = Limits.bodyBytes, refusesNull: Bool = true
    ) async throws(GyreError) -> JSONValue {
        let bytes = try await body.collect(limit: limit)
        return bytes.isEmpty ? [:] : try JSONValue(parsing: bytes, refusesNull: refusesNull)
    }
}

/// The body of a request: bytes at hand, or bytes on their way.
package struct HTTPBody: Sendable {
    enum Source: Sendable {
        case bytes([UInt8])
        case stream(RequestBody)
        case pull(@Sendable () async throws -> [UInt8]?)
    }

    let source: Source

    /// A body that is at hand.
    package init(_ bytes: [UInt8]) { source = .bytes(bytes) }

    /// A body that is read piece by piece, until nil or an empty piece.
    package init(_ next: @escaping @Sendable () async throws -> [UInt8]?) { source = .pull(next) }

    init(stream: RequestBody) { source = .stream(stream) }

    /// All of it where it is at hand, as it is on a direct route; else nil.
    package var atHand: [UInt8]? {
        guard case .bytes(let bytes) = source else { return nil }
        return bytes
    }

    /// All of it.
    /// - Throws: `.limitExceeded` as soon as more than `limit` bytes have come.
    package func collect(limit: Int) async throws(GyreError) -> [UInt8] {
        if case .bytes(let bytes) = source, bytes.count <= limit { return bytes }
        var all: [UInt8] = []
        try await pieces(limit: Int64(limit)) { all.append(contentsOf: $0) }
        return all
    }

    /// Hands it on piece by piece.
    /// - Throws: `.limitExceeded` as soon as more than `limit` bytes have come.
    package func pieces(limit: Int64, _ take: ([UInt8]) async throws -> Void) async throws(GyreError) {
        var total: Int64 = 0
        do {
            switch source {
            case .bytes(let bytes):
                if bytes.count > limit { throw Self.tooLarge(limit) }
                try await take(bytes)
            case .pull(let next):
                while let piece = try await next(), !piece.isEmpty {
                    total += Int64(piece.count)
                    if total > limit { throw Self.tooLarge(limit) }
                    try await take(piece)
                }
            case .stream(let stream):
                for try await buffer in stream {
                    total += Int64(buffer.readableBytes)
                    if total > limit { throw Self.tooLarge(limit) }
                    try await take(Array(buffer.readableBytesView))
                }
            }
        } catch {
            throw GyreError.wrapping(error, "Reading the body of the request")
        }
    }

    private static func tooLarge(_ limit: Int64) -> GyreError {
        GyreError(
            .limitExceeded, "The body of the request is too large.", why: "At most \(limit) bytes are taken here.")
    }
}
