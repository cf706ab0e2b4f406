// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreMonitoring
package import GyreRollout
package import GyreServing
internal import Synchronization

/// Answers predictions: picks the deployment, runs the model, writes the prediction log and counts for the judge.
///
/// Budget: one small request below 20 microseconds beside the model itself; one short lock, no actor.
package final class Predictor: Sendable {
    private let host: ModelHost
    private let log: any PredictionLog
    private let traces: PredictionTraces
    private let surroundings: Surroundings
    private let state = Mutex(State())
    /// Mirrored requests that wait or run.
    private let mirrored = Atomic(0)

    private struct State: Sendable {
        var endpoints: [String: TrafficSplit] = [:]
        /// Of the rollouts under way.
        var windows: [String: JudgeWindow] = [:]
        /// Of the rollouts that ended last: labels still find their answers.
        var ended: [String: JudgeWindow] = [:]
        var bandits: [String: BanditWindow] = [:]
        /// The share of requests that is kept in the log, where that is not all.
        var samples: [String: Double] = [:]
        /// Since the start of the server, for metrics.
        var totals: [String: [Int: SideStatistics]] = [:]
    }

    /// A predictor without endpoints.
    package init(host: ModelHost, log: any PredictionLog, traces: PredictionTraces, surroundings: Surroundings) {
        self.host = host
        self.log = log
        self.traces = traces
        self.surroundings = surroundings
    }

    /// What is asked.
    package struct Request: Sendable {
        /// The endpoint or model.
        package let name: String
        /// A version of the model, which is then asked past the endpoint's split and not logged.
        package var version: Int?
        /// The tensors.
        package let inputs: [NamedTensor]
        /// The client's id, or none.
        package var id: String?
        /// When what it is about happens, microseconds since 1970.
        package var eventAt: Int64?
        /// Requests with the same key meet the same side of a split.
        package var stickyKey: String?
        /// What rules about requests may ask for.
        package var attributes: [String: String] = [:]
        /// The graph and step that ask; nil for a request of its own.
        package var via: String?
        /// Its priority, and how long it may wait.
        package var wishes = HostedModel.Wishes()
        /// Which deployment it met, once that is decided.
        var way: Way?

        /// A request.
        package init(name: String, inputs: [NamedTensor]) {
            self.name = name
            self.inputs = inputs
        }
    }

    /// The answer.
    package struct Answer: Sendable {
        /// The request's id.
        package let id: String
        /// The version that answered.
        package let version: Int
        /// The outputs.
        package let outputs: [NamedTensor]
    }

    /// Answers a request on this thread where that takes a fraction of a millisecond; nil where the answer has to be awaited.
    ///
    /// `request`: keeps which deployment it met, so that awaiting it does not choose another.
    package func predictNow(_ request: inout Request) throws(GyreError) -> Answer? {
        let way = request.way ?? way(of: request)
        request.way = way
        guard let hosted = try host.loaded(request.name, way?.target.version ?? request.version) else { return nil }
        let started = surroundings.now()
        return try settle(request, hosted, way, started) { () throws(GyreError) in
            try hosted.answerNow(request.inputs)
        }
    }

    /// Answers a request, for which a model may have to be loaded and others may have to be waited for.
    package func predict(_ request: Request) async throws(GyreError) -> Answer {
        let way = request.way ?? way(of: request)
        let started = surroundings.now()
        let hosted = try await summon(request, way, started)
        let given: Result<HostedModel.Answer, GyreError>
        do { given = .success(try await hosted.answer(request.inputs, request.wishes)) } catch {
            given = .failure(error)
        }
        let answer = try settle(request, hosted, way, started) { () throws(GyreError) in try given.get() }
        guard let answer else { throw GyreError(.internal, "The model \"\(request.name)\" gave no answer.") }
        return answer
    }

    /// The version that a request meets; one of an endpoint that cannot be had counts as an answer that failed.
    private func summon(_ request: Request, _ way: Way?, _ started: Int64) async throws(GyreError) -> HostedModel {
        do throws(GyreError) {
            return try await host.summon(request.name, way?.target.version ?? request.version)
        } catch {
            if let way {
                try write(record(request, request.id ?? surroundings.newID(), way, started), failing: error)
            }
            throw error
        }
    }

    /// The model that a request would meet, which tells what it takes and gives; nil where it is known and not loaded.
    package func loaded(_ name: String, _ number: Int? = nil) throws(GyreError) -> HostedModel? {
        try host.loaded(name, number ?? split(name)?.stable.version)
    }

    /// The same, loaded now if it is known and was not.
    package func summon(_ name: String, _ number: Int? = nil) async throws(GyreError) -> HostedModel {
        try await host.summon(name, number ?? split(name)?.stable.version)
    }

    /// Which deployment of an endpoint takes a request; nil where it names a version, or what it names is no endpoint.
    private func way(of request: Request) -> Way? {
        guard request.version == nil else { return nil }
        return state.withLock { state in
            guard let split = state.endpoints[request.name] else { return nil }
            if split.bandit != nil, let chosen = state.bandits[request.name]?.choose(surroundings.random) {
                return Way(
                    target: chosen.target, mirror: nil, reason: .bandit, probability: chosen.probability, isKept: true)
            }
            // What is judged or learned from is kept in full: after a restart it is counted anew from the log.
            let share = state.windows[request.name] == nil ? state.samples[request.name] : nil
            let (target, reason, probability) = split.assign(
                attributes: request.attributes, key: request.stickyKey, random: surroundings.random)
            return Way(
                target: target, mirror: split.isMirrored && split.canary != target ? split.canary : nil,
                reason: reason, probability: probability, isKept: share.map { surroundings.random() < $0 } ?? true)
        }
    }

    /// Where a request to an endpoint goes and why, and where a copy of it.
    struct Way: Sendable {
        let target: TrafficSplit.Target
        let mirror: TrafficSplit.Target?
        let reason: TrafficSplit.Reason
        let probability: Double?
        /// Whether the prediction log keeps its answer; what fails is always kept.
        let isKept: Bool

        var circumstances: Prediction.Circumstances {
            let word =
                switch reason {
                case .alone: "alone"
                case .share: "share"
                case .key: "key"
                case .rule(let attribute): "rule " + attribute
                case .bandit: "bandit"
                }
            return Prediction.Circumstances(chosenBy: word, probability: reason == .alone ? nil : probability)
        }
    }

    /// Writes down what came of a request to an endpoint.
    private func settle(
        _ request: Request, _ hosted: HostedModel, _ way: Way?, _ started: Int64,
        _ infer: () throws(GyreError) -> HostedModel.Answer?
    ) throws(GyreError) -> Answer? {
        let id = request.id ?? surroundings.newID()
        do {
            guard let answer = try infer() else { return nil }
            if traces.takes(request.name) { trace(id, request, hosted, started, answer, nil) }
            if let way {
                var record = record(request, id, way, started)
                defer { if let canary = way.mirror { mirror(request, id, canary, answer.outputs) } }
                record.take(answer)
                try write(record, outputs: answer.outputs)
            }
            return Answer(id: id, version: hosted.number, outputs: answer.outputs)
        } catch {
            if traces.takes(request.name) { trace(id, request, hosted, started, nil, error) }
            // A request that does not fit the model is the client's fault and says nothing about the version.
            if let way, Self.isFault(error, request) {
                try write(record(request, id, way, started), failing: error)
            }
            throw error
        }
    }

    /// Whether a failure says something about the version, not about the request.
    private static func isFault(_ error: GyreError, _ request: Request) -> Bool {
        switch error.code {
        case .invalid, .limitExceeded, .cancelled: false
        case .timeout: request.wishes.timeout == 0
        default: true
        }
    }

    private func trace(
        _ id: String, _ request: Request, _ hosted: HostedModel, _ started: Int64, _ answer: HostedModel.Answer?,
        _ error: GyreError?
    ) {
        traces.record(
            PredictionTraces.Observation(
                model: request.name, version: hosted.number, id: id, started: started, ended: surroundings.now(),
                queueNanoseconds: answer?.queueNanoseconds ?? 0, runNanoseconds: answer?.runNanoseconds ?? 0,
                isCached: answer?.isCached ?? false, error: error?.description))
    }

    // MARK: Mirroring

    /// What stands behind a request's id in the record of its mirrored answer.
    static let mirroredSuffix = "~mirrored"

    /// Gives a copy of the request to a canary that only watches: after the answer, off its thread, and not at all when too many wait.
    private func mirror(_ request: Request, _ id: String, _ canary: TrafficSplit.Target, _ outputs: [NamedTensor]) {
        guard mirrored.add(1, ordering: .relaxed).newValue <= Limits.mirroredRequests else {
            mirrored.subtract(1, ordering: .relaxed)
            return
        }
        Task {
            defer { mirrored.subtract(1, ordering: .relaxed) }
            let started = surroundings.now()
            func record() -> Record {
                Record(
                    request: request, id: id + Self.mirroredSuffix, target: canary, started: started,
                    ended: surroundings.now(), circumstances: Prediction.Circumstances(chosenBy: "mirror"))
            }
            do throws(GyreError) {
                let own = try await host.summon(request.name, canary.version).answer(request.inputs)
                var record = record()
                record.take(own)
                try write(record, outputs: own.outputs)
                let agrees = Agreement.holds(outputs, own.outputs)
                state.withLock { $0.windows[request.name]?.compare(version: canary.version, agrees: agrees) }
            } catch {
                // A request that does not fit the canary alone counts against it.
                try? write(record(), failing: error)  // the log tells of its own trouble on the next answer
            }
        }
    }

    // MARK: Logging

    private struct Record {
        let request: Request
        let id: String
        let target: TrafficSplit.Target
        let started: Int64
        let ended: Int64
        var circumstances: Prediction.Circumstances
        var isKept = true
        /// As the model took them, where it did.
        var inputs: [NamedTensor]
        var probabilities: Tensor?

        init(
            request: Request, id: String, target: TrafficSplit.Target, started: Int64, ended: Int64,
            circumstances: Prediction.Circumstances, isKept: Bool = true
        ) {
            self.request = request
            self.id = id
            self.target = target
            self.started = started
            self.ended = ended
            self.circumstances = circumstances
            self.isKept = isKept
            inputs = request.inputs
        }

        mutating func take(_ answer: HostedModel.Answer) {
            inputs = answer.inputs
            probabilities = answer.probabilities
            circumstances.isCached = answer.isCached
            circumstances.queueMicroseconds = Int64(answer.queueNanoseconds / 1000)
            circumstances.runMicroseconds = Int64(answer.runNanoseconds / 1000)
            circumstances.batchRows = answer.batchRows
        }
    }

    private func record(_ request: Request, _ id: String, _ way: Way, _ started: Int64) -> Record {
        var circumstances = way.circumstances
        circumstances.via = request.via
        return Record(
            request: request, id: id, target: way.target, started: started, ended: surroundings.now(),
            circumstances: circumstances, isKept: way.isKept)
    }

    private func write(_ record: Record, outputs: [NamedTensor]) throws(GyreError) {
        let rows = record.inputs.first?.tensor.rows ?? 1
        for row in 0..<rows {
            let score = PredictedScore(outputs, probabilities: record.probabilities, row: row)
            let prediction = Prediction(
                id: row == 0 ? record.id : "\(record.id)#\(row)", endpoint: record.request.name,
                version: record.target.version,
                release: record.target.release, at: record.ended, eventAt: record.request.eventAt ?? record.ended,
                latencyMicroseconds: record.ended - record.started,
                inputs: Self.columns(record.inputs, row: row), texts: Self.texts(record.inputs, row: row),
                score: score?.value, scoreKind: score?.kind,
                outputs: Self.values(outputs, row: row), error: nil, circumstances: record.circumstances)
            if record.isKept { try log.append(prediction) }
            count(record, prediction.id, score: score?.value, isError: false)
        }
    }

    private func write(_ record: Record, failing error: GyreError) throws(GyreError) {
        try log.append(
            Prediction(
                id: record.id, endpoint: record.request.name, version: record.target.version,
                release: record.target.release,
                at: record.ended, eventAt: record.request.eventAt ?? record.ended,
                latencyMicroseconds: record.ended - record.started,
                inputs: Self.columns(record.request.inputs, row: 0),
                texts: Self.texts(record.request.inputs, row: 0), score: nil, outputs: .null,
                error: error.description, circumstances: record.circumstances))
        count(record, record.id, score: nil, isError: true)
    }

    private func count(_ record: Record, _ id: String, score: Double?, isError: Bool) {
        state.withLock { state in
            state.totals[record.request.name, default: [:]][record.target.version, default: SideStatistics()]
                .add(latencyMicroseconds: record.ended - record.started, isError: isError)
            state.bandits[record.request.name]?.count(
                id, version: record.target.version, probability: record.circumstances.probability, score: score,
                isError: isError)
            guard state.windows[record.request.name] != nil else { return }
            state.windows[record.request.name]?.count(
                id, version: record.target.version, score: score, latencyMicroseconds: record.ended - record.started,
                isError: isError)
        }
    }

    /// The numbers of one row over all numeric inputs, in the model's order.
    private static func columns(_ inputs: [NamedTensor], row: Int) -> [Float] {
        var columns: [Float] = []
        for input in inputs {
            let tensor = input.tensor
            let width = tensor.rows > 0 ? tensor.count / max(1, tensor.rows) : 0
            if case .floats(let values) = tensor.storage {
                columns.append(contentsOf: values[(row * width)..<((row + 1) * width)])
            } else {
                for index in 0..<width { columns.append(Float(tensor.number(at: row * width + index) ?? .nan)) }
            }
        }
        return columns
    }

    /// Texts of one row, each at the place of its column; empty where no input holds texts.
    private static func texts(_ inputs: [NamedTensor], row: Int) -> [String?] {
        guard inputs.contains(where: { $0.tensor.datatype == .bytes }) else { return [] }
        var texts: [String?] = []
        for input in inputs {
            let tensor = input.tensor
            let width = tensor.rows > 0 ? tensor.count / max(1, tensor.rows) : 0
            for index in row * width..<(row + 1) * width {
                texts.append(tensor.text(at: index).map { String($0.prefix(longestText)) })
            }
        }
        return texts
    }

    /// Characters of a text that are kept.
    private static let longestText = 4096

    private static func values(_ outputs: [NamedTensor], row: Int) -> JSONValue {
        var json = JSONObject()
        for output in outputs {
            let tensor = output.tensor
            let width = tensor.rows > 0 ? tensor.count / tensor.rows : 0
            json[output.name] = .array(
                (row * width..<(row + 1) * width).map { index in
                    tensor.text(at: index).map { .string(String($0.prefix(longestText))) }
                        ?? .optional(tensor.number(at: index))
                })
        }
        return .object(json)
    }

    // MARK: What the loop tells it

    /// Sets the split of an endpoint; nil removes it.
    ///
    /// Requests see it at once: this is the one routing-table write.
    package func route(_ endpoint: String, _ split: TrafficSplit?) {
        state.withLock { state in
            state.endpoints[endpoint] = split
            // What a bandit learned stays with it.
            if state.bandits[endpoint]?.state.bandit != split?.bandit {
                state.bandits[endpoint] = split?.bandit.map { BanditWindow($0) }
            }
        }
    }

    /// Keeps that share of an endpoint's requests in the prediction log; what fails is always kept.
    package func sample(_ endpoint: String, _ share: Double) {
        state.withLock { $0.samples[endpoint] = share < 1 ? share : nil }
    }

    /// What the bandit of an endpoint learned, arm by arm; null where there is none.
    package func learned(_ endpoint: String) -> JSONValue {
        state.withLock { $0.bandits[endpoint]?.state.json ?? .null }
    }

    /// The splits as requests see them.
    package func splits() -> [String: TrafficSplit] { state.withLock { $0.endpoints } }

    /// The split of one endpoint.
    package func split(_ endpoint: String) -> TrafficSplit? { state.withLock { $0.endpoints[endpoint] } }

    /// Counts both sides of an endpoint anew, for the next step of a rollout or its first; labels still find the answers of its earlier steps.
    package func watch(_ endpoint: String, rollout: String) {
        state.withLock { state in
            if state.windows[endpoint]?.rollout == rollout {
                state.windows[endpoint]?.beginStep()
            } else {
                state.windows[endpoint] = JudgeWindow(rollout: rollout)
            }
        }
    }

    /// Counts no more requests for the rollout of an endpoint; labels still find its answers, until `forget` or the next one ends.
    package func endWatch(_ endpoint: String) {
        state.withLock { if let window = $0.windows.removeValue(forKey: endpoint) { $0.ended[endpoint] = window } }
    }

    /// Drops what is remembered of a rollout that has ended.
    package func forget(_ endpoint: String) { state.withLock { $0.ended[endpoint] = nil } }

    /// Counts what the log already has of the step of a rollout, after a restart.
    func recount(_ endpoint: String, _ rows: [LoggedRow]) {
        state.withLock { $0.windows[endpoint]?.recount(rows) }
    }

    /// Learns what the log already has of a bandit, after a restart.
    func relearn(_ endpoint: String, _ rows: [LoggedRow]) {
        state.withLock { state in
            for row in rows { state.bandits[endpoint]?.recount(row) }
        }
    }

    /// Joins labels to the scores that are remembered; tells how many had one.
    package func label(_ labels: [Label], endpoint: String) -> Int {
        state.withLock { state in
            var matched = 0
            for label in labels {
                let isLearned = state.bandits[endpoint]?.label(label) ?? false
                let isJudged = state.windows[endpoint]?.label(label) ?? false
                let isReviewed = state.ended[endpoint]?.label(label) ?? false
                if isLearned || isJudged || isReviewed { matched += 1 }
            }
            return matched
        }
    }

    /// What a version did since the server started.
    package func totals(_ endpoint: String, version: Int) -> SideStatistics {
        state.withLock { $0.totals[endpoint]?[version] } ?? SideStatistics()
    }

    /// What a version did since the present step of the rollout began.
    package func statistics(_ endpoint: String, version: Int) -> SideStatistics {
        state.withLock { $0.windows[endpoint]?.sides[version] } ?? SideStatistics()
    }

    /// What labels said in each step of a rollout that is under way or ended last; nothing where it is not remembered.
    func labelledSteps(of rollout: Rollout) -> [LabelledStep] {
        state.withLock { state in
            let windows = [state.windows[rollout.endpoint], state.ended[rollout.endpoint]].compactMap { $0 }
            return windows.first { $0.rollout == rollout.id }?
                .labelledSteps(stable: rollout.stable.version, canary: rollout.canary.version) ?? []
        }
    }

    /// The rollout of an endpoint that ended last, and how many labels it has got; nil where none is remembered.
    func lateLabels(_ endpoint: String) -> LateLabels? {
        state.withLock { $0.ended[endpoint].map { LateLabels(rollout: $0.rollout, count: $0.labels) } }
    }

    /// Labels of a rollout that has ended.
    struct LateLabels: Sendable, Hashable {
        let rollout: String
        let count: Int
    }
}
