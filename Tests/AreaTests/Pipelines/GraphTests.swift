// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreTestSupport
import Testing

@testable import GyrePipelines

/// How a graph of tasks is walked.
@Suite struct GraphTests {
    @Test("a task starts after the ones before it, and is given what they put out")
    func order() async throws {
        let world = try PipelineWorld(
            try Written.pipeline(
                [
                    "make": Written.container("make", puts: ["size": Written.parameter(.integer)]),
                    "use": Written.container(
                        "use", ["size": Written.parameter(.integer)],
                        arguments: ["{{$.inputs.parameters['size']}}"]),
                ],
                Written.graph(
                    [
                        "first": Written.task("make"),
                        "second": Written.task("use", after: ["first"]) {
                            $0.parameters["size"] = .output(task: "first", name: "size")
                        },
                    ], puts: ["size": Written.parameter(.integer)],
                    from: ["size": [TaskGraph.OutputReference(task: "first", output: "size")]])))
        world.executor.on("make", puts: ["size": "7"])
        let run = try await world.run()
        #expect(run.state == .succeeded, "\(run.message ?? "")")
        #expect(world.executor.launches.map(\.command) == [["make"], ["use", "7"]])
        #expect(run.outputs.parameters == ["size": 7])
        #expect(world.told.map(\.id) == [run.id])
        #expect(world.executor.launches[0].environment == ["KEY": "v", "RUN": run.id, "TASK": "first"])
    }

