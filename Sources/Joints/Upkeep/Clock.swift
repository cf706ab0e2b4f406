// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import Synchronization

/// What a server does by itself, again and again: jobs that do not wait for each other's luck.
///
/// Each job goes its own round: one that takes long, or fails, keeps no other from its work.
package final class Clock: Sendable {
    /// What a job may fail with: it is counted, told and tried again.
    package typealias Failure = GyreError

    /// One thing that is done again and again.
    package struct Job: Sendable {
        /// Its name in the log and in the metrics.
        package let name: String
        /// Rounds from one time to the next; a round is half a second.
        package let everyRounds: Int
        /// What is done.
        package let work: @Sendable () async throws(Failure) -> Void

        /// A job.
        package init(
            _ name: String, everyRounds: Int = 1, _ work: @escaping @Sendable () async throws(Failure) -> Void
        ) {
            self.name = name
            self.everyRounds = everyRounds
            self.work = work
        }
    }

    private struct Failures: Sendable {
        var count = 0
        var last = ""
    }

    private let report: @Sendable (String) -> Void
    private let failures = Mutex<[String: Failures]>([:])

    /// A clock that tells of failures by `report`: of each new one, not of the same one again and again.
    package init(report: @escaping @Sendable (String) -> Void) { self.report = report }

    /// Rounds of an hour.
    package static let hour = 7200

    /// How often each job failed since the start, by its name.
    package var failureCounts: [String: Int] { failures.withLock { $0.mapValues(\.count) } }

    /// Does a job now; a failure is told and counted.
    package func attempt(_ job: Job) async {
        do throws(Failure) {
            try await job.work()
            failures.withLock { $0[job.name]?.last = "" }
        } catch {
            if error.code == .cancelled, Task.isCancelled { return }
            let text = error.description
            let isNew = failures.withLock { failures in
                let before = failures[job.name, default: Failures()]
                failures[job.name] = Failures(count: before.count + 1, last: text)
                return before.last != text
            }
            if isNew { report("\(job.name) failed and is tried again: \(text)") }
        }
    }

    /// Does every job again and again, each as often as it asks for, until the task is cancelled.
    ///
    /// `round`: how long a round is.
    package func run(_ jobs: [Job], round: Duration = .milliseconds(500)) async {
        await withDiscardingTaskGroup { group in
            for job in jobs {
                group.addTask {
                    // What is looked at all the time is looked at at once; the rest has its time.
                    if job.everyRounds == 1 { await self.attempt(job) }
                    while !Task.isCancelled {
                        try? await Task.sleep(for: round * job.everyRounds)  // a cancelled wait ends the loop
                        if !Task.isCancelled { await self.attempt(job) }
                    }
                }
            }
        }
    }
}
