// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Lets one piece of work be done at a time, in the order in which they came.
actor Turns {
    private var last: Task<Void, Never>?

    /// Does `work` when all that came before is done.
    func take<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(GyreError) -> Value
    ) async throws(GyreError) -> Value {
        let previous = last
        // Owned by whoever waits for its value below; the next one waits for it too.
        let mine = Task { () -> Result<Value, GyreError> in
            await previous?.value
            do throws(GyreError) { return .success(try await work()) } catch { return .failure(error) }
        }
        last = Task { _ = await mine.value }
        return try await mine.value.get()
    }
}
