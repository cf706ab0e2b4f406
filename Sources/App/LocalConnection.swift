// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreCLI
internal import GyreHTTP

/// A home folder that this process opened: the same routes, without a socket.
struct LocalConnection: Connection {
    let assembly: Assembly
    let actor: String

    func call(_ method: String, _ path: String, _ body: JSONValue?) async throws(GyreError) -> JSONValue {
        let bytes = try await respond(
            HTTPRequest(method, "/api/gyre/v1" + path, headers: ["x-gyre-actor": actor], body: body?.bytes ?? []))
        return bytes.isEmpty ? [:] : try JSONValue(parsing: bytes)
    }

    func upload(file: String) async throws(GyreError) -> (sha256: String, sizeBytes: Int64) {
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw GyreError(.notFound, "The file \(file) cannot be read.")
        }
        let body = HTTPBody { try handle.read(upToCount: 1 << 20).map { Array($0) } }
        let json = try JSONValue(parsing: try await respond(HTTPRequest("POST", "/api/gyre/v1/blobs", streaming: body)))
        return (json["sha256"]?.string ?? "", json["size"]?.int ?? 0)
    }

    func download(_ sha256: String, to file: String) async throws(GyreError) {
        let response = await assembly.surfaces.router.respond(to: HTTPRequest("GET", "/api/gyre/v1/blobs/\(sha256)"))
        guard case .stream(_, let next) = response.body else {
            throw GyreError(.notFound, "The blob \(sha256) is not in the store.")
        }
        do {
            try Data().write(to: URL(fileURLWithPath: file))
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
            while let piece = try await next() { try handle.write(contentsOf: Data(piece)) }
            try handle.close()
        } catch {
            throw GyreError.wrapping(error, "Writing \(file)")
        }
    }

    func close() async {
        do { try await assembly.close() } catch { StandardError.write("closing the home folder failed: \(error)") }
    }

    private func respond(_ request: HTTPRequest) async throws(GyreError) -> [UInt8] {
        let response = await assembly.surfaces.router.respond(to: request)
        guard case .bytes(let bytes) = response.body else { return [] }
        guard (200..<300).contains(response.status) else { throw APIError.read(bytes, status: response.status) }
        return bytes
    }
}
