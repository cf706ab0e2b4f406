// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
package import GyreBase
internal import NIOCore
internal import NIOHTTP1

/// The REST API of the dashboard of a Ray cluster.
package struct RayDashboard: Sendable {
    /// Where it listens: `http://127.0.0.1:8265`.
    package let address: String

    private static let longestAnswer = 64 << 20

    /// The dashboard at an address.
    package init(address: String) { self.address = address.hasSuffix("/") ? String(address.dropLast()) : address }

    /// Sends a JSON document, or asks without one.
    package func ask(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws(GyreError) -> JSONValue {
        try JSONValue(
            parsing: try await exchange(method, path, body?.bytes ?? [], body.map { _ in "application/json" }))
    }

    /// Sends bytes of a type, and gives those of the answer.
    /// - Throws: `.unavailable` where nobody answers; `.notFound`, `.invalid` and `.unavailable` by the status of the answer.
    package func exchange(
        _ method: String, _ path: String, _ body: [UInt8] = [], _ type: String? = nil
    ) async throws(GyreError) -> [UInt8] {
        var request = HTTPClientRequest(url: address + path)
        request.method = HTTPMethod(rawValue: method)
        if let type { request.headers.add(name: "content-type", value: type) }
        if !body.isEmpty { request.body = .bytes(body) }
        let status: Int
        let content: [UInt8]
        do {
            let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            status = Int(answer.status.code)
            content = Array(buffer: try await answer.body.collect(upTo: Self.longestAnswer))
        } catch {
            throw GyreError(
                .unavailable, "The Ray cluster at \(address) does not answer.", why: "\(error)",
                fix: "Look whether its dashboard listens there: ray status")
        }
        guard (200..<300).contains(status) else {
            let said = String(decoding: content.prefix(2000), as: UTF8.self)
            throw GyreError(
                status == 404 ? .notFound : status < 500 ? .invalid : .unavailable,
                "The Ray cluster at \(address) refused \(method) \(path).",
                why: said.split(separator: "\n").last { !$0.isEmpty }.map(String.init) ?? "Its status was \(status).")
        }
        return content
    }
}
