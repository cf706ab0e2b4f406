// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import Synchronization

/// What a server does by itself, again and again: jobs that do not wait for each other's luck.
///
/// A job that fails is counted and tried again in its next round; the others go on.
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

    /// Does the jobs of one round in their order.
    ///
    /// `round`: its number, from 1.
    package func tick(_ jobs: [Job], round: Int) async {
        for job in jobs where round % job.everyRounds == 0 { await attempt(job) }
    }

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

    /// Goes round until the task is cancelled.
    package func run(_ jobs: [Job]) async {
        var round = 0
        while !Task.isCancelled {
            round += 1
            await tick(jobs, round: round)
            try? await Task.sleep(for: .milliseconds(500))  // a cancelled wait ends the loop
        }
    }
}
