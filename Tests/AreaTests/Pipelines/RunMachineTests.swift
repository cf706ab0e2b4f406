// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreTestSupport
import Testing

@testable import GyrePipelines

/// The machine on graphs made by chance, told what happens in an order made by chance, held against a few lines that walk the same graph.
@Suite struct RunMachineTests {
    @Test("whatever the order of events, every task ends as a simple walk of the graph says", arguments: 0..<300)
    func agrees(seed: UInt64) throws {
        var game = try Game(seed: seed)
        try game.play()
        #expect(game.ends == game.graph.walked)
        #expect(game.machine.outstanding().isEmpty)
    }

    @Test(
        "killed at any event, a run goes on to the same end, and nothing that succeeded runs again", arguments: 0..<60)
    func survivesKills(seed: UInt64) throws {
        var whole = try Game(seed: seed)
        try whole.play()
        for count in 0...whole.events.count {
            var game = try Game(seed: seed &+ 1000, graph: whole.graph)
            try game.takeUp(Array(whole.events.prefix(count)), outputs: whole.outputs)
            try game.play()
            #expect(game.ends == whole.graph.walked, "killed after \(count) events")
        }
    }

    @Test("a machine told the events again stands where the first one stood", arguments: 0..<60)
    func replays(seed: UInt64) throws {
        var game = try Game(seed: seed)
        try game.play()
        var again = RunMachine(pipeline: game.graph.pipeline, run: game.machine.run)
        for json in game.events {
            _ = again.apply(try RunEvent(json: json, node: { again.node(at: $0) }, outputs: { game.outputs[$0] }))
        }
        #expect(again.nodes.map(\.path) == game.machine.nodes.map(\.path))
        #expect(again.nodes.map(\.state) == game.machine.nodes.map(\.state))
        #expect(again.nodes.map(\.attempts) == game.machine.nodes.map(\.attempts))
        #expect(again.nodes.map(\.endedAt) == game.machine.nodes.map(\.endedAt))
    }

