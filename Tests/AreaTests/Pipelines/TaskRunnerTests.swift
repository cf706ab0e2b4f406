// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreTestSupport
import Testing

@testable import GyrePipelines

/// How one task is run: again after a failure, from the cache, stopped, and taken up after a stop of the server.
@Suite struct TaskRunnerTests {
    private func oneTask(
        _ component: Component = Written.container("work"), _ change: (inout TaskDefinition) -> Void = { _ in }
    ) throws -> Pipeline {
        try Written.pipeline(["work": component], Written.graph(["work": Written.task("work", change)]))
    }

    @Test("a task is tried again as often as it says, and the record tells how often it was")
    func retries() async throws {
        let world = try PipelineWorld(try oneTask { $0.retry.limit = 2 })
        world.executor.on("work") { _, before in before < 2 ? 1 : 0 }
        let run = try await world.run()
        #expect(run.state == .succeeded)
        #expect(try await world.pipelines.tasks(of: run.id).map(\.attempts) == [3])

        let hopeless = try PipelineWorld(try oneTask { $0.retry.limit = 1 })
        hopeless.executor.on("work") { _, _ in 1 }
        let failed = try await hopeless.run()
        #expect(failed.state == .failed)
        #expect(hopeless.executor.commands.count == 2)
    }

    @Test("the same work on the same inputs is taken from the cache, and what changed is told where it is not")
    func cache() async throws {
        let component = Written.container(
            "work", ["n": Written.parameter(.integer)], puts: ["out": Written.parameter()],
            makes: ["model": "system.Model"])
        let pipeline = try Written.pipeline(
            ["work": component],
            Written.graph(
                [
                    "work": Written.task("work") {
                        $0.isCacheable = true
                        $0.parameters["n"] = .input("n")
                    }
                ], ["n": Written.parameter(.integer)]))
        let world = try PipelineWorld(pipeline)
        world.executor.on("work") { launch, before throws(GyreError) in
            try launch.put("out", "made \(before)")
            try launch.putArtifact("model", "weights")
            return 0
        }
        func record(_ parameters: [String: JSONValue], usesCache: Bool = true) async throws -> TaskRecord {
            let run = try await world.run(parameters, usesCache: usesCache)
            #expect(run.state == .succeeded, "\(run.message ?? "")")
            return try await world.pipelines.tasks(of: run.id)[0]
        }
        let first = try await record(["n": 1])
        #expect(!first.isCacheHit && first.cacheReason == "miss: this component never ran before")
        let again = try await record(["n": 1])
        #expect(again.isCacheHit && again.cacheReason.hasPrefix("hit: same code, environment and inputs"))
        #expect(again.outputs == first.outputs)
        let other = try await record(["n": 2])
        #expect(other.cacheReason == "miss: changed since the last run: parameter n")
        let unasked = try await record(["n": 1], usesCache: false)
        #expect(!unasked.isCacheHit && unasked.cacheReason.hasPrefix("not asked"))
        #expect(world.executor.commands.count == 3)
        #expect(first.outputs.artifacts["model"]?.first?.isSingleFile == true)
    }

    @Test("a cancelled run ends its tasks, and is told as cancelled")
    func cancel() async throws {
        let world = try PipelineWorld(try oneTask())
        world.executor.hold("work")
        let run = try await world.start()
        await world.executor.waitFor("work")
        #expect(try await world.pipelines.tasks(of: run.id).map(\.state) == [.running])
        let cancelled = try await world.pipelines.cancel(run.id, by: "ann")
        #expect(cancelled.state == .canceled)
        #expect(try await world.states(of: run) == ["work": .canceled])
        let error = await #expect(throws: GyreError.self) { try await world.pipelines.cancel(run.id, by: "ann") }
        #expect(error?.code == .conflict)
        let kinds = try await world.ledger.facts(FactQuery()).map(\.fact.kind)
        #expect(kinds.contains("pipelines.task.canceled") && kinds.contains("pipelines.run.canceled"))
    }

