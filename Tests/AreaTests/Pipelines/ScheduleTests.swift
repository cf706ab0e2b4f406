// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreKFP
import GyreLedger
import GyreTestSupport
import Testing

@testable import GyrePipelines

/// Schedules over a clock that a test sets.
@Suite struct ScheduleTests {
    private static let minute: Int64 = 60_000_000

    private struct World {
        let pipelines: PipelineWorld
        let schedules: Schedules
        let clock: ManualClock

        init() throws {
            let clock = ManualClock()
            self.clock = clock
            pipelines = try PipelineWorld(try World.pipeline())
            let world = pipelines
            schedules = Schedules(
                ledger: world.ledger, blobs: world.blobs, pipelines: world.pipelines,
                catalog: PipelineCatalog(
                    ledger: world.ledger, blobs: world.blobs, surroundings: clock.surroundings,
                    read: { _ throws(GyreError) in try World.pipeline() }), surroundings: clock.surroundings)
        }

        private static func pipeline() throws(GyreError) -> Pipeline {
            try Pipeline(
                name: "one", components: ["work": Written.container("work")],
                root: Component(body: .graph(TaskGraph(tasks: ["work": TaskDefinition(component: "work")]))),
                digest: Digest(of: []), language: KFPLanguage())
        }

        /// A schedule of every minute, kept.
        func schedule(_ change: (inout Schedule) -> Void = { _ in }) async throws -> Schedule {
            var schedule = schedules.draft(
                "every minute", .interval(60), .package(Digest(of: Array("package".utf8))), by: "ann")
            change(&schedule)
            try await schedules.create(schedule, package: Array("package".utf8), by: "ann")
            return schedule
        }

        /// Some time passes, and the schedules act.
        func pass(_ time: Int64) async throws {
            clock.advance(seconds: time / 1_000_000)
            try await schedules.act()
        }

        /// When the runs of the schedule were meant to start.
        func times(_ schedule: Schedule) async throws -> [Int64] {
            try await pipelines.pipelines.runs().compactMap(\.scheduledAt).map {
                ($0 - schedule.createdAt) / ScheduleTests.minute
            }
            .sorted()
        }

        func settle() async throws {
            for run in try await pipelines.pipelines.unended() { _ = try await pipelines.pipelines.wait(for: run.id) }
        }
    }

    @Test("a time starts one run, however often it is looked at, and by whichever server")
    func once() async throws {
        let world = try World()
        let schedule = try await world.schedule()
        try await world.pass(Self.minute - 1_000_000)
        #expect(try await world.times(schedule).isEmpty)
        try await world.pass(1_000_000)
        try await world.pass(0)
        #expect(try await world.times(schedule) == [1])
        // A server that was killed after the start of the run and before it was remembered acts once more.
        try await world.settle()
        var forgotten = try await world.schedules.schedule(schedule.id)
        forgotten.lastTick = nil
        try await world.pipelines.ledger.commit(
            [.put(Document("schedule", schedule.id, forgotten.json))],
            recording: [Fact("test.killed", schedule.ref, by: "t")])
        try await world.pass(0)
        #expect(try await world.times(schedule) == [1])
        #expect(try await world.schedules.schedule(schedule.id).lastTick == schedule.createdAt + Self.minute)
    }

    @Test("times that were missed are all made up for, one after the other, or the last alone")
    func catchesUp() async throws {
        let world = try World()
        let all = try await world.schedule { $0.mostRunning = 10 }
        try await world.pass(5 * Self.minute)
        #expect(try await world.times(all) == [1, 2, 3, 4, 5])
        let other = try World()
        let last = try await other.schedule { $0.catchesUp = false }
        try await other.pass(5 * Self.minute + 10)
        #expect(try await other.times(last) == [5])
    }

    @Test("each thing that happens starts one run, what happened before starts none, and its own runs start none")
    func events() async throws {
        let world = try World()
        func accept(_ version: String) async throws {
            try await world.pipelines.ledger.commit(
                [],
                recording: [
                    Fact(
                        "versioning.dataset.accepted", Ref("dataset", "flights"), by: "t",
                        inputs: [Ref("dataset", "flights", Digest(of: Array(version.utf8)).short)])
                ])
        }
        try await accept("v0")
        let onData = world.schedules.draft(
            "on data", .event(.accepted(dataset: "flights")), .package(Digest(of: Array("package".utf8))), by: "ann")
        var kept = onData
        kept.catchesUp = false
        kept.mostRunning = 9
        try await world.schedules.create(kept, package: Array("package".utf8), by: "ann")
        var after = world.schedules.draft(
            "after", .event(.ended(pipeline: "one", state: .succeeded)), .package(Digest(of: Array("package".utf8))),
            by: "ann")
        after.catchesUp = false
        after.mostRunning = 9
        try await world.schedules.create(after, package: Array("package".utf8), by: "ann")
        try await world.pass(0)
        #expect(try await world.pipelines.pipelines.runs().isEmpty)
        try await accept("v1")
        try await accept("v2")
        try await world.pass(0)
        try await world.pass(0)
        try await world.settle()
        let first = try await world.pipelines.pipelines.runs()
        let versions = ["v1", "v2"].map { "dataset/flights@\(Digest(of: Array($0.utf8)).short) was accepted" }
        #expect(first.filter { $0.schedule == onData.id }.map(\.reason).sorted() == versions.sorted())
        // Each of the two has a run after it, and those have none.
        for _ in 0..<3 {
            try await world.pass(0)
            try await world.settle()
        }
        let all = try await world.pipelines.pipelines.runs()
        #expect(all.count == 4)
        #expect(all.filter { $0.schedule == after.id }.allSatisfy { $0.reason.hasSuffix("of one ended: SUCCEEDED") })
        // A server that was killed before it was remembered acts once more, and starts nothing twice.
        var forgotten = try await world.schedules.schedule(kept.id)
        forgotten.lastFact = onData.lastFact + 1
        try await world.pipelines.ledger.commit(
            [.put(Document("schedule", kept.id, forgotten.json))],
            recording: [Fact("test.killed", kept.ref, by: "t")])
        try await world.pass(0)
        try await world.settle()
        #expect(try await world.pipelines.pipelines.runs().filter { $0.schedule == kept.id }.count <= 3)
        let called = try await world.schedules.call(kept.id, parameters: [:], by: "hook")
        #expect(called.reason == "asked for by hook")
    }

