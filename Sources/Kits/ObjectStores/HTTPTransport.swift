// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
package import GyreBase
internal import NIOCore
internal import NIOHTTP1

/// Requests to a store, made again where a failure may go away by itself.
package struct HTTPTransport: Sendable {
    /// What is said of the store in errors.
    package let place: String
    /// How often something is tried.
    package static let attempts = 5
    private static let longestError = 64 << 10

    /// Requests to a store; `place` is what errors call it.
    package init(place: String) { self.place = place }

    /// What making a request may fail with.
    package typealias Failure = GyreError

    /// A request; what it is may depend on when it is made.
    package typealias Make = @Sendable () throws(Failure) -> HTTPClientRequest

    /// The answer to a request, whatever its status but those that may go away by themselves.
    ///
    /// - Throws: `.unavailable` where the store does not answer after some attempts.
    package func send(_ make: Make) async throws(GyreError) -> HTTPClientResponse {
        var last = ""
        for attempt in 0..<Self.attempts {
            if attempt > 0 { try await Self.pause(attempt) }
            let request = try make()
            do {
                let answer = try await HTTPClient.shared.execute(request, timeout: .hours(24))
                let status = answer.status.code
                guard status == 429 || status == 408 || (status >= 500 && status != 501) else { return answer }
                last = "\(status) \(await Self.text(answer))"
            } catch {
                if error is CancellationError { throw GyreError(.cancelled, "The transfer was given up.") }
                last = "\(error)"
            }
        }
        throw GyreError(
            .unavailable, "\(place) does not answer.", why: String(last.prefix(500)),
            fix: "Look whether it is up, and run the command again: what was transferred is kept.")
    }

    /// Waits before another attempt: twice as long each time.
    package static func pause(_ attempt: Int) async throws(GyreError) {
        do { try await Task.sleep(for: .milliseconds(100 << min(attempt, 6))) } catch {
            throw GyreError(.cancelled, "The transfer was given up.")
        }
    }

    /// What an answer says, for an error.
    package static func text(_ answer: HTTPClientResponse) async -> String {
        // A body that breaks off says no more than its status.
        guard let body = try? await answer.body.collect(upTo: longestError) else { return "" }
        return String(decoding: body.readableBytesView, as: UTF8.self)
    }

    /// The whole content of an answer.
    package func collect(_ answer: HTTPClientResponse, limit: Int) async throws(GyreError) -> [UInt8] {
        do { return Array(buffer: try await answer.body.collect(upTo: limit)) } catch {
            throw GyreError(.unavailable, "\(place) broke off its answer.", why: "\(error)")
        }
    }

    /// The error that an answer is.
    package func failure(_ doing: String, _ answer: HTTPClientResponse) async -> GyreError {
        let status = answer.status.code
        let text = await Self.text(answer)
        let code: GyreError.Code =
            switch status {
            case 401: .unauthenticated
            case 403: .denied
            case 404: .notFound
            case 409: .conflict
            case 413: .limitExceeded
            default: status < 500 ? .invalid : .unavailable
            }
        let said = (try? JSONValue(parsing: text))?["error"]?.string ?? text.replacing(/<[^>]*>/, with: " ")
        return GyreError(
            code, "\(doing) failed: \(place) answered \(status).",
            why: said.split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(500).description,
            fix: status == 401 || status == 403 ? "Look at the keys of the remote: gyre dvc remote modify --local" : nil
        )
    }

    /// Does work for many things, some at a time.
    package static func each<Item: Sendable>(
        _ items: [Item], atOnce: Int, _ body: @escaping @Sendable (Item) async throws(Failure) -> Void
    ) async throws(GyreError) {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                var left = items[...]
                for _ in 0..<max(1, atOnce) {
                    guard let item = left.popFirst() else { break }
                    group.addTask { try await body(item) }
                }
                while try await group.next() != nil {
                    if let item = left.popFirst() { group.addTask { try await body(item) } }
                }
            }
        } catch {
            throw GyreError.wrapping(error, "Transferring")
        }
    }
}
