// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Foundation
internal import GyreAPI
package import GyreBase
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Synchronization

/// A server over HTTP.
struct RemoteConnection: Connection {
    let url: String
    let actor: String
    let token: String?
    let workspace: String?
    /// Name and password as HTTP sends them, where no token is there yet.
    private var basic: String?
    var address: String? { url }
    private let client: HTTPClient

    /// A call may take as long as making an environment or predicting a dataset does, and nothing comes before its end.
    ///
    /// `authority`: the file of those who sign servers' certificates; nil for the system's own.
    private static func patient(_ authority: String?) -> HTTPClient {
        let key = authority ?? ""
        return clients.withLock { clients in
            let client = clients[key] ?? make(authority)
            clients[key] = client
            return client
        }
    }

    /// They last as long as the process.
    private static let clients = Mutex<[String: HTTPClient]>([:])

    private static func make(_ authority: String?) -> HTTPClient {
        var configuration = HTTPClient.Configuration(timeout: .init(connect: .seconds(10), read: .hours(24)))
        if let file = authority {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(file)
            configuration.tlsConfiguration = tls
        }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    init(
        url: String, actor: String, token: String? = nil, workspace: String? = nil,
        authority: String? = nil
    ) {
        client = Self.patient(authority)
        let url = Self.whole(url)
        self.url = url
        self.actor = actor
        self.token = token ?? SavedCredentials.token(for: url)
        self.workspace = workspace
    }

    /// A server that is asked with a name and a password.
    init(url: String, actor: String, basic: (name: String, password: String), authority: String?) {
        client = Self.patient(authority)
        self.url = Self.whole(url)
        self.actor = actor
        token = nil
        workspace = nil
        self.basic = Data("\(basic.name):\(basic.password)".utf8).base64EncodedString()
    }

    /// The address with its scheme, and without a slash at its end.
    static func whole(_ url: String) -> String {
        if url.hasPrefix("unix:") { return "http+unix://" + Percent.encode(String(url.dropFirst(5))) }
        return
            (url.contains("://") ? url : "http://" + url).trimmingCharacters(in: CharacterSet(charactersIn: "/"))
    }

    /// What every request says of its sender.
    private func sign(_ request: inout HTTPClientRequest) {
        request.headers.add(name: "x-gyre-actor", value: actor)
        // Behind a socket there is no host that the address could name.
        if url.hasPrefix("http+unix:") { request.headers.add(name: "host", value: "localhost") }
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        if let basic { request.headers.add(name: "authorization", value: "Basic \(basic)") }
        if let workspace { request.headers.add(name: "x-gyre-workspace", value: workspace) }
    }

    func call(_ method: String, _ path: String, _ body: JSONValue?) async throws(GyreError) -> JSONValue {
        var request = HTTPClientRequest(url: url + "/api/gyre/v1" + path)
        request.method = HTTPMethod(rawValue: method)
        if let body { request.body = .bytes(ByteBuffer(bytes: body.bytes)) }
        let bytes = try await execute(request, limit: 256 << 20)
        return bytes.isEmpty ? [:] : try JSONValue(parsing: bytes)
    }

    func upload(file: String) async throws(GyreError) -> (sha256: String, sizeBytes: Int64) {
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw GyreError(.notFound, "The file \(file) cannot be read.")
        }
        var request = HTTPClientRequest(url: url + "/api/gyre/v1/blobs")
        request.method = .POST
        request.body = .stream(FilePieces(handle: handle), length: .unknown)
        let stored = try API.StoredBlob(answer: try JSONValue(parsing: try await execute(request, limit: 1 << 20)))
        return (stored.sha256, stored.size)
    }

    func download(_ sha256: String, to file: String) async throws(GyreError) {
        do {
            var request = HTTPClientRequest(url: url + "/api/gyre/v1/blobs/\(sha256)")
            sign(&request)
            let response = try await client.execute(request, timeout: .hours(24))
            guard response.status == .ok else { throw GyreError(.notFound, "The blob \(sha256) is not on the server.") }
            try Data().write(to: URL(fileURLWithPath: file))
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
            for try await buffer in response.body { try handle.write(contentsOf: Data(buffer.readableBytesView)) }
            try handle.close()
        } catch {
            throw GyreError.wrapping(error, "Fetching \(file)")
        }
    }

    func close() async {}

    private func execute(_ request: HTTPClientRequest, limit: Int) async throws(GyreError) -> [UInt8] {
        var request = request
        sign(&request)
        let response: HTTPClientResponse
        let bytes: [UInt8]
        do {
            response = try await client.execute(request, timeout: .hours(24))
            bytes = Array(try await response.body.collect(upTo: limit).readableBytesView)
        } catch {
            throw GyreError(
                .unavailable, "The server \(url) does not answer.", why: "\(error)",
                fix: "Start it with gyre up, or give another --server.")
        }
        guard (200..<300).contains(response.status.code) else {
            throw APIError.read(bytes, status: Int(response.status.code))
        }
        return bytes
    }
}

/// A file as pieces of a request's body.
private struct FilePieces: AsyncSequence, AsyncIteratorProtocol, Sendable {
    let handle: FileHandle

    func makeAsyncIterator() -> FilePieces { self }

    func next() async throws -> ByteBuffer? {
        guard let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty else { return nil }
        return ByteBuffer(bytes: piece)
    }
}

/// The errors that the native API answers.
package enum APIError {
    /// The error in an answer's body.
    package static func read(_ bytes: [UInt8], status: Int) -> GyreError {
        // An answer that is no JSON comes from something else than Gyre; its status is all there is to tell.
        let error = (try? JSONValue(parsing: bytes))?["error"]
        let code =
            error?["code"]?.string.flatMap(GyreError.Code.init(rawValue:)) ?? (status == 404 ? .notFound : .internal)
        return GyreError(
            code, error?["what"]?.string ?? error?.string ?? "The server answered with status \(status).",
            why: error?["why"]?.string,
            fix: error?["fix"]?.string)
    }
}