    @Test("no more runs go on at the same time than may; the others wait for their turn")
    func mostRunning() async throws {
        let world = try World()
        let schedule = try await world.schedule { $0.mostRunning = 2 }
        world.pipelines.executor.hold("work")
        try await world.pass(4 * Self.minute)
        #expect(try await world.times(schedule) == [1, 2])
        await world.pipelines.executor.waitFor("work")
        world.pipelines.executor.release("work")
    }

    @Test("with overlap forbidden a time is left out while a run goes on, and that is on record")
    func forbid() async throws {
        let world = try World()
        let schedule = try await world.schedule { $0.overlap = .forbid }
        world.pipelines.executor.hold("work")
        try await world.pass(Self.minute)
        await world.pipelines.executor.waitFor("work")
        try await world.pass(Self.minute)
        #expect(try await world.times(schedule) == [1])
        #expect(try await world.schedules.schedule(schedule.id).problem?.contains("went on still") == true)
        var query = FactQuery()
        query.kindPrefix = "pipelines.schedule.skipped"
        #expect(try await world.pipelines.ledger.facts(query).count == 1)
        world.pipelines.executor.release("work")
        try await world.settle()
        try await world.pass(Self.minute)
        #expect(try await world.times(schedule) == [1, 3])
    }

    @Test("with overlap replaced the run that goes on is stopped")
    func replace() async throws {
        let world = try World()
        let schedule = try await world.schedule { $0.overlap = .replace }
        world.pipelines.executor.hold("work")
        try await world.pass(Self.minute)
        await world.pipelines.executor.waitFor("work")
        let first = try #require(try await world.pipelines.pipelines.runs().first)
        world.clock.advance(seconds: 60)
        try await world.schedules.act()
        #expect(try await world.pipelines.pipelines.run(first.id).state == .canceled)
        #expect(try await world.times(schedule) == [1, 2])
        await world.pipelines.executor.waitFor("work")
        world.pipelines.executor.release("work")
    }

    @Test("a clock that is set back starts nothing twice")
    func clockSetBack() async throws {
        let world = try World()
        let schedule = try await world.schedule()
        try await world.pass(2 * Self.minute)
        try await world.settle()
        try await world.pass(0)
        try await world.pass(-Self.minute)
        try await world.pass(Self.minute)
        #expect(try await world.times(schedule) == [1, 2])
    }

    @Test("a range is filled in, without the times that have a run, and even where the schedule is paused")
    func backfill() async throws {
        let world = try World()
        let schedule = try await world.schedule()
        try await world.pass(2 * Self.minute)
        try await world.settle()
        try await world.pass(0)
        try await world.settle()
        _ = try await world.schedules.enable(schedule.id, false, by: "ann")
        world.clock.advance(seconds: 240)
        let (start, end) = (schedule.createdAt, schedule.createdAt + 5 * Self.minute)
        let planned = try await world.schedules.backfill(
            schedule.id, from: start, to: end, isTrial: true, by: "ann")
        #expect(planned.map { ($0 - schedule.createdAt) / Self.minute } == [3, 4, 5])
        #expect(try await world.schedules.schedule(schedule.id).backlog.isEmpty)
        _ = try await world.schedules.backfill(schedule.id, from: start, to: end, isTrial: false, by: "ann")
        for _ in 0..<3 {
            try await world.pass(0)
            try await world.settle()
        }
        #expect(try await world.times(schedule) == [1, 2, 3, 4, 5])
        #expect(try await world.schedules.schedule(schedule.id).backlog.isEmpty)
    }

    @Test("what can never start, or has no sense, is refused at once")
    func refused() async throws {
        let world = try World()
        for change: (inout Schedule) -> Void in [
            { $0.endsAt = 1 }, { $0.mostRunning = 0 }, { $0.trigger = .interval(0) }, { $0.name = " " },
            { $0.parameters = ["unknown": 1] },
        ] {
            let error = await #expect(throws: GyreError.self) { try await world.schedule(change) }
            #expect(error?.code == .invalid)
        }
        #expect(try await world.schedules.schedules().isEmpty)
    }

    @Test("a schedule that cannot be read keeps no other from its time, and is told")
    func damaged() async throws {
        let world = try World()
        let schedule = try await world.schedule()
        try await world.pipelines.ledger.commit(
            [.put(Document("schedule", "0", ["id": "0"]))], recording: [Fact("test.damaged", schedule.ref, by: "t")])
        let error = await #expect(throws: GyreError.self) { try await world.pass(Self.minute) }
        #expect(error?.code == .corrupt)
        #expect(try await world.times(schedule) == [1])
    }

    @Test("one that ends starts nothing after its end, one that begins later nothing before") func bounds() async throws
    {
        let world = try World()
        let schedule = try await world.schedule {
            $0.startsAt = $0.createdAt + 2 * Self.minute
            $0.endsAt = $0.createdAt + 4 * Self.minute
            $0.mostRunning = 10
        }
        try await world.pass(10 * Self.minute)
        #expect(try await world.times(schedule) == [3, 4])
    }
}
