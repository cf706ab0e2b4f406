// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreServing
import GyreTestSupport
import Testing

/// Requests that wait for a model, and the batches that they are joined to.
@Suite struct BatchingTests {
    private let model = GatedModel()

    private func host(_ change: (inout ModelSettings) -> Void) async throws -> HostedModel {
        var source = ModelSource(file: "none", format: .onnx)
        change(&source.settings)
        return try await ModelHost(
            runtimes: [GatedRuntime(model)], surroundings: ManualClock(step: 1000).surroundings
        ).load("m", 1, source)
    }

    private func joined(
        _ rows: Int, _ change: (inout ModelSettings.Batching) -> Void = { _ in }
    ) async throws -> HostedModel {
        try await host {
            $0.maximumBatch = rows
            var batching = ModelSettings.Batching()
            change(&batching)
            $0.batching = batching
        }
    }

    /// Asks at once; the request waits in its place when this returns.
    private func ask(
        _ hosted: HostedModel, _ values: [Float], priority: Int = 0, timeout: Int64 = 0
    ) -> Task<[Float], any Error> {
        var wishes = HostedModel.Wishes()
        wishes.priority = priority
        wishes.timeout = timeout
        let asked = wishes
        return Task.immediate {
            let answer = try await hosted.infer([GatedModel.input(values)], asked)
            guard case .floats(let floats) = answer[0].tensor.storage else { return [] }
            return floats
        }
    }

    /// What runs after everything was asked while the model was busy with a first request.
    private func runs(
        _ hosted: HostedModel, _ body: () async throws -> [Task<[Float], any Error>]
    ) async throws -> (sizes: [Int], tasks: [Task<[Float], any Error>]) {
        model.gate.hold()
        let first = ask(hosted, [0])
        await model.gate.arrival()
        let before = model.sizes.count
        let tasks = try await body()
        model.gate.open()
        _ = try await first.value
        for task in tasks { _ = await task.result }
        return (Array(model.sizes.dropFirst(before)), tasks)
    }

    @Test("what waits is joined to batches of at most the maximum, and each gets its own rows", arguments: 1...10)
    func batches(seed: Int) async throws {
        let hosted = try await joined(8)
        var random = SplitMix(seed: UInt64(seed))
        let requests = (0..<20).map { _ in
            (0..<Int.random(in: 1...5, using: &random)).map { _ in Float(Int.random(in: 0...1000, using: &random)) }
        }
        let (sizes, tasks) = try await runs(hosted) { requests.map { ask(hosted, $0) } }
        // As many of the oldest as fit go together.
        var expected: [Int] = []
        for request in requests {
            if let last = expected.last, last + request.count <= 8 {
                expected[expected.count - 1] += request.count
            } else {
                expected.append(request.count)
            }
        }
        #expect(sizes == expected, "seed \(seed)")
        for (request, task) in zip(requests, tasks) {
            #expect(try await task.value == request.map { $0 * 2 }, "seed \(seed)")
        }
        #expect(hosted.statistics.now.success.count == 21)
    }

    @Test("without batching each request runs by itself")
    func alone() async throws {
        let hosted = try await host { $0.maximumBatch = 8 }
        model.gate.hold()
        let asked = (0..<5).map { ask(hosted, [Float($0)]) }
        await model.gate.arrival()
        model.gate.open()
        for task in asked { _ = try await task.value }
        #expect(model.sizes == [1, 1, 1, 1, 1, 1], "and one row of zeros at loading")
        #expect(hosted.batchLimit == 1)
    }