    @Test("a cancelled run that waits for a place leaves the queue at once, and the others get theirs")
    func cancelWaiting() async throws {
        let world = try PipelineWorld(try oneTask(), runningTasks: 1)
        world.executor.hold("work")
        let first = try await world.start()
        await world.executor.waitFor("work")
        let waiting = try await world.start()
        #expect(try await world.pipelines.cancel(waiting.id, by: "ann").state == .canceled)
        world.executor.release("work")
        #expect(try await world.pipelines.wait(for: first.id).state == .succeeded)
        #expect(try await world.run().state == .succeeded)
    }

    @Test("a run that a stopped server left is taken up: what ended is not run again, what was left is stopped first")
    func resume() async throws {
        let pipeline = try Written.pipeline(
            [
                "one": Written.container("one", puts: ["out": Written.parameter()]),
                "two": Written.container(
                    "two", ["in": Written.parameter()], arguments: ["{{$.inputs.parameters['in']}}"]),
            ],
            Written.graph([
                "one": Written.task("one"),
                "two": Written.task("two", after: ["one"]) { $0.parameters["in"] = .output(task: "one", name: "out") },
            ]))
        let world = try PipelineWorld(pipeline)
        world.executor.on("one", puts: ["out": "kept"])
        world.executor.hold("two")
        let run = try await world.start()
        await world.executor.waitFor("two")
        let restarted = await world.restarted()
        world.executor.release("two")
        #expect(try await restarted.resume().isEmpty)
        let ended = try await restarted.wait(for: run.id)
        #expect(ended.state == .succeeded, "\(ended.message ?? "")")
        #expect(world.executor.commands == ["one", "two", "two"])
        #expect(world.executor.launches.last?.command == ["two", "kept"])
        #expect(world.executor.stopped == [1000])
    }

    @Test("a run that is suspended stays running in the store, so that the next start takes it up")
    func suspend() async throws {
        let world = try PipelineWorld(try oneTask())
        world.executor.hold("work")
        let run = try await world.start()
        await world.executor.waitFor("work")
        await world.pipelines.suspend()
        #expect(try await world.pipelines.run(run.id).state == .running)
        #expect(world.told.isEmpty)
    }

    @Test("a run whose package cannot be read any more is told, and the others are taken up")
    func damagedPackage() async throws {
        let world = try PipelineWorld(try oneTask())
        let damaged = try await world.blobs.put(Array("damaged".utf8))
        world.executor.hold("work")
        let good = try await world.start()
        await world.executor.waitFor("work")
        let lost = PipelineRun(
            id: "ffff", pipeline: good.pipeline, compiled: damaged.digest, parameters: [:], actor: "ann", reason: "",
            purpose: .ordinary, resolved: [:], usesCache: true, startedAt: 1)
        try await world.store.create(lost, recording: Fact("test.killed", good.ref, by: "t"))
        let restarted = await world.restarted()
        world.executor.release("work")
        let problems = try await restarted.resume()
        #expect(problems.map(\.what) == ["The pipeline run ffff was not taken up."])
        #expect(try await restarted.wait(for: good.id).state == .succeeded)
    }

    @Test("an image that is no environment here is refused by name before anything runs")
    func image() async throws {
        let world = try PipelineWorld(try oneTask(Written.container("work", image: "nvcr.io/nemo:1")))
        let error = await #expect(throws: GyreError.self) { try await world.run() }
        #expect(error?.code == .unsupported && error?.what.contains("nvcr.io/nemo:1") == true)
        #expect(try await world.pipelines.runs().isEmpty)
    }

