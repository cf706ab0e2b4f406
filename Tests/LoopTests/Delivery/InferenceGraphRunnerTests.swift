// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreDelivery
import GyreServing
import GyreTestSupport
import Synchronization
import Testing

@Suite struct InferenceGraphRunnerTests {
    typealias Reply = InferenceGraphRunner.Reply
    typealias Step = InferenceGraph.Step

    /// Models that answer with their name added to what they got; `bad` fails, and `slow` never answers.
    fileprivate func run(
        _ nodes: [String: InferenceGraph.Node], _ request: JSONValue = ["instances": [1]], random: Double = 0.5,
        timeout: Int = 0, places: Places? = nil
    ) async throws -> Reply {
        var graph = try InferenceGraph(name: "g", nodes: nodes)
        graph.timeoutMilliseconds = timeout
        let ask: @Sendable (String, JSONValue, String) async -> Reply = { model, body, place in
            places?.add(place)
            switch model {
            case "bad": return Reply(status: 500, body: ["error": "bad"])
            case "slow":
                // Far longer than any deadline here; ends with the process.
                try? await Task.sleep(for: .seconds(3600))
                return Reply(status: 200, body: [:])
            case let number where Int64(number) != nil:
                return Reply(status: 200, body: ["predictions": [.int(Int64(number) ?? 0)]])
            default:
                return Reply(status: 200, body: ["predictions": .string("\(model)(\(body.text))")])
            }
        }
        let runner = InferenceGraphRunner(graph, random: { random }, ask: ask)
        return await runner.run(request)
    }

    private func step(_ model: String, name: String? = nil, isHard: Bool = false) -> Step {
        var step = Step(name: name ?? model, target: .model(model))
        step.isHard = isHard
        return step
    }

    @Test("a sequence hands each answer to the next step, predictions as instances where that is asked for")
    func sequence() async throws {
        var second = step("b")
        second.mapsPredictions = true
        let reply = try await run(["root": .init(kind: .sequence, steps: [step("7"), second])])
        #expect(reply.body["predictions"]?.string == #"b({"instances":[7]})"#)
    }

    @Test("a step may ask for the request that the graph got")
    func takesRequest() async throws {
        var second = step("b")
        second.takesRequest = true
        let reply = try await run(["root": .init(kind: .sequence, steps: [step("7"), second])])
        #expect(reply.body["predictions"]?.string == #"b({"instances":[1]})"#)
    }

    @Test("a hard step that fails ends a sequence with its failure; a soft one does not")
    func hardStep() async throws {
        let hard = try await run(["root": .init(kind: .sequence, steps: [step("bad", isHard: true), step("b")])])
        #expect(hard.status == 500)
        let soft = try await run(["root": .init(kind: .sequence, steps: [step("bad"), step("b")])])
        #expect(soft.status == 200)
    }

    @Test("a condition that does not hold ends a sequence with what there is")
    func conditionEnds() async throws {
        var second = step("b")
        second.condition = try JSONPath("missing")
        let reply = try await run(["root": .init(kind: .sequence, steps: [step("7"), second])])
        #expect(reply.body == ["predictions": [7]])
    }

    @Test("a splitter follows its weights", arguments: [(0.0, "a"), (0.19, "a"), (0.2, "b"), (0.99, "b")])
    func splitter(random: Double, expected: String) async throws {
        var (first, second) = (step("a"), step("b"))
        (first.weight, second.weight) = (20, 80)
        let reply = try await run(["root": .init(kind: .splitter, steps: [first, second])], random: random)
        #expect(reply.body["predictions"]?.string?.hasPrefix(expected) == true)
    }

    @Test("a switch passes to the first step whose condition holds, and says so where none does")
    func switches() async throws {
        var (first, second) = (step("a"), step("b"))
        first.condition = try JSONPath("kind.x")
        second.condition = try JSONPath("instances.0")
        let nodes = ["root": InferenceGraph.Node(kind: .switch, steps: [first, second])]
        #expect(try await run(nodes).body["predictions"]?.string?.hasPrefix("b") == true)
        let none = try await run(nodes, ["other": 1])
        #expect(none.status == 404 && none.body["error"]?.string?.contains("root") == true)
    }

    @Test("an ensemble answers with all side by side, and each place is told to its model")
    func ensemble() async throws {
        let places = Places()
        let reply = try await run(
            ["root": .init(kind: .ensemble, steps: [step("1", name: "one"), step("bad", name: "two")])], places: places)
        #expect(reply.body["one"] == ["predictions": [1]])
        #expect(reply.body["two"] == ["error": "bad"])
        #expect(Set(places.all) == ["root/one", "root/two"])
    }

    @Test("a combined answer says how many gave it and who is missing")
    func combined() async throws {
        var node = InferenceGraph.Node(
            kind: .ensemble, steps: [step("1", name: "one"), step("3", name: "three"), step("bad")])
        node.combiner = .mean
        let reply = try await run(["root": node])
        #expect(reply.body["predictions"] == [2.0])
        #expect(reply.body["combined"] == 2 && reply.body["of"] == 3 && reply.body["missing"] == ["bad"])
    }

    @Test("a hard step of an ensemble that fails is the answer; so is a failure where nobody succeeds")
    func failures() async throws {
        let hard = try await run(
            ["root": .init(kind: .ensemble, steps: [step("1"), step("bad", isHard: true)])])
        #expect(hard.status == 500)
        var node = InferenceGraph.Node(kind: .ensemble, steps: [step("bad")])
        node.combiner = .majority
        #expect(try await run(["root": node]).status == 500)
    }

    @Test("answers that have no mean are told as that")
    func noMean() async throws {
        var node = InferenceGraph.Node(kind: .ensemble, steps: [step("a"), step("b")])
        node.combiner = .mean
        let reply = try await run(["root": node])
        #expect(reply.status == 400 && reply.body["error"]?.string?.contains("mean") == true)
    }

    @Test("an ensemble with a deadline answers with what is there, and a graph that takes too long says so")
    func deadlines() async throws {
        var node = InferenceGraph.Node(kind: .ensemble, steps: [step("1", name: "one"), step("slow")])
        node.combiner = .mean
        var reply = Reply(status: 0, body: [:])
        // On a busy machine even the quick one may miss a short deadline.
        for milliseconds in [50, 500, 5000] where reply.body["predictions"] == nil {
            node.deadlineMilliseconds = milliseconds
            reply = try await run(["root": node])
        }
        #expect(reply.body["predictions"] == [1.0] && reply.body["missing"] == ["slow"])
        let late = try await run(["root": .init(kind: .sequence, steps: [step("slow")])], timeout: 20)
        #expect(late.status == 504)
        var hard = InferenceGraph.Node(kind: .ensemble, steps: [step("1"), step("slow", isHard: true)])
        hard.deadlineMilliseconds = 20
        #expect(try await run(["root": hard]).status == 504)
    }

    @Test("a step may lead to another node")
    func nested() async throws {
        let inner = InferenceGraph.Node(kind: .sequence, steps: [step("7")])
        let root = InferenceGraph.Node(kind: .sequence, steps: [Step(name: "0", target: .node("inner"))])
        #expect(try await run(["root": root, "inner": inner]).body == ["predictions": [7]])
    }
}

/// Which places of a graph asked a model.
private final class Places: Sendable {
    private let content = Mutex<[String]>([])
    var all: [String] { content.withLock { $0 } }
    func add(_ place: String) { content.withLock { $0.append(place) } }
}
