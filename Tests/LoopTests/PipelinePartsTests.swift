// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreKFP
import GyreLedger
import GyreReleases
import GyreTestSupport
import Synchronization
import Testing

@testable import GyrePipelines

/// Places for tasks, and the addresses that a run will read.
@Suite struct PipelinePartsTests {
    @Test("one who is cancelled while waiting leaves the line, and the next one gets the place")
    func slots() async throws {
        let slots = Slots(1)
        try await slots.take()
        let cancelled = Task { try await slots.take() }
        cancelled.cancel()
        let error = await #expect(throws: GyreError.self) { try await cancelled.value }
        #expect(error?.code == .cancelled)
        let waiting = Task { try await slots.take() }
        slots.give()
        try await waiting.value
        slots.give()
        try await slots.take()
    }

    private final class Order: Sendable {
        let names = Mutex<[String]>([])
    }

    @Test("of those that wait for a place the higher priority goes first, then who came first")
    func priorities() async throws {
        let slots = Slots(1)
        try await slots.take()
        let order = Order()
        var waiting: [Task<Void, any Error>] = []
        for (name, priority) in [("a", 0), ("b", 5), ("c", 5), ("d", -1)] {
            waiting.append(
                Task {
                    try await slots.take(priority: priority)
                    order.names.withLock { $0.append(name) }
                    slots.give()
                })
            // Each has come before the next does.
            while slots.waitingCount < waiting.count { await Task.yield() }
        }
        slots.give()
        for task in waiting { try await task.value }
        #expect(order.names.withLock { $0 } == ["b", "c", "a", "d"])
    }

    @Test("after a restart who held something holds it before others ask, and as many hold it as may")
    func locks() async throws {
        let locks = Locks { _ in 2 }
        func holder(_ task: String) -> Locks.Holder { Locks.Holder(run: "r", task: task) }
        let mutex = [LockRequest(name: "m", isExclusive: true)]
        let semaphore = [LockRequest(name: "s", isExclusive: false)]
        locks.close()
        let early = Task { try await locks.acquire(mutex, by: holder("early"), priority: 9) }
        while locks.waitingCount < 1 { await Task.yield() }
        locks.hold(mutex, by: holder("before"))
        locks.open()
        #expect(locks.holders(of: "m") == [holder("before")])
        locks.release(holder("before"))
        try await early.value
        #expect(locks.holders(of: "m") == [holder("early")])
        // Two hold the semaphore, the third waits, and one that is cancelled leaves the line.
        try await locks.acquire(semaphore, by: holder("one"), priority: 0)
        try await locks.acquire(semaphore, by: holder("two"), priority: 0)
        let gone = Task { try await locks.acquire(semaphore, by: holder("gone"), priority: 1) }
        while locks.waitingCount < 1 { await Task.yield() }
        let third = Task { try await locks.acquire(semaphore + mutex, by: holder("three"), priority: 0) }
        while locks.waitingCount < 2 { await Task.yield() }
        gone.cancel()
        await #expect(throws: GyreError.self) { try await gone.value }
        locks.release(holder("one"))
        #expect(locks.holders(of: "s") == [holder("two")])
        // All that it wants, or nothing.
        locks.release(holder("early"))
        try await third.value
        #expect(locks.holders(of: "m") == [holder("three")])
        locks.releaseAll(of: "r")
        #expect(locks.holders(of: "s").isEmpty)
    }

    @Test("however takers come, wait and are cancelled, no place is lost", arguments: 1...20)
    func noPlaceIsLost(seed: Int) async throws {
        var random = SplitMix(seed: UInt64(seed))
        let slots = Slots(2)
        var tasks: [Task<Void, any Error>] = []
        for _ in 0..<50 {
            let task = Task {
                try await slots.take()
                await Task.yield()
                slots.give()
            }
            if Bool.random(using: &random) { task.cancel() }
            tasks.append(task)
        }
        for task in tasks { _ = await task.result }
        try await slots.take()
        try await slots.take()
        let third = Task { try await slots.take() }
        third.cancel()
        await #expect(throws: GyreError.self) { try await third.value }
    }

    @Test(
        "the addresses are those of constants and parameters, at any depth; what a task computes or a loop gives is not known"
    )
    func addresses() throws {
        func parameter() -> ParameterDefinition {
            ParameterDefinition(type: .string, defaultValue: nil, isOptional: false)
        }
        func component(_ inputs: [String], _ body: Component.Body) -> Component {
            Component(
                inputParameters: Dictionary(uniqueKeysWithValues: inputs.map { ($0, parameter()) }),
                inputArtifacts: [:],
                outputParameters: [:], outputArtifacts: [:], body: body)
        }
        func task(_ component: String, _ parameters: [String: TaskDefinition.ValueSource]) -> TaskDefinition {
            var task = TaskDefinition(component: component)
            task.parameters = parameters
            return task
        }
        func graph(_ tasks: [String: TaskDefinition]) -> Component.Body {
            .graph(TaskGraph(tasks: tasks, parameterOutputs: [:], artifactOutputs: [:]))
        }
        var looped = task("bring", [:])
        looped.iterator = TaskDefinition.Iterator(items: .constant(["x"]), itemInput: "uri", parallelism: nil)
        let pipeline = try Pipeline(
            name: "p",
            components: [
                "bring": component(
                    ["uri"], .importer(Importer(source: .parameter("uri"), type: "system.Dataset", metadata: [:]))),
                "fixed": component(
                    [], .importer(Importer(source: .address("dataset/fixed"), type: "system.Dataset", metadata: [:]))),
                "inner": component(["which"], graph(["deep": task("bring", ["uri": .input("which")])])),
            ],
            root: component(
                ["training"],
                graph([
                    "a": task("bring", ["uri": .input("training")]),
                    "b": task("bring", ["uri": .constant("dataset/constant@latest")]), "c": task("fixed", [:]),
                    "d": task("inner", ["which": .input("training")]),
                    "e": task("bring", ["uri": .output(task: "a", name: "computed")]), "f": looped,
                ])), digest: .zero, language: KFPLanguage())
        #expect(
            pipeline.importAddresses(["training": "dataset/toy@latest"]).all
                == ["dataset/toy@latest", "dataset/constant@latest", "dataset/fixed"])
    }

    @Test("a damaged document is told as damage, not read as an empty one", arguments: ["number", "pins", "actor"])
    func damage(member: String) async throws {
        let store = MemoryLedgerStore(now: { 0 })
        let releases = Releases(store: store, surroundings: .still)
        let pins = Release.Pins(model: Ref("model", "m", "1"), modelDigest: .zero)
        let release = try await releases.create(try Name("e", of: "endpoint"), pins, reason: "", by: "t")
        let stored = try #require(try await store.documents("release").first)
        var body = stored.body
        body[member] = .null
        try await store.commit(
            [.put(Document("release", stored.key, body))], recording: [Fact("test.damaged", release.ref, by: "t")])
        let error = await #expect(throws: GyreError.self) { try await releases.release("e", 1) }
        #expect(error?.code == .corrupt)
    }

    @Test("releases made at the same time have numbers of their own")
    func numbers() async throws {
        let releases = Releases(store: MemoryLedgerStore(now: { 0 }), surroundings: .still)
        let pins = Release.Pins(model: Ref("model", "m", "1"), modelDigest: .zero)
        let made = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await releases.create(try Name("e", of: "endpoint"), pins, reason: "", by: "t").number
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(made.sorted() == Array(1...20))
    }
}
