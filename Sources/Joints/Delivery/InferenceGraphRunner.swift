// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreServing

/// Takes a request through an inference graph.
package struct InferenceGraphRunner: Sendable {
    /// A model's answer to a body, or the failure in the model's own form.
    package struct Reply: Sendable {
        /// The status, as HTTP has it.
        package let status: Int
        /// The answer, or what is wrong.
        package let body: JSONValue

        /// A reply.
        package init(status: Int, body: JSONValue) {
            self.status = status
            self.body = body
        }

        var isGood: Bool { (200..<300).contains(status) }
    }

    private let graph: InferenceGraph
    private let random: @Sendable () -> Double
    private let ask: @Sendable (_ model: String, _ body: JSONValue, _ place: String) async -> Reply

    /// A runner of `graph`.
    ///
    /// `ask`: asks an endpoint or model; `place` is the node and the step, as `root/0`.
    package init(
        _ graph: InferenceGraph, random: @escaping @Sendable () -> Double,
        ask: @escaping @Sendable (_ model: String, _ body: JSONValue, _ place: String) async -> Reply
    ) {
        self.graph = graph
        self.random = random
        self.ask = ask
    }

    /// The graph's answer to a request.
    package func run(_ request: JSONValue) async -> Reply {
        guard graph.timeoutMilliseconds > 0 else { return await run("root", request) }
        let replies = await GatheredReplies.gather(1, within: graph.timeoutMilliseconds) { _ in
            await run("root", request)
        }
        return replies[0] ?? Self.tooLate(graph.timeoutMilliseconds)
    }

    private static func tooLate(_ milliseconds: Int) -> Reply {
        Reply(status: 504, body: ["error": .string("The graph had no answer within \(milliseconds) ms.")])
    }

    private func run(_ name: String, _ request: JSONValue) async -> Reply {
        guard let node = graph.nodes[name] else { return Reply(status: 404, body: ["error": "There is no such node."]) }
        switch node.kind {
        case .sequence: return await sequence(name, node.steps, request)
        case .ensemble: return await ensemble(name, node, request)
        case .splitter:
            var point = random() * 100
            let index = node.steps.firstIndex { step in
                point -= Double(step.weight)
                return point < 0
            }
            return await pass(name, index ?? node.steps.count - 1, node.steps, request)
        case .switch:
            if let index = node.steps.firstIndex(where: { $0.condition?.value(in: request) != nil }) {
                return await pass(name, index, node.steps, request)
            }
            return Reply(
                status: 404, body: ["error": .string("No condition of the node \"\(name)\" holds for the request.")])
        }
    }

    private func sequence(_ name: String, _ steps: [InferenceGraph.Step], _ request: JSONValue) async -> Reply {
        var reply = Reply(status: 200, body: request)
        for (index, step) in steps.enumerated() {
            // A condition on a step of a sequence ends the sequence where it does not hold.
            if let condition = step.condition, condition.value(in: reply.body) == nil { return reply }
            var body = step.takesRequest ? request : reply.body
            if step.mapsPredictions, index > 0, !step.takesRequest, let predictions = body["predictions"] {
                body = ["instances": predictions]
            }
            let next = await pass(name, index, steps, body)
            if !next.isGood, step.isHard { return next }
            reply = next
        }
        return reply
    }

    private func ensemble(_ name: String, _ node: InferenceGraph.Node, _ request: JSONValue) async -> Reply {
        let steps = node.steps
        let replies = await GatheredReplies.gather(steps.count, within: node.deadlineMilliseconds) { index in
            await pass(name, index, steps, request)
        }
        var answer: JSONValue = [:]
        var good: [JSONValue] = []
        var missing: [String] = []
        for (step, reply) in zip(steps, replies) {
            if step.isHard, reply?.isGood != true { return reply ?? Self.tooLate(node.deadlineMilliseconds) }
            if let reply { answer[step.name] = reply.body }
            if let predictions = reply?.body["predictions"], reply?.isGood == true {
                good.append(predictions)
            } else {
                missing.append(step.name)
            }
        }
        guard let combiner = node.combiner else {
            return replies.contains { $0 != nil }
                ? Reply(status: 200, body: answer) : Self.tooLate(node.deadlineMilliseconds)
        }
        guard !good.isEmpty else {
            return replies.compactMap { $0 }.first ?? Self.tooLate(node.deadlineMilliseconds)
        }
        guard let combined = combiner.combine(good) else {
            return Reply(
                status: 400,
                body: ["error": .string("The answers of the node \"\(name)\" have no \(combiner.rawValue).")])
        }
        return Reply(
            status: 200,
            body: [
                "predictions": combined, "combined": .int(Int64(good.count)), "of": .int(Int64(steps.count)),
                "missing": .strings(missing),
            ])
    }

    private func pass(
        _ name: String, _ index: Int, _ steps: [InferenceGraph.Step], _ body: JSONValue
    ) async -> Reply {
        switch steps[index].target {
        case .model(let model): await ask(model, body, "\(name)/\(steps[index].name)")
        case .node(let node): await run(node, body)
        }
    }
}
