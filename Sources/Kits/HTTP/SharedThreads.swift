// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Swift's tasks on the threads that do the network's work.
///
/// NIO has this too, and says of each task that it runs on an executor of the loop's own. Every call of a function that belongs to no actor
/// then waits in the loop's queue once more, with others before it: dearer, and the end of whoever holds a lock across such a call
/// (`merge` of swift-async-algorithms does; the next task on the thread asks for the lock, and the thread stands still).
/// Here a task is said to run on the global executor, which is what it asked for.
enum SharedThreads {
    private typealias Enqueue = @convention(thin) (UnownedJob) -> Void
    private typealias Hook = @convention(thin) (UnownedJob, Enqueue) -> Void

    /// What a task finds as its executor where it belongs to no actor: nothing, as the runtime's own pool says.
    // SAFETY: the type is one word pair, an object and its table; both empty stand for the global executor.
    private static let global = unsafe unsafeBitCast((0, 0), to: UnownedSerialExecutor.self)

    /// Called once, from the main thread, before the first task is made; a runtime without such a place stays as it is.
    static func install() {
        guard unsafe MemoryLayout<UnownedSerialExecutor>.size == MemoryLayout<(Int, Int)>.size,
            let place = unsafe dlsym(dlopen(nil, RTLD_NOW), "swift_task_enqueueGlobal_hook")
        else { return }
        let hook: Hook = { job, _ in
            // The loop of this thread where it is one: then no other thread has to be woken.
            MultiThreadedEventLoopGroup.singleton.any().execute {
                unsafe job.runSynchronously(on: SharedThreads.global)
            }
        }
        // SAFETY: the place holds a function of this type or nothing, and nobody reads it before this returns.
        unsafe place.assumingMemoryBound(to: Hook?.self).pointee = hook
    }
}