    @Test("who finds the queue full is told so at once, and the others are answered")
    func full() async throws {
        let hosted = try await joined(1) { $0.maximumQueue = 4 }
        let (sizes, tasks) = try await runs(hosted) {
            let waiting = (0..<4).map { ask(hosted, [Float($0)]) }
            let refused = await #expect(throws: GyreError.self) { try await ask(hosted, [9]).value }
            #expect(refused?.code == .unavailable && refused?.why == "At most 4 may wait.")
            return waiting
        }
        #expect(sizes.count == 4)
        for (number, task) in tasks.enumerated() { #expect(try await task.value == [Float(number) * 2]) }
        #expect(try await hosted.infer([GatedModel.input([1])]).count == 1, "and there is room again")
    }

    @Test("what waits longer than it may is refused when its turn comes, unless it may be late")
    func late() async throws {
        // It comes while the model is busy, and its microsecond is over when the model is free.
        let strict = try await joined(1)
        for task in try await runs(strict, { (0..<3).map { ask(strict, [Float($0)], timeout: 1) } }).tasks {
            let error = await #expect(throws: GyreError.self) { try await task.value }
            #expect(error?.code == .timeout)
        }
        let patient = try await joined(1) { $0.delaysLate = true }
        let (sizes, tasks) = try await runs(patient) { (0..<3).map { ask(patient, [Float($0)], timeout: 1) } }
        #expect(sizes == [1, 1, 1])
        for task in tasks { _ = try await task.value }
    }

    @Test("a higher priority goes first, a lower one goes along only when all of the higher does")
    func priorities() async throws {
        let hosted = try await joined(2) {
            $0.priorityLevels = 3
            $0.defaultPriority = 2
        }
        _ = try await runs(hosted) {
            [
                ask(hosted, [30], priority: 3), ask(hosted, [20]), ask(hosted, [10], priority: 1),
                ask(hosted, [31], priority: 9), ask(hosted, [11], priority: 1), ask(hosted, [21], priority: 2),
            ]
        }
        #expect(Array(model.values.suffix(3)) == [[10, 11], [20, 21], [30, 31]])
    }

    @Test("batches grow while answers are in time, and stay at one row while they are late")
    func objective() async throws {
        let quick = try await joined(32) { $0.objective = 86_400_000_000 }
        // The first run has grown it to 2 already.
        #expect(try await runs(quick) { (0..<14).map { ask(quick, [Float($0)]) } }.sizes == [2, 3, 4, 5])
        #expect(quick.batchLimit == 6)
        let late = try await joined(32) { $0.objective = 1 }
        #expect(try await runs(late) { (0..<4).map { ask(late, [Float($0)]) } }.sizes == [1, 1, 1, 1])
    }

    @Test("a request that the model refuses does not take those in its batch with it")
    func poisoned() async throws {
        let hosted = try await joined(8)
        let (_, tasks) = try await runs(hosted) { [ask(hosted, [1]), ask(hosted, [-1]), ask(hosted, [3])] }
        #expect(try await tasks[0].value == [2])
        await #expect(throws: GyreError.self) { try await tasks[1].value }
        #expect(try await tasks[2].value == [6])
        #expect(hosted.statistics.now.failure.count == 1)
    }

    @Test("a request with more rows than a batch may have is refused")
    func tooManyRows() async throws {
        let hosted = try await host { $0.maximumBatch = 4 }
        let error = await #expect(throws: GyreError.self) { try await ask(hosted, [1, 2, 3, 4, 5]).value }
        #expect(error?.what == "The request has 5 rows; the model \"m\" takes 4 at most.")
    }

    // MARK: Answers that are kept

    @Test("equal requests at the same time are asked once, and the answer is kept")
    func cache() async throws {
        let hosted = try await host { $0.cachesAnswers = true }
        #expect(try hosted.answerNow(.tensors([GatedModel.input([3])], parameters: [:])) == nil)
        model.gate.hold()
        let first = ask(hosted, [3])
        await model.gate.arrival()
        let others = (0..<5).map { _ in ask(hosted, [3]) }
        model.gate.open()
        for task in [first] + others { #expect(try await task.value == [6]) }
        #expect(try hosted.answerNow(.tensors([GatedModel.input([3])], parameters: [:]))?.isCached == true)
        #expect(model.sizes.count == 2, "one at loading, one that was asked")
        #expect(hosted.statistics.now.cacheHits.count == 6)
    }

    @Test("a failure is told to all who wait for the same answer, and is not kept")
    func cachedFailure() async throws {
        let hosted = try await host { $0.cachesAnswers = true }
        model.gate.hold()
        let first = ask(hosted, [-3])
        await model.gate.arrival()
        let other = ask(hosted, [-3])
        model.gate.open()
        for task in [first, other] { await #expect(throws: GyreError.self) { try await task.value } }
        #expect(model.sizes.count == 2)
        await #expect(throws: GyreError.self) { try await ask(hosted, [-3]).value }
        #expect(model.sizes.count == 3)
    }

    @Test("a quick model answers on the caller's thread, and says why where it can")
    func now() async throws {
        let hosted = try await host { _ in }
        if let answer = try hosted.answerNow(.tensors([GatedModel.input([4])], parameters: [:])) {
            #expect(answer.outputs[0].tensor.storage == .floats([8]) && answer.inputs[0].name == "x")
        }
        #expect(throws: GyreError.self) {
            try hosted.answerNow(.tensors([GatedModel.input([]), GatedModel.input([1])], parameters: [:]))
        }
        #expect(try await hosted.explain(["why": "because"]) == "because")
        let error = await #expect(throws: GyreError.self) { try await hosted.explain([:]) }
        #expect(error?.code == .unsupported)
    }
}
