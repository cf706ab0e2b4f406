// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc
internal import GyreBase
internal import Synchronization

/// The same work for many files, on all processors.
enum Parallel {
    /// Room for one piece of a file.
    static let bufferBytes = 1 << 20
    private static let batch = 32

    /// Calls `body` for each number below `count`, with a buffer of the thread's own, some at a time; stops at the first failure.
    static func each(
        _ count: Int, step: @Sendable @escaping (Int) -> Void = { _ in },
        _ body: @Sendable @escaping (Int, UnsafeMutableRawBufferPointer) throws(GyreError) -> Void
    ) throws(GyreError) {
        guard count > 0 else { return }
        let next = Atomic(0)
        let failure = Mutex<GyreError?>(nil)
        let workers = min(max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))), (count + batch - 1) / batch)
        DispatchQueue.concurrentPerform(iterations: workers) { _ in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 4096)
            defer { unsafe buffer.deallocate() }
            while true {
                let start = next.add(batch, ordering: .relaxed).oldValue
                guard start < count, failure.withLock({ $0 == nil }) else { return }
                let end = min(count, start + batch)
                for index in start..<end {
                    do throws(GyreError) { try unsafe body(index, buffer) } catch {
                        return failure.withLock { if $0 == nil { $0 = error } }
                    }
                }
                step(end - start)
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }
}

/// Places of an array that several threads write, each its own.
@safe struct SharedPlaces<Element>: @unchecked Sendable {
    // SAFETY: whoever makes it keeps the memory alive until all threads are done, and no two threads write one place.
    let base: UnsafeMutablePointer<Element>

    subscript(index: Int) -> Element {
        get { unsafe base[index] }
        nonmutating set { unsafe base[index] = newValue }
    }
}