    @Test("what follows a failure is skipped and says of what; a task that runs after failures is told how it ended")
    func failure() async throws {
        let world = try PipelineWorld(
            try Written.pipeline(
                [
                    "bad": Written.container("bad"), "next": Written.container("next"),
                    "exit": Written.container(
                        "exit", ["status": Written.parameter(.finalStatus)],
                        arguments: ["{{$.inputs.parameters['status']}}"]),
                ],
                Written.graph([
                    "bad": Written.task("bad"), "next": Written.task("next", after: ["bad"]),
                    "last": Written.task("next", after: ["next"]),
                    "exit": Written.task("exit", after: ["bad"]) {
                        $0.runsAfterFailure = true
                        $0.parameters["status"] = .finalStatus(task: "bad")
                    },
                ])))
        world.executor.on("bad") { launch, _ throws(GyreError) in
            do {
                try "one\ntwo\nthree\nout of memory\n".write(toFile: launch.log, atomically: true, encoding: .utf8)
            } catch { throw GyreError.wrapping(error, "Writing a log") }
            return 137
        }
        let run = try await world.run()
        #expect(run.state == .failed)
        #expect(run.message?.contains("exit status 137") == true && run.message?.contains("out of memory") == true)
        #expect(
            try await world.states(of: run) == [
                "bad": .failed, "next": .skipped, "last": .skipped, "exit": .succeeded,
            ])
        let skipped = try await world.pipelines.tasks(of: run.id).first { $0.path == "next" }
        #expect(skipped?.message == "It depends on bad, which did not succeed.")
        let status = try JSONValue(parsing: world.executor.launches.last?.command.last ?? "")
        #expect(status["state"] == "FAILED" && status["pipelineTaskName"] == "bad")
        let log = try await world.pipelines.log(of: run.id, task: "bad")
        #expect(String(decoding: log.bytes, as: UTF8.self).hasSuffix("out of memory\n"))
        #expect(try await world.ledger.verify().findings.isEmpty)
    }

    @Test("a loop runs once for each item, and its outputs are in the order of the items", arguments: [1, 2, nil])
    func loop(parallelism: Int?) async throws {
        let world = try PipelineWorld(
            try Written.pipeline(
                [
                    "square": Written.container(
                        "square", ["n": Written.parameter(.integer)], puts: ["square": Written.parameter(.integer)],
                        arguments: ["{{$.inputs.parameters['n']}}"]),
                    "sum": Written.container(
                        "sum", ["all": Written.parameter(.list)], arguments: ["{{$.inputs.parameters['all']}}"]),
                ],
                Written.graph([
                    "loop": Written.task("square") {
                        $0.iterator = TaskDefinition.Iterator(
                            items: .constant([3, 1, 2, 5]), itemInput: "n", parallelism: parallelism)
                    },
                    "sum": Written.task("sum", after: ["loop"]) {
                        $0.parameters["all"] = .output(task: "loop", name: "square")
                    },
                ])), runningTasks: 8)
        world.executor.on("square") { launch, _ throws(GyreError) in
            let number = Int(launch.command[1]) ?? 0
            try launch.put("square", String(number * number))
            return 0
        }
        let run = try await world.run()
        #expect(run.state == .succeeded, "\(run.message ?? "")")
        #expect(world.executor.launches.last?.command == ["sum", "[9,1,4,25]"])
        #expect(world.executor.mostRunning <= parallelism ?? 4)
        #expect(try await world.states(of: run).keys.sorted().first == "loop[0]")
    }

    @Test("a condition that is false skips the task, and a graph of tasks is a task too")
    func conditions() async throws {
        let inner = Written.graph(
            ["say": Written.task("say") { $0.parameters["text"] = .input("text") }],
            ["text": Written.parameter()])
        let world = try PipelineWorld(
            try Written.pipeline(
                [
                    "inner": inner,
                    "say": Written.container(
                        "say", ["text": Written.parameter()], arguments: ["{{$.inputs.parameters['text']}}"]),
                ],
                Written.graph(
                    [
                        "yes": Written.task("inner") {
                            $0.parameters["text"] = .input("which")
                            $0.condition = "inputs.parameter_values['text'] == 'deep'"
                        },
                        "no": Written.task("inner") {
                            $0.parameters["text"] = .input("which")
                            $0.condition = "inputs.parameter_values['text'] != 'deep'"
                        },
                    ], ["which": Written.parameter()])))
        let run = try await world.run(["which": "deep"])
        #expect(run.state == .succeeded, "\(run.message ?? "")")
        #expect(world.executor.launches.map(\.command) == [["say", "deep"]])
        #expect(try await world.states(of: run) == ["yes/say": .succeeded, "no": .skipped])
    }

    @Test("a member of a structure goes into a task, whether it came as JSON or as text that holds JSON")
    func members() async throws {
        let say = Written.container(
            "say", ["text": Written.parameter()], arguments: ["{{$.inputs.parameters['text']}}"])
        let world = try PipelineWorld(
            try Written.pipeline(
                ["say": say],
                Written.graph(
                    ["say": Written.task("say") { $0.parameters["text"] = .member(of: .input("whole"), "a") }],
                    ["whole": Written.parameter(.structure)])))
        _ = try await world.run(["whole": ["a": "from JSON"]])
        _ = try await world.run(["whole": "{\"a\": \"from text\"}"])
        #expect(world.executor.launches.map { $0.command[1] } == ["from JSON", "from text"])
    }

    @Test("a loop over more items than there may be tasks is refused")
    func tooLong() async throws {
        let items = JSONValue.array((0...Limits.pipelineTasks).map { .int(Int64($0)) })
        let world = try PipelineWorld(
            try Written.pipeline(
                ["say": Written.container("say", ["n": Written.parameter(.integer)])],
                Written.graph([
                    "loop": Written.task("say") {
                        $0.iterator = TaskDefinition.Iterator(items: .constant(items), itemInput: "n", parallelism: 1)
                    }
                ])))
        let run = try await world.run()
        #expect(run.state == .failed && run.message?.contains("100000 is the most") == true)
        #expect(world.executor.commands == [])
    }

    @Test("whatever the graph is, each task runs once, after all that it depends on", arguments: 1...20)
    func anyGraph(seed: Int) async throws {
        var random = SplitMix(seed: UInt64(seed))
        let count = Int.random(in: 1...12, using: &random)
        var tasks: [String: TaskDefinition] = [:]
        var components: [String: Component] = [:]
        for index in 0..<count {
            let before = (0..<index).filter { _ in Int.random(in: 0..<3, using: &random) == 0 }.map { "t\($0)" }
            tasks["t\(index)"] = Written.task("t\(index)", after: before)
            components["t\(index)"] = Written.container("t\(index)")
        }
        let failing: Set = Set((0..<count).filter { _ in Int.random(in: 0..<5, using: &random) == 0 }.map { "t\($0)" })
        let world = try PipelineWorld(try Written.pipeline(components, Written.graph(tasks)))
        for name in failing { world.executor.on(name) { _, _ in 1 } }
        let run = try await world.run()
        let states = try await world.states(of: run)
        let order = world.executor.commands
        #expect(Set(order).count == order.count, "seed \(seed)")
        for (name, task) in tasks {
            let isBlocked = task.upstream.contains { states[$0] != .succeeded }
            let expected: PipelineRun.State = isBlocked ? .skipped : failing.contains(name) ? .failed : .succeeded
            #expect(states[name] == expected, "seed \(seed), task \(name)")
            guard let place = order.firstIndex(of: name) else { continue }
            for before in task.upstream {
                #expect(order.firstIndex(of: before).map { $0 < place } == true, "seed \(seed), \(before) < \(name)")
            }
        }
        #expect(run.state == (order.contains(where: failing.contains) ? .failed : .succeeded), "seed \(seed)")
    }
}
