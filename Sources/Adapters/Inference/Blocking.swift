// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase

/// Waits on a thread of the background for what others compute.
enum Blocking {
    static func wait<Result: Sendable>(
        _ body: @escaping @Sendable () async throws(GyreError) -> Result
    ) throws(GyreError) -> Result {
        let box = Box<Result>()
        let done = DispatchSemaphore(value: 0)
        Task {
            do throws(GyreError) { box.result = .success(try await body()) } catch { box.result = .failure(error) }
            done.signal()
        }
        done.wait()
        guard let result = box.result else { throw GyreError(.internal, "A task ended without a result.") }
        return try result.get()
    }

    @safe private final class Box<Result: Sendable>: @unchecked Sendable {
        // SAFETY: written before the semaphore is signalled, read after it was waited for.
        var result: Swift.Result<Result, GyreError>?
    }
}
