// SPDX-License-Identifier: Apache-2.0

internal import CAllocator
internal import Dispatch
package import GyreBase
internal import Synchronization

/// A model version that is loaded and answers.
package final class HostedModel: Sendable {
    /// The registered model.
    package let name: String
    /// The version.
    package let number: Int
    /// What runs.
    package let model: any RunnableModel
    /// Where it came from and how it is served.
    package let source: ModelSource
    /// What it takes, and what clients may send for that.
    package let form: InputForm
    /// What it did since it was loaded.
    package let statistics = ModelStatistics()
    /// When it was loaded, microseconds since 1970.
    package let loadedAt: Int64
    /// Bytes that it takes in memory, as far as could be measured.
    package var bytes: Int64 { measuredBytes.load(ordering: .relaxed) }
    private let measuredBytes = Atomic<Int64>(0)
    private let queue: InferenceQueue
    private let composed: (any ComposedModel)?
    private let cache: AnswerCache?
    private let lastUse: Atomic<Int64>
    private let now: @Sendable () -> Int64

    /// Longest run, in nanoseconds, for which the thread of a connection is borrowed.
    private static let shortRun: UInt64 = 250_000
    /// Rows of several requests that go together at most where the owner said nothing.
    private static let joinedRows = 64
    /// Bytes of answers that are kept for each version that caches them.
    private static let cacheBytes = 32 << 20

    init(
        name: String, number: Int, model: any RunnableModel, source: ModelSource, surroundings: Surroundings
    ) {
        self.name = name
        self.number = number
        self.model = model
        self.source = source
        form = InputForm(
            name, model.inputs, features: source.features.isEmpty ? model.features : source.features,
            isLenient: model.isLenient, missing: source.missing ?? model.missing)
        now = surroundings.now
        loadedAt = now()
        lastUse = Atomic(loadedAt)
        cache = source.settings.cachesAnswers ? AnswerCache(limitBytes: Self.cacheBytes) : nil
        composed = model as? any ComposedModel
        var settings = source.settings
        if model.isRowwise, !model.isInProcess, settings.batching == nil, settings.maximumBatch == 0 {
            // Rows that wait anyway while its process is busy go together.
            settings.batching = ModelSettings.Batching()
            settings.maximumBatch = Self.joinedRows
        }
        queue = InferenceQueue(name, model: model, settings: settings, statistics: statistics)
    }

    deinit {
        model.close()
        // Its memory is free once it is gone; the system has it back after that.
        Background.detach(after: 10_000) { gyre_trim_memory() }
    }

    /// Keeps what was measured of its memory.
    func setBytes(_ bytes: Int64) { measuredBytes.store(bytes, ordering: .relaxed) }

    /// When it was asked last, microseconds since 1970.
    package var lastUsedAt: Int64 { lastUse.load(ordering: .relaxed) }

    /// Rows of a batch at most, as the objective for latency has it now; 1 where requests are not joined.
    package var batchLimit: Int { queue.limit }

    /// What a request asks for beside its tensors.
    package struct Wishes: Sendable {
        /// 1 is the highest; 0 for the usual one.
        package var priority = 0
        /// Microseconds that it may wait; 0 for no limit.
        package var timeout: Int64 = 0

        /// Nothing special.
        package init() {}
    }

    /// Outputs, and how they came about.
    package struct Answer: Sendable {
        /// The outputs by name.
        package let outputs: [NamedTensor]
        /// The answer in the form of the document that asked, where the model writes it by itself.
        package var document: [UInt8]?
        /// The inputs as the model took them, in its order.
        package var inputs: [NamedTensor] = []
        /// The probabilities of classes that the model gives beside its outputs, for the log alone.
        package var probabilities: Tensor?
        /// Whether they were kept from an equal request.
        package var isCached = false
        /// Nanoseconds that the request waited for the model.
        package var queueNanoseconds: UInt64 = 0
        /// Nanoseconds that the model ran.
        package var runNanoseconds: UInt64 = 0
        /// Rows of the batch that it ran with.
        package var batchRows = 0
        /// What the model gave, as it gave it.
        fileprivate var tensors: [Tensor] = []
    }

    /// The answer, where it can be had on this thread within a fraction of a millisecond; nil where it has to be awaited.
    /// - Throws: `.invalid` naming the input that is missing, unknown or of the wrong type or shape.
    package func answerNow(_ payload: ModelPayload) throws(GyreError) -> Answer? {
        let mayRunHere = cache == nil && source.settings.batching == nil && model.isInProcess
        // What is awaited anyway is checked there, once.
        guard mayRunHere || cache != nil else { return nil }
        let ordered = try order(payload)
        let began = DispatchTime.now().uptimeNanoseconds
        if let known = cache?.answer(to: ordered) { return try cached(known, ordered, since: began) }
        let rows = UInt64(max(1, ordered.first?.rows ?? 1))
        guard mayRunHere, model.runsHere(ordered), statistics.nanosecondsPerRow &* rows < Self.shortRun else {
            return nil
        }
        return try runHere(ordered, since: began)
    }

    /// Does what `body` does, and counts it as a request of one row.
    func counted<Result: Sendable>(
        _ body: () async throws(GyreError) -> Result
    ) async throws(GyreError) -> Result {
        let began = DispatchTime.now().uptimeNanoseconds
        do throws(GyreError) {
            let result = try await body()
            let took = DispatchTime.now().uptimeNanoseconds - began
            statistics.executed(rows: 1, nanoseconds: took)
            statistics.succeeded(at: used(), total: took, queue: 0, infer: took)
            return result
        } catch {
            statistics.failed(at: used(), total: DispatchTime.now().uptimeNanoseconds - began)
            throw error
        }
    }

    /// Checks the inputs against the model, waits for its turn, runs it, and names the outputs.
    /// - Throws: `.invalid` naming the input that is missing, unknown or of the wrong type or shape.
    package func infer(_ inputs: [NamedTensor], _ wishes: Wishes = Wishes()) async throws(GyreError) -> [NamedTensor] {
        try await answer(.tensors(inputs, parameters: [:]), wishes).outputs
    }

    /// The same, with how the answer came about.
    package func answer(_ payload: ModelPayload, _ wishes: Wishes = Wishes()) async throws(GyreError) -> Answer {
        let ordered = try order(payload)
        let began = DispatchTime.now().uptimeNanoseconds
        guard let cache else { return try await run(ordered, wishes, since: began) }
        switch await cache.claim(ordered) {
        case .known(let known): return try cached(known, ordered, since: began)
        case .failed(let error):
            // What was wrong with the other's waiting is not wrong with this one's.
            if [.timeout, .unavailable, .cancelled].contains(error.code) {
                return try await run(ordered, wishes, since: began)
            }
            statistics.failed(at: used(), total: DispatchTime.now().uptimeNanoseconds - began)
            throw error
        case .mine:
            statistics.missedCache(DispatchTime.now().uptimeNanoseconds - began)
            do throws(GyreError) {
                let answer = try await run(ordered, wishes, since: began)
                cache.settle(.success(answer.tensors), for: ordered)
                return answer
            } catch {
                cache.settle(.failure(error), for: ordered)
                throw error
            }
        }
    }

    private func run(_ ordered: [Tensor], _ wishes: Wishes, since began: UInt64) async throws(GyreError) -> Answer {
        do throws(GyreError) {
            if let composed {
                let outputs = try await composed.answer(ordered)
                let took = DispatchTime.now().uptimeNanoseconds - began
                statistics.executed(rows: ordered.first?.rows ?? 1, nanoseconds: took)
                statistics.succeeded(at: used(), total: took, queue: 0, infer: took)
                return try made(outputs, ordered, run: took)
            }
            let outcome = try await queue.run(ordered, wishes)
            statistics.succeeded(
                at: used(), total: DispatchTime.now().uptimeNanoseconds - began, queue: outcome.queueNanoseconds,
                infer: outcome.inferNanoseconds)
            var answer = try made(outcome.outputs, ordered, run: outcome.inferNanoseconds)
            answer.queueNanoseconds = outcome.queueNanoseconds
            answer.batchRows = outcome.batchRows
            return answer
        } catch {
            statistics.failed(at: used(), total: DispatchTime.now().uptimeNanoseconds - began)
            throw error
        }
    }

    /// What the model says of why it would answer a request as it does.
    /// - Throws: `.unsupported` where it says nothing.
    package func explain(_ request: JSONValue) async throws(GyreError) -> JSONValue {
        let model = model
        if let answer = try await Background.run({ () throws(GyreError) in try model.explain(request) }) {
            return answer
        }
        throw GyreError(
            .unsupported, "The model \"\(name)\" has no explainer.",
            fix: "A Python model has one with a method explain(self, request).")
    }

    private func runHere(_ ordered: [Tensor], since began: UInt64) throws(GyreError) -> Answer {
        do {
            let outputs = try model.run(ordered)
            let took = DispatchTime.now().uptimeNanoseconds - began
            statistics.executed(rows: ordered.first?.rows ?? 1, nanoseconds: took)
            statistics.succeeded(at: used(), total: took, queue: 0, infer: took)
            return try made(outputs, ordered, run: took)
        } catch {
            statistics.failed(at: used(), total: DispatchTime.now().uptimeNanoseconds - began)
            throw error
        }
    }

    private func cached(_ outputs: [Tensor], _ inputs: [Tensor], since began: UInt64) throws(GyreError) -> Answer {
        statistics.foundCached(at: used(), total: DispatchTime.now().uptimeNanoseconds - began)
        var answer = try made(outputs, inputs, run: 0)
        answer.isCached = true
        return answer
    }

    /// The answer that a run gave, by names.
    private func made(_ outputs: [Tensor], _ inputs: [Tensor], run nanoseconds: UInt64) throws(GyreError) -> Answer {
        guard model.takesPayloads else {
            return Answer(
                outputs: named(outputs, model.outputs), inputs: named(inputs, model.inputs),
                probabilities: outputs.count > model.outputs.count ? outputs.last : nil, runNanoseconds: nanoseconds,
                tensors: outputs)
        }
        var answer = try PayloadAnswer(outputs)
        let probabilities = answer.outputs.firstIndex { $0.name == Self.probabilities }
            .map { answer.outputs.remove(at: $0).tensor }
        return Answer(
            outputs: answer.outputs, document: answer.document, inputs: answer.inputs, probabilities: probabilities,
            runNanoseconds: nanoseconds, tensors: outputs)
    }

    /// The name of the probabilities of classes that a classifier gives beside its outputs, for the log of predictions alone.
    package static let probabilities = "gyre_probabilities"

    private func used() -> Int64 {
        let time = now()
        lastUse.store(time, ordering: .relaxed)
        return time
    }

    private func named(_ tensors: [Tensor], _ specs: [TensorSpec]) -> [NamedTensor] {
        var named: [NamedTensor] = []
        named.reserveCapacity(tensors.count)
        for (spec, tensor) in zip(specs, tensors) { named.append(NamedTensor(name: spec.name, tensor: tensor)) }
        return named
    }

    /// The tensors in the model's order, each checked, and no more rows than it takes.
    private func order(_ payload: ModelPayload) throws(GyreError) -> [Tensor] {
        if model.takesPayloads { return PayloadTensors.pack(payload) }
        let inputs =
            switch payload {
            case .tensors(let tensors, _): tensors
            case .document(let document): try document.tensors(for: form)
            }
        let ordered = try form.tensors(inputs)
        try checkRows(ordered)
        return ordered
    }

    /// Whether it has a place for these inputs, whatever it would make of them.
    package func takes(_ payload: ModelPayload) -> Bool { (try? order(payload)) != nil }

    private func checkRows(_ ordered: [Tensor]) throws(GyreError) {
        let most = source.settings.maximumBatch
        guard let rows = ordered.first?.rows else { return }
        guard rows <= Limits.inferenceRows, most == 0 || rows <= most else {
            throw GyreError(
                most > 0 ? .invalid : .limitExceeded,
                "The request has \(rows) rows; the model \"\(name)\" takes \(most > 0 ? most : Limits.inferenceRows) at most."
            )
        }
        if most > 0, let other = zip(model.inputs, ordered).first(where: { $1.rows != rows }) {
            throw GyreError(
                .invalid, "The input \"\(other.0.name)\" has \(other.1.rows) rows.", why: "The first input has \(rows)."
            )
        }
    }

    /// Asks it once before it gets traffic, so that the first request does not pay for what a runtime does once.
    ///
    /// A row of zeros (or empty texts) is not always something that a model can answer, so that one may fail; what its owner chose may not.
    func warmUp() throws(GyreError) {
        // Its parts may not be loaded yet, and have been warmed up by themselves when they are.
        if composed != nil { return }
        if !model.takesPayloads { try? ask(ModelSettings.Warmup()) }
        for warmup in source.settings.warmups {
            do throws(GyreError) { for _ in 0..<min(warmup.count, 1000) { try ask(warmup) } } catch {
                throw GyreError(
                    .invalid, "Version \(number) of the model \"\(name)\" does not answer its warm-up.",
                    why: error.description)
            }
        }
    }

    private func ask(_ warmup: ModelSettings.Warmup) throws(GyreError) {
        var inputs = model.inputs.map { Self.sample($0, warmup) }
        if model.takesPayloads { inputs = PayloadTensors.pack(.tensors(named(inputs, model.inputs), parameters: [:])) }
        let began = DispatchTime.now().uptimeNanoseconds
        _ = try model.run(inputs)
        statistics.warmed(rows: warmup.rows, nanoseconds: DispatchTime.now().uptimeNanoseconds - began)
    }

    private static func sample(_ spec: TensorSpec, _ warmup: ModelSettings.Warmup) -> Tensor {
        var shape = spec.shape.map { $0 == -1 ? 1 : $0 }
        if !shape.isEmpty, spec.shape[0] == -1 { shape[0] = max(1, min(warmup.rows, Limits.inferenceRows)) }
        let count = min(Tensor.elementCount(of: shape) ?? 0, 1 << 28)
        let storage: Tensor.Storage =
            switch spec.datatype {
            case .fp32:
                .floats(
                    warmup.isRandom
                        ? (0..<count).map { _ in Float.random(in: 0..<1) } : [Float](repeating: 0, count: count))
            case .bytes: .texts([[UInt8]](repeating: [], count: count))
            default: .raw([UInt8](repeating: 0, count: count * (spec.datatype.elementBytes ?? 0)))
            }
        return Tensor(datatype: spec.datatype, shape: shape, storage: storage)
    }
}

extension HostedModel.Answer {
    /// What a service answered, as far as it can be read.
    package init(service outputs: [NamedTensor], runNanoseconds: UInt64) {
        self.init(outputs: outputs)
        self.runNanoseconds = runNanoseconds
    }
}
