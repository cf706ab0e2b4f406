// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreMonitoring
internal import GyreRollout
internal import GyreServing
internal import Synchronization

/// Gives canaries that only watch a copy of each request: after the answer, off its thread, and not at all when too many wait.
final class PredictionMirror: Sendable {
    private let host: ModelHost
    private let recorder: PredictionRecorder
    private let now: @Sendable () -> Int64
    /// Copies that wait or run.
    private let underWay = Atomic(0)

    init(host: ModelHost, recorder: PredictionRecorder, now: @escaping @Sendable () -> Int64) {
        self.host = host
        self.recorder = recorder
        self.now = now
    }

    /// Asks `canary` what stable was asked, and compares.
    ///
    /// `outputs`: what stable answered.
    func send(_ request: Predictor.Request, _ id: String, to canary: TrafficSplit.Target, outputs: [NamedTensor]) {
        guard underWay.add(1, ordering: .relaxed).newValue <= Limits.mirroredRequests else {
            underWay.subtract(1, ordering: .relaxed)
            return
        }
        Task {
            defer { underWay.subtract(1, ordering: .relaxed) }
            let started = now()
            func record() -> PredictionRecord {
                PredictionRecord(
                    request: request, id: id + PredictionRecord.mirroredSuffix, target: canary, started: started,
                    ended: now(), circumstances: Prediction.Circumstances(chosenBy: "mirror"))
            }
            do throws(GyreError) {
                let hosted = try await host.summon(request.name, canary.version)
                let own =
                    if let call = request.call {
                        try await ServiceAnswer(try await hosted.exchange(call)).judged()
                    } else {
                        try await hosted.answer(request.payload)
                    }
                var record = record()
                record.take(own)
                try recorder.record(record, outputs: own.outputs)
                let agrees = Agreement.holds(outputs, own.outputs)
                recorder.observations.withLock {
                    $0.compare(request.name, version: canary.version, agrees: agrees)
                }
            } catch {
                // A request that does not fit the canary alone counts against it; the log tells of its own trouble on the next answer.
                _ = try? recorder.record(record(), failing: error)
            }
        }
    }
}
