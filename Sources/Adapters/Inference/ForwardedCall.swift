// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Foundation
internal import GyreBase
internal import GyreServing
internal import NIOCore
internal import NIOHTTP1

/// Passes calls of services on over HTTP.
enum ForwardedCall {
    /// Fields that are about one connection.
    private static let hopByHop: Set = [
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade",
        "content-length", "host",
    ]

    /// Sends a call to what listens at `address`, below which the call's target is, and gives the answer once its head is there.
    ///
    /// `timeout`: microseconds. `holding`: lives until the answer was read.
    /// - Throws: `.timeout`; `.unavailable`.
    static func send(
        _ call: HTTPModelCall, to address: String, timeout: Int64, holding: any Sendable
    ) async throws(GyreError) -> HTTPModelAnswer {
        var request = HTTPClientRequest(url: address + call.target)
        request.method = HTTPMethod(rawValue: call.method)
        for field in call.headers where !hopByHop.contains(field.name.lowercased()) {
            request.headers.add(name: field.name, value: field.value)
        }
        if address.hasPrefix("http+unix:") { request.headers.replaceOrAdd(name: "host", value: "localhost") }
        if !call.body.isEmpty { request.body = .bytes(call.body) }
        let answer: HTTPClientResponse
        do { answer = try await HTTPClient.patient.execute(request, timeout: .microseconds(timeout)) } catch {
            let isLate = (error as? HTTPClientError) == .deadlineExceeded || (error as? HTTPClientError) == .readTimeout
            throw GyreError(
                isLate ? .timeout : .unavailable,
                isLate ? "The service did not answer in time." : "The service broke off.",
                why: isLate ? "It may take \(timeout / 1_000_000) s." : "\(error)")
        }
        let body = AnswerBody(answer.body, holding: holding)
        return HTTPModelAnswer(
            status: Int(answer.status.code),
            headers: answer.headers.filter { !hopByHop.contains($0.name.lowercased()) }
                .map { (name: $0.name, value: $0.value) },
            sizeBytes: answer.headers.first(name: "content-length").flatMap { Int64($0) },
            next: { try await body.next() })
    }
}

/// The pieces of an answer, one after another.
@safe private final class AnswerBody: @unchecked Sendable {
    // SAFETY: whoever sends the answer on asks for its pieces one after another.
    private var iterator: HTTPClientResponse.Body.AsyncIterator
    private let holding: any Sendable

    init(_ body: HTTPClientResponse.Body, holding: any Sendable) {
        iterator = body.makeAsyncIterator()
        self.holding = holding
    }

    func next() async throws -> [UInt8]? {
        guard let buffer = try await iterator.next() else { return nil }
        return Array(buffer.readableBytesView)
    }
}
