// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreServing

/// Takes a request through an inference graph.
package struct GraphRunner: Sendable {
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
    private let ask: @Sendable (_ model: String, _ body: JSONValue) async -> Reply

    /// A runner of `graph`.
    ///
    /// `ask`: asks an endpoint or model.
    package init(
        _ graph: InferenceGraph, random: @escaping @Sendable () -> Double,
        ask: @escaping @Sendable (_ model: String, _ body: JSONValue) async -> Reply
    ) {
        self.graph = graph
        self.random = random
        self.ask = ask
    }

    /// The graph's answer to a request.
    package func run(_ request: JSONValue) async -> Reply { await run("root", request) }

    private func run(_ name: String, _ request: JSONValue) async -> Reply {
        guard let node = graph.nodes[name] else { return Reply(status: 404, body: ["error": "There is no such node."]) }
        switch node.kind {
        case .sequence: return await sequence(node.steps, request)
        case .ensemble: return await ensemble(node.steps, request)
        case .splitter:
            var point = random() * 100
            for step in node.steps {
                point -= Double(step.weight)
                if point < 0 { return await pass(step, request) }
            }
            return await pass(node.steps[node.steps.count - 1], request)
        case .switch:
            for step in node.steps where step.condition?.value(in: request) != nil { return await pass(step, request) }
            return Reply(
                status: 404, body: ["error": .string("No condition of the node \"\(name)\" holds for the request.")])
        }
    }

    private func sequence(_ steps: [InferenceGraph.Step], _ request: JSONValue) async -> Reply {
        var reply = Reply(status: 200, body: request)
        for (index, step) in steps.enumerated() {
            // A condition on a step of a sequence ends the sequence where it does not hold.
            if let condition = step.condition, condition.value(in: reply.body) == nil { return reply }
            var body = step.takesRequest ? request : reply.body
            if step.mapsPredictions, index > 0, !step.takesRequest, let predictions = body["predictions"] {
                body = ["instances": predictions]
            }
            let next = await pass(step, body)
            if !next.isGood, step.isHard { return next }
            reply = next
        }
        return reply
    }

    private func ensemble(_ steps: [InferenceGraph.Step], _ request: JSONValue) async -> Reply {
        let replies = await withTaskGroup(of: (Int, Reply).self) { group in
            for (index, step) in steps.enumerated() { group.addTask { (index, await pass(step, request)) } }
            var replies = [Reply?](repeating: nil, count: steps.count)
            for await (index, reply) in group { replies[index] = reply }
            return replies
        }
        var answer: JSONValue = [:]
        for (step, reply) in zip(steps, replies) {
            guard let reply else { continue }
            if !reply.isGood, step.isHard { return reply }
            answer[step.name] = reply.body
        }
        return Reply(status: 200, body: answer)
    }

    private func pass(_ step: InferenceGraph.Step, _ body: JSONValue) async -> Reply {
        switch step.target {
        case .model(let name): await ask(name, body)
        case .node(let name): await run(name, body)
        }
    }
}