    @Test("a run that is stopped begins nothing any more, and what had ended stays as it is", arguments: 0..<150)
    func cancels(seed: UInt64) throws {
        var game = try Game(seed: seed)
        let least = try Game.lengthOfPlay(seed)
        guard least > 1 else { return }
        try game.play(cancelAfter: Int(seed) % least)
        #expect(game.machine.whole.phase == .ended)
        #expect(game.machine.nodes.allSatisfy { $0.phase == .ended })
        #expect(game.launchedAfterCancel == 0)
        for (path, state) in game.endsBeforeCancel { #expect(game.ends[path] == state, "\(path)") }
    }

    @Test("no loop has more iterations under way than it may", arguments: 300..<400)
    func limits(seed: UInt64) throws {
        var game = try Game(seed: seed)
        try game.play()
        #expect(game.mostAtOnce.allSatisfy { $0.value <= (game.graph.parallelism[$0.key] ?? .max) })
    }

    @Test("a graph that fails fast begins nothing more, and the failure that nobody handles decides")
    func failsFast() throws {
        func leaf(_ upstream: [String] = []) -> TaskDefinition {
            var task = TaskDefinition(component: "leaf")
            task.upstream = upstream
            return task
        }
        var graph = TaskGraph(tasks: ["bad": leaf(), "slow": leaf(), "after": leaf(["bad"]), "later": leaf(["slow"])])
        graph.targets = ["after", "later"]
        graph.failsFast = true
        var machine = try Self.machine(graph)
        _ = machine.apply(.began(at: 0))
        _ = machine.apply(.attemptEnded(try #require(machine.node(at: "bad")), attempt: 1, .failed("no"), at: 1))
        #expect(Self.states(machine) == ["bad": .failed, "after": .skipped, "slow": .pending, "later": .skipped])
        let slow = try #require(machine.node(at: "slow"))
        _ = machine.apply(.attemptEnded(slow, attempt: 1, .succeeded(TaskValues()), at: 2))
        #expect(machine.whole.state == .failed)
        #expect(machine.whole.message == "no")
    }

    @Test("a group whose time is over stops what is in it, fails, and is not begun again")
    func deadline() throws {
        var group = TaskDefinition(component: "group")
        group.deadlineSeconds = 5
        group.retry.limit = 3
        var machine = try Self.machine(
            TaskGraph(tasks: ["g": group]), inner: TaskGraph(tasks: ["a": TaskDefinition(component: "leaf")]))
        #expect(machine.apply(.began(at: 0)).commands.contains(.wake(at: 5_000_000)))
        let inner = try #require(machine.node(at: "g/a"))
        #expect(machine.apply(.timePassed(at: 5_000_000)).commands.contains(.stop(inner)))
        _ = machine.apply(.attemptEnded(inner, attempt: 1, .cancelled, at: 5_000_001))
        #expect(Self.states(machine) == ["g": .failed, "g/a": .canceled])
        #expect(machine.whole.phase == .ended)
    }

    @Test("what is to be held is asked for, given back at the end, and not asked for by one that was stopped")
    func locks() throws {
        var task = TaskDefinition(component: "leaf")
        task.locks = [LockRequest(name: "one", isExclusive: true)]
        var machine = try Self.machine(TaskGraph(tasks: ["a": task, "b": task]))
        let (commands, a) = (machine.apply(.began(at: 0)).commands, try #require(machine.node(at: "a")))
        let b = try #require(machine.node(at: "b"))
        #expect(Set(commands) == [.acquire(a), .acquire(b)])
        #expect(machine.apply(.acquired(a, at: 1)).commands == [.launch(a, attempt: 1)])
        #expect(machine.holders == [a])
        let after = machine.apply(.attemptEnded(a, attempt: 1, .succeeded(TaskValues()), at: 2)).commands
        #expect(after == [.release(a)])
        #expect(machine.apply(.cancelled(by: "ann", at: 3)).commands == [.release(b)])
        #expect(machine.whole.state == .canceled)
    }

    @Test("a run that is stopped lets those tasks go on that run whatever happens; one passed over is as good as done")
    func stopsAndPasses() throws {
        var last = TaskDefinition(component: "leaf")
        last.upstream = ["main"]
        last.runsAfterFailure = true
        let graph = TaskGraph(tasks: ["main": TaskDefinition(component: "leaf"), "last": last])
        var machine = try Self.machine(graph)
        _ = machine.apply(.began(at: 0))
        let (main, end) = (try #require(machine.node(at: "main")), try #require(machine.node(at: "last")))
        #expect(machine.apply(.stopped(by: "ann", message: "enough", at: 1)).commands == [.stop(main)])
        let next = machine.apply(.attemptEnded(main, attempt: 1, .cancelled, at: 2)).commands
        #expect(next == [.launch(end, attempt: 1)])

        var other = try Self.machine(graph)
        _ = other.apply(.began(at: 0))
        #expect(other.apply(.passedOver(main, by: "ann", reason: "by hand", at: 1)).commands == [.stop(main)])
        _ = other.apply(.attemptEnded(main, attempt: 1, .cancelled, at: 2))
        #expect(other.nodes[main].state == .succeeded)
        #expect(other.nodes[main].message == "ann passed over it: by hand.")
    }

    private static func machine(_ graph: TaskGraph, inner: TaskGraph = TaskGraph(tasks: [:])) throws -> RunMachine {
        let leaf = Component(body: .container(Container(image: "python:3", command: ["work"])))
        let pipeline = try Pipeline(
            name: "made", components: ["leaf": leaf, "group": Component(body: .graph(inner))],
            root: Component(body: .graph(graph)), digest: Digest(of: []), language: WordLanguage())
        return RunMachine(
            pipeline: pipeline,
            run: PipelineRun(
                id: "r", pipeline: pipeline.ref, compiled: Digest(of: []), parameters: [:], actor: "ann", reason: "",
                purpose: .ordinary, resolved: [:], usesCache: false, startedAt: 0))
    }

    private static func states(_ machine: RunMachine) -> [String: PipelineRun.State] {
        Dictionary(uniqueKeysWithValues: machine.nodes.dropFirst().map { ($0.path, $0.state) })
    }

    @Test("what an event costs goes with what it changes: a chain, a loop and a fan of thousands", arguments: [4000])
    func large(count: Int) throws {
        var chain: [String: TaskDefinition] = [:]
        for number in 0..<count {
            var task = TaskDefinition(component: "leaf")
            if number > 0 { task.upstream = ["t\(number - 1)"] }
            chain["t\(number)"] = task
        }
        var loop = TaskDefinition(component: "leaf")
        loop.iterator = TaskDefinition.Iterator(
            items: .constant(.array((0..<count).map { .int(Int64($0)) })), itemInput: "item", parallelism: 7)
        for tasks in [chain, ["loop": loop]] {
            var game = try Game(seed: 1, graph: ChanceGraph(tasks: tasks))
            try game.play()
            #expect(game.machine.whole.state == .succeeded)
            #expect(game.events.count < 4 * count + 10)
        }
    }
}

/// A run that is played: what is asked for happens at some time, in some order.
private struct Game {
    let graph: ChanceGraph
    var machine: RunMachine
    var events: [JSONValue] = []
    var outputs: [String: TaskValues] = [:]
    var launchedAfterCancel = 0
    var endsBeforeCancel: [String: PipelineRun.State] = [:]
    var mostAtOnce: [String: Int] = [:]

    private var random: SplitMix
    private var pending: [RunMachine.Command] = []
    private var time: Int64 = 0
    private var succeeded: Set<String> = []
    private var isBegun = false

    init(seed: UInt64, graph: ChanceGraph? = nil) throws {
        random = SplitMix(seed: seed)
        let made = try graph ?? ChanceGraph(&random)
        self.graph = made
        machine = RunMachine(pipeline: made.pipeline, run: made.run)
    }

    static func lengthOfPlay(_ seed: UInt64) throws -> Int {
        var game = try Game(seed: seed)
        try game.play()
        return game.events.count
    }

    /// How every task ended that is no iteration or part of a group that never began.
    var ends: [String: PipelineRun.State] {
        var ends: [String: PipelineRun.State] = [:]
        for node in machine.nodes.dropFirst() { ends[node.path] = node.state }
        ends[""] = machine.whole.state
        return ends
    }

    private mutating func tell(_ event: RunEvent) throws {
        events.append(event.json { machine.nodes[$0].path })
        let reaction = machine.apply(event)
        for id in reaction.changed where machine.nodes[id].state == .succeeded {
            outputs[machine.nodes[id].path] = machine.nodes[id].outputs
            succeeded.insert(machine.nodes[id].path)
        }
        for command in reaction.commands {
            if case .launch(let id, _) = command {
                #expect(!succeeded.contains(machine.nodes[id].path), "it ran again after it had succeeded")
                if machine.isCancelled { launchedAfterCancel += 1 }
            }
            if case .stop(let id) = command {
                pending.removeAll { $0.isAbout(id) }
                pending.append(command)
            } else {
                pending.append(command)
            }
        }
        for (path, limit) in graph.parallelism where limit < .max {
            guard let loop = machine.node(at: path) else { continue }
            let going = machine.nodes[machine.nodes[loop].children].filter {
                $0.phase != .held && $0.phase != .ended && $0.phase != .waiting
            }
            mostAtOnce[path] = max(mostAtOnce[path] ?? 0, going.count)
        }
    }

    /// Stands where a killed server's events end, as a server that starts does.
    mutating func takeUp(_ stored: [JSONValue], outputs: [String: TaskValues]) throws {
        isBegun = !stored.isEmpty
        for json in stored {
            let event = try RunEvent(json: json, node: { machine.node(at: $0) }, outputs: { outputs[$0] })
            time = max(time, event.at)
            let reaction = machine.apply(event)
            for id in reaction.changed where machine.nodes[id].state == .succeeded {
                succeeded.insert(machine.nodes[id].path)
            }
        }
        let running = machine.nodes.indices.filter { machine.nodes[$0].phase == .running }
        pending = machine.outstanding()
        for id in running {
            try tell(.attemptEnded(id, attempt: machine.nodes[id].attempts, .lost, at: time))
        }
    }

    mutating func play(cancelAfter: Int? = nil) throws {
        if !isBegun { try tell(.began(at: 0)) }
        while machine.whole.phase != .ended {
            if let cancelAfter, events.count >= cancelAfter, !machine.isCancelled {
                endsBeforeCancel = ends.filter { path, _ in
                    machine.node(at: path).map { machine.nodes[$0].phase == .ended } ?? false
                }
                try tell(.cancelled(by: "ann", at: time))
                continue
            }
            guard !pending.isEmpty else {
                Issue.record("nothing is left to do, and the run has not ended")
                return
            }
            time += 1
            try happen(pending.remove(at: Int.random(in: 0..<pending.count, using: &random)))
        }
    }

    private mutating func happen(_ command: RunMachine.Command) throws {
        switch command {
        case .wake(let due):
            time = max(time, due)
            try tell(.timePassed(at: time))
        case .acquire(let id):
            try tell(.acquired(id, at: time))
        case .release: break
        case .stop(let id):
            try tell(.attemptEnded(id, attempt: machine.nodes[id].attempts, .cancelled, at: time))
        case .launch(let id, let attempt):
            guard machine.nodes[id].attempts == attempt else { return }
            if machine.nodes[id].phase == .queued, Bool.random(using: &random) {
                try tell(.attemptBegan(id, attempt: attempt, process: 1, at: time))
                pending.append(command)
                return
            }
            let node = machine.nodes[id]
            if node.losses < 2, Int.random(in: 0..<8, using: &random) == 0 {
                return try tell(.attemptEnded(id, attempt: attempt, .lost, at: time))
            }
            let end: RunEvent.AttemptEnd =
                graph.failures(node.path) > node.failures ? .failed("no") : .succeeded(TaskValues())
            try tell(.attemptEnded(id, attempt: attempt, end, at: time))
        }
    }
}

extension RunMachine.Command {
    fileprivate func isAbout(_ node: RunMachine.NodeID) -> Bool {
        switch self {
        case .launch(let id, _), .stop(let id), .acquire(let id), .release(let id): id == node
        case .wake: false
        }
    }
}

/// A pipeline made by chance, and what comes of it by a walk that knows nothing of events.
private struct ChanceGraph {
    let pipeline: Pipeline
    let run: PipelineRun
    private let seed: UInt64
    /// How many iterations may go on, by the path of the loop.
    private(set) var parallelism: [String: Int] = [:]

    init(_ random: inout SplitMix) throws {
        var components: [String: Component] = ["leaf": Self.leaf]
        let root = Self.graph(depth: 0, &random, &components)
        try self.init(root, components, seed: random.next())
    }

    init(tasks: [String: TaskDefinition]) throws {
        try self.init(Component(body: .graph(TaskGraph(tasks: tasks))), ["leaf": Self.leaf], seed: 0)
    }

    private init(_ root: Component, _ components: [String: Component], seed: UInt64) throws {
        pipeline = try Pipeline(
            name: "chance", components: components, root: root, digest: Digest(of: []), language: WordLanguage())
        run = PipelineRun(
            id: "r", pipeline: pipeline.ref, compiled: Digest(of: []), parameters: [:], actor: "ann", reason: "",
            purpose: .ordinary, resolved: [:], usesCache: false, startedAt: 0)
        self.seed = seed
        _ = walk(root, "") { path, limit in parallelism[path] = limit }
    }

    private static let leaf = Component(body: .container(Container(image: "python:3", command: ["work"])))

    private static func graph(
        depth: Int, _ random: inout SplitMix, _ components: inout [String: Component]
    ) -> Component {
        var tasks: [String: TaskDefinition] = [:]
        for number in 0..<Int.random(in: (depth == 0 ? 1 : 0)...5, using: &random) {
            var component = "leaf"
            if depth < 3, Int.random(in: 0..<3, using: &random) == 0 {
                component = "group\(components.count)"
                components[component] = leaf
                components[component] = graph(depth: depth + 1, &random, &components)
            }
            var task = TaskDefinition(component: component)
            task.upstream = tasks.keys.sorted().filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
            task.runsAfterFailure = Int.random(in: 0..<4, using: &random) == 0
            if Int.random(in: 0..<4, using: &random) == 0 {
                task.condition = Bool.random(using: &random) ? "yes" : "no"
            }
            task.retry.limit = Int.random(in: 0...2, using: &random)
            task.mayFail = Int.random(in: 0..<5, using: &random) == 0
            task.mayError = task.mayFail
            task.runsAfterSkip = Int.random(in: 0..<3, using: &random) == 0
            if Int.random(in: 0..<5, using: &random) == 0 { task.locks = [LockRequest(name: "one", isExclusive: true)] }
            task.retry.delaySeconds = Bool.random(using: &random) ? 0 : 3
            if Int.random(in: 0..<4, using: &random) == 0 {
                let count = Int64.random(in: 0...4, using: &random)
                task.iterator = TaskDefinition.Iterator(
                    items: .constant(.array((0..<count).map { .int($0) })), itemInput: "item",
                    parallelism: Bool.random(using: &random) ? nil : Int.random(in: 1...2, using: &random))
            }
            tasks["t\(number)"] = task
        }
        var graph = TaskGraph(tasks: tasks)
        if Int.random(in: 0..<3, using: &random) == 0 {
            graph.targets = tasks.keys.sorted().filter { _ in Bool.random(using: &random) }
        }
        return Component(body: .graph(graph))
    }

    /// How often a task fails before it succeeds.
    func failures(_ path: String) -> Int {
        guard seed != 0 else { return 0 }
        let digest = Digest(of: Array("\(seed)/\(path)".utf8)).hex
        return ["0": 1, "1": 1, "2": 2, "3": 5][String(digest.prefix(1))] ?? 0
    }

    // MARK: The walk

    /// How everything ends, by path; the whole is the empty one.
    var walked: [String: PipelineRun.State] {
        var (ends, whole) = walk(pipeline.root, "") { _, _ in }
        ends[""] = whole
        return ends
    }

    private func walk(
        _ component: Component, _ prefix: String, _ loop: (String, Int) -> Void
    ) -> (ends: [String: PipelineRun.State], state: PipelineRun.State) {
        guard case .graph(let graph) = component.body else { return ([:], .succeeded) }
        var ends: [String: PipelineRun.State] = [:]
        var own: [String: PipelineRun.State] = [:]
        var blocked: Set<String> = []
        // Numbered tasks wait for those of lower numbers alone.
        for name in graph.tasks.keys.sorted() {
            guard let task = graph.tasks[name], let inner = pipeline.components[task.component] else { continue }
            let path = prefix + name
            func once(_ path: String) -> PipelineRun.State {
                guard case .graph = inner.body else {
                    return failures(path) > task.retry.limit ? .failed : .succeeded
                }
                // A group that failed is begun again with a number behind its path.
                for attempt in 0...task.retry.limit {
                    let walked = walk(inner, attempt == 0 ? path + "/" : "\(path)(\(attempt))/", loop)
                    ends.merge(walked.ends) { $1 }
                    if walked.state == .succeeded || attempt == task.retry.limit { return walked.state }
                }
                return .failed
            }
            let isBlocked = task.upstream.contains { before in
                switch own[before] {
                case .succeeded: false
                case .skipped: !task.runsAfterSkip || blocked.contains(before)
                default: !task.runsAfterSkip || graph.tasks[before]?.mayFail != true
                }
            }
            if !task.runsAfterFailure, isBlocked {
                own[name] = .skipped
                blocked.insert(name)
            } else if task.condition == "no" {
                own[name] = .skipped
            } else if case .constant(let items)? = task.iterator?.items {
                loop(path, task.iterator?.parallelism ?? .max)
                own[name] = .succeeded
                for index in (items.array ?? []).indices {
                    ends["\(path)[\(index)]"] = once("\(path)[\(index)]")
                    if ends["\(path)[\(index)]"] == .failed { own[name] = .failed }
                }
            } else {
                own[name] = once(path)
            }
            ends[path] = own[name]
        }
        func brings(_ name: String) -> Bool {
            switch own[name] {
            case .failed: graph.tasks[name]?.mayFail != true
            case .skipped: graph.tasks[name]?.upstream.contains(where: brings) ?? false
            default: false
            }
        }
        let deciding = graph.targets ?? own.keys.filter { own[$0] == .failed }
        return (ends, deciding.contains(where: brings) ? .failed : .succeeded)
    }
}

/// A language whose only condition is a word.
private struct WordLanguage: PipelineLanguage {
    func holds(_ condition: String, in scope: Scope) throws(GyreError) -> Bool { condition == "yes" }
    func finalStatus(
        of task: String, _ state: PipelineRun.State, message: String?, in scope: Scope
    ) -> JSONValue { .string(state.rawValue) }
    func command(_ container: Container, for call: TaskCall) throws(GyreError) -> TaskCommand { TaskCommand([]) }
    func written(by call: TaskCall) throws(GyreError) -> WrittenOutputs { WrittenOutputs() }
}
