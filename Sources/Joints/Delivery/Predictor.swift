// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreMonitoring
internal import GyreRollout
package import GyreServing
internal import Synchronization

/// Answers predictions: picks the deployment, runs the model, writes the prediction log and counts for the judge.
///
/// Budget: one small request below 20 microseconds beside the model itself; one short lock, no actor.
package final class Predictor: Sendable {
    private let host: ModelHost
    private let traces: PredictionTraces
    let surroundings: Surroundings
    private let mirror: PredictionMirror
    /// Decides which deployment a request meets.
    let director = Mutex(TrafficDirector())
    /// Writes down what came of it.
    let recorder: PredictionRecorder

    /// A predictor without endpoints.
    package init(host: ModelHost, log: any PredictionLog, traces: PredictionTraces, surroundings: Surroundings) {
        self.host = host
        self.traces = traces
        self.surroundings = surroundings
        recorder = PredictionRecorder(log: log)
        mirror = PredictionMirror(host: host, recorder: recorder, now: surroundings.now)
    }

    /// What is asked.
    package struct Request: Sendable {
        /// The endpoint or model.
        package let name: String
        /// A version of the model, which is then asked past the endpoint's split and not logged.
        package var version: Int?
        /// What is asked.
        package let payload: ModelPayload
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
        /// The call, where a service is asked.
        var call: HTTPModelCall?
        /// Where it goes, once that is decided.
        var direction: Direction?

        /// A request of tensors.
        package init(name: String, inputs: [NamedTensor]) {
            self.init(name: name, payload: .tensors(inputs, parameters: [:]))
        }

        /// A request.
        package init(name: String, payload: ModelPayload) {
            self.name = name
            self.payload = payload
        }
    }

    /// What a model said to a request, and which version of it.
    package struct Answer: Sendable {
        /// The request's id.
        package let id: String
        /// The version that answered.
        package let version: Int
        /// What the model gave, by name and in its order.
        package let outputs: [NamedTensor]
        /// The answer in the form of the document that asked, where the model wrote it by itself.
        package var document: [UInt8]?
        /// Whether MLflow's scoring server would name its outputs.
        package var namesOutputs = false
    }

    // MARK: The story of a request

    /// Answers a request on this thread where that takes a fraction of a millisecond; nil where the answer has to be awaited.
    ///
    /// `request`: keeps where it goes, so that awaiting its answer does not choose again.
    package func predictNow(_ request: inout Request) throws(GyreError) -> Answer? {
        let direction = request.direction ?? direct(request)
        request.direction = direction
        guard let hosted = try host.loaded(request.name, direction?.target.version ?? request.version) else {
            return nil
        }
        let started = surroundings.now()
        let answer: HostedModel.Answer
        do throws(GyreError) {
            guard let made = try hosted.answerNow(request.payload) else { return nil }
            answer = made
        } catch {
            try finish(request, hosted, direction, started, failing: error)
            throw error
        }
        return try finish(request, hosted, direction, started, answer)
    }

    /// Answers a request, for which a model may have to be loaded and others may have to be waited for.
    package func predict(_ request: Request) async throws(GyreError) -> Answer {
        let direction = request.direction ?? direct(request)
        let started = surroundings.now()
        let hosted = try await summon(request, direction, started)
        let answer: HostedModel.Answer
        do throws(GyreError) { answer = try await hosted.answer(request.payload, request.wishes) } catch {
            try finish(request, hosted, direction, started, failing: error)
            throw error
        }
        return try finish(request, hosted, direction, started, answer)
    }

    /// Where a request to an endpoint goes; nil where it names a version itself, or what it names is no endpoint.
    func direct(_ request: Request) -> Direction? {
        guard request.version == nil else { return nil }
        let question = TrafficDirector.Question(
            endpoint: request.name, attributes: request.attributes, stickyKey: request.stickyKey)
        return director.withLock { $0.direct(question, random: surroundings.random) }
    }

    /// The model that a request goes to, loaded if it was not.
    ///
    /// If it cannot be loaded, the request counts as failed for its endpoint.
    func summon(
        _ request: Request, _ direction: Direction?, _ started: Int64
    ) async throws(GyreError) -> HostedModel {
        do throws(GyreError) {
            return try await host.summon(request.name, direction?.target.version ?? request.version)
        } catch {
            if let direction {
                try record(
                    record(request, request.id ?? surroundings.newID(), direction, started), direction, failing: error)
            }
            throw error
        }
    }

    /// Traces, records, counts and mirrors an answer.
    @discardableResult
    func finish(
        _ request: Request, _ hosted: HostedModel, _ direction: Direction?, _ started: Int64,
        _ answer: HostedModel.Answer
    ) throws(GyreError) -> Answer {
        let id = request.id ?? surroundings.newID()
        if traces.takes(request.name) { trace(id, request, hosted, started, answer, nil) }
        if let direction {
            defer { if let canary = direction.mirror { mirror.send(request, id, to: canary, outputs: answer.outputs) } }
            var line = record(request, id, direction, started)
            line.take(answer)
            if direction.reason == .bandit {
                try recorder.record(line, outputs: answer.outputs) { self.teach($0, isError: false) }
            } else {
                try recorder.record(line, outputs: answer.outputs)
            }
        }
        return Answer(
            id: id, version: hosted.number, outputs: answer.outputs, document: answer.document,
            namesOutputs: hosted.source.namesOutputs)
    }

    /// Traces, records and counts a failure.
    func finish(
        _ request: Request, _ hosted: HostedModel, _ direction: Direction?, _ started: Int64,
        failing error: GyreError
    ) throws(GyreError) {
        let id = request.id ?? surroundings.newID()
        if traces.takes(request.name) { trace(id, request, hosted, started, nil, error) }
        if let direction, isFault(error, request, direction.target) {
            try record(record(request, id, direction, started), direction, failing: error)
        }
    }

    private func record(
        _ line: PredictionRecord, _ direction: Direction, failing error: GyreError
    ) throws(GyreError) {
        let failed = try recorder.record(line, failing: error)
        if direction.reason == .bandit { teach(failed, isError: true) }
    }

    /// Tells an endpoint's bandit what came of its choice.
    private func teach(_ line: Prediction, isError: Bool) {
        director.withLock {
            $0.learn(
                line.endpoint, id: line.id, version: line.version, probability: line.circumstances.probability,
                score: line.score, kind: line.scoreKind, isError: isError)
        }
    }

    private func record(
        _ request: Request, _ id: String, _ direction: Direction, _ started: Int64
    ) -> PredictionRecord {
        var circumstances = direction.circumstances
        circumstances.via = request.via
        var record = PredictionRecord(
            request: request, id: id, target: direction.target, started: started, ended: surroundings.now(),
            circumstances: circumstances)
        record.isKept = direction.isKept
        return record
    }

    /// Whether a failure says something about the version, not about the request.
    ///
    /// A request that does not fit the model is the client's fault, unless the stable version would have taken it.
    private func isFault(_ error: GyreError, _ request: Request, _ target: TrafficSplit.Target) -> Bool {
        switch error.code {
        case .invalid, .limitExceeded:
            guard let stable = split(request.name)?.stable, stable != target,
                let refusing = try? host.loaded(request.name, target.version),
                let usual = try? host.loaded(request.name, stable.version)
            else { return false }
            return !refusing.takes(request.payload) && usual.takes(request.payload)
        // What a model of this kind is never asked says nothing of the version.
        case .cancelled, .unsupported: return false
        case .timeout: return request.wishes.timeout == 0
        default: return true
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

    // MARK: Models

    /// The model that a request would meet, which tells what it takes and gives; nil where it is known and not loaded.
    package func loaded(_ name: String, _ number: Int? = nil) throws(GyreError) -> HostedModel? {
        try host.loaded(name, number ?? split(name)?.stable.version)
    }

    /// The same, loaded now if it is known and was not.
    package func summon(_ name: String, _ number: Int? = nil) async throws(GyreError) -> HostedModel {
        try await host.summon(name, number ?? split(name)?.stable.version)
    }
}
