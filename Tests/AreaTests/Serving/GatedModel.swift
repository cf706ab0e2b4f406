// SPDX-License-Identifier: Apache-2.0

import Dispatch
import GyreBase
import GyreServing
import Synchronization

/// A place that those who come by wait at while it is held; the test sees them arrive and lets them go.
final class Gate: Sendable {
    private struct State {
        var isHeld = false
        var waiting: [DispatchSemaphore] = []
        var watcher: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// From now on who comes by waits.
    func hold() { state.withLock { $0.isHeld = true } }

    /// Lets all go on.
    func open() {
        let waiting = state.withLock { state in
            state.isHeld = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for semaphore in waiting { semaphore.signal() }
    }

    /// Goes by; blocks the thread while the gate is held.
    func pass() {
        let (own, watcher) = state.withLock { state -> (DispatchSemaphore?, CheckedContinuation<Void, Never>?) in
            guard state.isHeld else { return (nil, nil) }
            let own = DispatchSemaphore(value: 0)
            state.waiting.append(own)
            defer { state.watcher = nil }
            return (own, state.watcher)
        }
        watcher?.resume()
        own?.wait()
    }

    /// Comes back once somebody waits at the gate.
    func arrival() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.waiting.isEmpty { state.watcher = continuation }
                return !state.waiting.isEmpty
            }
            if isThere { continuation.resume() }
        }
    }
}

/// A model that doubles its numbers, remembers how many rows each run had, and waits at a gate while that is held.
///
/// Negative numbers fail, as do more than `mostRows` rows.
final class GatedModel: RunnableModel {
    static let mostRows = 100

    let inputs = [TensorSpec(name: "x", datatype: .fp32, shape: [-1, 1])]
    let outputs = [TensorSpec(name: "y", datatype: .fp32, shape: [-1, 1])]
    let platform = "test"
    var outsideBytes: Int64 { bytes.withLock { $0 } }
    private let bytes: Mutex<Int64>
    let gate = Gate()
    private let runs = Mutex<[[Float]]>([])

    init(bytes: Int64 = 0) { self.bytes = Mutex(bytes) }

    /// Takes so many bytes from now on.
    func grow(to count: Int64) { bytes.withLock { $0 = count } }

    /// Rows of each run.
    var sizes: [Int] { runs.withLock { $0.map(\.count) } }
    /// The numbers of each run.
    var values: [[Float]] { runs.withLock { $0 } }

    func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor] {
        guard case .floats(let values) = inputs[0].storage else { return [] }
        runs.withLock { $0.append(values) }
        gate.pass()
        if values.count > Self.mostRows || values.contains(where: { $0 < 0 }) {
            throw GyreError(.internal, "It fails.")
        }
        return [Tensor(datatype: .fp32, shape: inputs[0].shape, storage: .floats(values.map { $0 * 2 }))]
    }

    func explain(_ request: JSONValue) throws(GyreError) -> JSONValue? { request["why"] }

    static func input(_ values: [Float]) -> NamedTensor {
        NamedTensor(name: "x", tensor: Tensor(datatype: .fp32, shape: [values.count, 1], storage: .floats(values)))
    }
}

/// Loads the one model, through a gate of its own.
final class GatedRuntime: ModelRuntime {
    let format = ModelFormat.onnx
    let gate = Gate()
    private let model: GatedModel
    private let count = Mutex(0)

    init(_ model: GatedModel) { self.model = model }

    var loads: Int { count.withLock { $0 } }

    func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel {
        count.withLock { $0 += 1 }
        gate.pass()
        return model
    }
}
