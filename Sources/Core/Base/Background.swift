// SPDX-License-Identifier: Apache-2.0

internal import Dispatch

/// Work that takes milliseconds of computing or waits for a disk: it runs off the threads that answer requests.
public enum Background {
    private static let queue = DispatchQueue(label: "gyre.background", attributes: .concurrent)

    /// Runs `body` on a thread of the background and suspends until it is done.
    public static func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws(GyreError) -> Result
    ) async throws(GyreError) -> Result {
        let outcome: Swift.Result<Result, GyreError> = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: Swift.Result { () throws(GyreError) in try body() }) }
        }
        return try outcome.get()
    }

    /// Runs `body` on a thread of the background after some microseconds.
    public static func detach(after microseconds: Int64, _ body: @escaping @Sendable () -> Void) {
        queue.asyncAfter(deadline: .now() + .microseconds(Int(clamping: microseconds)), execute: body)
    }

    /// Runs `body` on a thread of the background without waiting: for freeing what is large.
    public static func detach(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }
}
