// SPDX-License-Identifier: Apache-2.0

import GyreBase
import Synchronization
import Testing

@testable import GyreUpkeep

/// What a server does by itself, again and again.
@Suite struct ClockTests {
    @Test("a job that fails or never ends does not keep the others from theirs, is counted, and is told once")
    func clock() async {
        let (reports, log) = (Log(), Log())
        let clock = Clock { reports.add($0) }
        let jobs = [
            Clock.Job("waiting") { () throws(GyreError) in try? await Task.sleep(for: .seconds(100_000)) },
            Clock.Job("judging") { () throws(GyreError) in throw GyreError(.unavailable, "No.") },
            Clock.Job("telling", everyRounds: 2) { () throws(GyreError) in log.add("told") },
        ]
        let task = Task { await clock.run(jobs, round: .milliseconds(1)) }
        while log.lines.count < 3 || clock.failureCounts["judging", default: 0] < 3 { await Task.yield() }
        task.cancel()
        await task.value
        #expect(reports.lines == ["judging failed and is tried again: No."])
        #expect(Array(clock.failureCounts.keys) == ["judging"])
    }

    @Test("a new failure of the same job is told too, and one that was mended in between is told again")
    func newFailures() async {
        let (log, reasons) = (Log(), Log())
        let clock = Clock { log.add($0) }
        for reason in ["disk", "disk", "network", "", "network"] {
            reasons.add(reason)
            await clock.attempt(
                Clock.Job("job") { () throws(GyreError) in
                    let reason = reasons.lines.last ?? ""
                    if !reason.isEmpty { throw GyreError(.unavailable, reason) }
                })
        }
        #expect(
            log.lines == ["disk", "network", "network"].map { "job failed and is tried again: \($0)" })
        #expect(clock.failureCounts == ["job": 4])
    }

    private final class Log: Sendable {
        private let content = Mutex<[String]>([])
        var lines: [String] { content.withLock { $0 } }
        func add(_ line: String) { content.withLock { $0.append(line) } }
    }
}