    @Test(
        "images stand for this machine's programs by their last name, whatever the registry, the tag and the digest",
        arguments: [
            ("python:3.11", true), ("docker.io/library/python:3.12-slim", true), ("python@sha256:ab", true),
            ("registry.access.redhat.com/ubi9/python-311:latest", true), ("alpine", true), ("python:2.7", false),
            ("pythonista", false), ("example.org/python/tool:1", false), ("", false),
        ])
    func hostImages(image: String, isHost: Bool) { #expect(HostImages().contains(image) == isHost) }

    @Test("an import brings what its address means; one that means nothing fails the task")
    func imports() async throws {
        func bring(_ address: String) -> Component {
            Component(
                inputParameters: ["unused": Written.parameter(isOptional: true)], inputArtifacts: [:],
                outputParameters: [:], outputArtifacts: ["artifact": ArtifactDefinition("system.Dataset")],
                body: .importer(Importer(source: .address(address), type: "system.Dataset", metadata: ["a": 1])))
        }
        let ref = Ref("dataset", "toy", "0123456789ab")
        let world = try PipelineWorld(
            try Written.pipeline(
                ["bring": bring("dataset/toy@latest")], Written.graph(["bring": Written.task("bring")])),
            data: ["dataset/toy@latest": ref])
        let run = try await world.run()
        let brought = try await world.pipelines.tasks(of: run.id)[0].outputs.artifacts["artifact"]
        #expect(brought?.first?.ref == ref && brought?.first?.metadata == ["a": 1])
        #expect(run.resolved == ["dataset/toy@latest": ref])

        let empty = try PipelineWorld(
            try Written.pipeline(["bring": bring("dataset/none")], Written.graph(["bring": Written.task("bring")])))
        let error = await #expect(throws: GyreError.self) { try await empty.run() }
        #expect(error?.code == .notFound)
    }

    @Test("an artifact is given to the next task as a file, and a folder of several files as a folder")
    func artifacts() async throws {
        let make = Written.container("make", makes: ["model": "system.Model"])
        let use = Written.container(
            "use", in: ["model": "system.Model"], arguments: ["{{$.inputs.artifacts['model'].path}}"])
        let world = try PipelineWorld(
            try Written.pipeline(
                ["make": make, "use": use],
                Written.graph([
                    "make": Written.task("make"),
                    "use": Written.task("use", after: ["make"]) {
                        $0.artifacts["model"] = .output(task: "make", name: "model")
                    },
                ])))
        world.executor.on("make") { launch, _ throws(GyreError) in
            try launch.putArtifact("model", "weights")
            return 0
        }
        world.executor.on("use") { launch, _ throws(GyreError) in
            do {
                let text = try String(contentsOfFile: launch.command[1], encoding: .utf8)
                return text == "weights" ? 0 : 1
            } catch {
                throw GyreError.wrapping(error, "Reading an input")
            }
        }
        let run = try await world.run()
        #expect(run.state == .succeeded, "\(run.message ?? "")")
        let facts = try await world.ledger.facts(FactQuery()).map(\.fact)
        let used = try #require(facts.last { $0.kind == "pipelines.task.succeeded" })
        #expect(used.inputs.contains { $0.kind == "artifact" }, "the lineage of a task names the artifacts it read")
    }

    @Test("a run refuses parameters that it has not, and misses the ones that it needs")
    func parameters() async throws {
        let world = try PipelineWorld(
            try Written.pipeline(
                ["work": Written.container("work")],
                Written.graph(
                    ["work": Written.task("work")],
                    ["needed": Written.parameter(), "rate": Written.parameter(.double, 1)])))
        let missing = await #expect(throws: GyreError.self) { try await world.start() }
        #expect(missing?.what.contains("needs the parameter \"needed\"") == true)
        let unknown = await #expect(throws: GyreError.self) { try await world.start(["needed": "a", "other": "b"]) }
        #expect(unknown?.why == "It has needed, rate.")
        #expect(try await world.run(["needed": "a"]).parameters["rate"] == .double(1))
        #expect(try await world.pipelines.runs().count == 1)
    }

    @Test("an id is found by its first digits, and several of them are told apart")
    func ids() async throws {
        let world = try PipelineWorld(try oneTask())
        let run = try await world.run()
        #expect(try await world.pipelines.run(String(run.id.prefix(20))).id == run.id)
        for id in ["", "zzz"] {
            let error = await #expect(throws: GyreError.self) { try await world.pipelines.run(id) }
            #expect(error?.code == .notFound)
        }
        let error = await #expect(throws: GyreError.self) { try await world.pipelines.log(of: run.id, task: "none") }
        #expect(error?.code == .notFound)
    }
}
