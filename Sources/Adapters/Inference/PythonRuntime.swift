// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase
package import GyreServing
internal import Synchronization

/// Models that only Python can run: scikit-learn's, MLflow's of any flavour, and classes that users wrote.
///
/// Each model has warm processes of its own. One that dies takes the request it had with it; the next request has another.
package final class PythonRuntime: ModelRuntime {
    private let python: String
    private let nurseries = PythonNurseries()

    /// A runtime over this interpreter.
    package init(python: String) { self.python = python }

    package var format: ModelFormat { .python }

    package func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel {
        let python = source.python ?? python
        return try PythonModel(python: python, nursery: nurseries.nursery(python), source: source)
    }
}

/// A model in Python processes: as many as it may have at the same time, each started when it is first needed.
private final class PythonModel: RunnableModel {
    let inputs: [TensorSpec]
    let outputs: [TensorSpec]
    let platform: String
    let isInProcess = false
    let isLenient: Bool
    let features: [String]
    let isRowwise: Bool
    let takesPayloads: Bool
    private let explains: Bool
    private let python: String
    private let nursery: PythonNursery
    private let source: ModelSource
    private let pool = Mutex(Pool())

    private struct Pool {
        var idle: [PythonWorker] = []
        var isClosed = false
        var isTimerSet = false
    }

    /// How long a model may take to load.
    private static let loadTimeout: Int64 = 120_000_000

    init(python: String, nursery: PythonNursery, source: ModelSource) throws(GyreError) {
        self.python = python
        self.nursery = nursery
        self.source = source
        let first = try Self.start(python, nursery, source)
        inputs = try Self.specs(first.greeting["inputs"])
        outputs = try Self.specs(first.greeting["outputs"])
        platform = first.greeting["platform"]?.string ?? "python"
        features = first.greeting["features"]?.strings ?? []
        // A class of a user's own says which types it takes.
        isLenient = inputs.count == 1 || platform != "python"
        // What scikit-learn predicts of a row is that row's affair; other models may look at all rows of a request.
        isRowwise = platform == "sklearn"
        takesPayloads = first.greeting["payloads"]?.bool ?? false
        explains = first.greeting["explains"]?.bool ?? false
        pool.withLock { $0.idle = [first] }
    }

    private static func start(
        _ python: String, _ nursery: PythonNursery, _ source: ModelSource
    ) throws(GyreError) -> PythonWorker {
        // How many threads its libraries have is said before they are imported.
        let isUsual = source.settings.runThreads == 0
        return try PythonWorker(
            python: python, model: source.file, title: source.title, memoryLimit: source.settings.memoryLimit,
            arguments: [String(source.settings.runThreads), source.title], nursery: isUsual ? nursery : nil,
            timeout: loadTimeout)
    }

    private static func specs(_ value: JSONValue?) throws(GyreError) -> [TensorSpec] {
        var specs: [TensorSpec] = []
        for entry in value?.array ?? [] {
            guard let name = entry["name"]?.string, let shape = entry["shape"]?.array,
                let datatype = Tensor.Datatype(rawValue: entry["datatype"]?.string ?? "")
            else {
                throw GyreError(
                    .invalid, "A Python model tells its inputs or outputs without name, datatype and shape.",
                    why: entry.text)
            }
            specs.append(TensorSpec(name: name, datatype: datatype, shape: shape.map { Int($0.int ?? -1) }))
        }
        return specs
    }

    var outsideBytes: Int64 { pool.withLock { $0.idle.reduce(0) { $0 + $1.residentBytes } } }

    func explain(_ request: JSONValue) throws(GyreError) -> JSONValue? {
        guard explains else { return nil }
        return try with { worker throws(GyreError) in
            try worker.explain(request, timeout: source.settings.runTimeout)
        }
    }

    private func with<Answer>(
        _ body: (PythonWorker) throws(GyreError) -> Answer
    ) throws(GyreError) -> Answer {
        let worker = try take()
        let answer: Answer
        do throws(GyreError) { answer = try body(worker) } catch {
            // A model that only refuses what it was given goes on; any other failure ends the process.
            if error.code == .invalid { give(worker) }
            throw error
        }
        give(worker)
        return answer
    }

    func run(_ tensors: [Tensor]) throws(GyreError) -> [Tensor] {
        if takesPayloads {
            // Its names are in the first of them.
            let specs = tensors.indices.map {
                TensorSpec(name: $0 == 0 ? PayloadTensors.name : String($0), datatype: .bytes, shape: [])
            }
            return try with { worker throws(GyreError) in
                try worker.ask(specs, tensors, timeout: source.settings.runTimeout).map(\.tensor)
            }
        }
        let answer = try with { worker throws(GyreError) in
            try worker.ask(inputs, tensors, timeout: source.settings.runTimeout)
        }
        var ordered: [Tensor] = []
        for spec in outputs {
            guard let output = answer.first(where: { $0.name == spec.name }) else {
                throw GyreError(.internal, "The Python model gave no output \"\(spec.name)\".")
            }
            ordered.append(output.tensor)
        }
        // What the model says beside its outputs is for the log of predictions.
        if let more = answer.first(where: { $0.name == HostedModel.probabilities }) { ordered.append(more.tensor) }
        return ordered
    }

    func close() {
        let idle = pool.withLock { pool in
            pool.isClosed = true
            defer { pool.idle = [] }
            return pool.idle
        }
        _ = idle
    }

    private func take() throws(GyreError) -> PythonWorker {
        // One that died while it was idle takes no request with it.
        while let worker = pool.withLock({ $0.idle.popLast() }) { if worker.isRunning { return worker } }
        return try Self.start(python, nursery, source)
    }

    /// How long a process beyond the least number may be idle, microseconds.
    private static let surplusTimeout: Int64 = 60_000_000

    /// Puts a worker back; those that are idle for long end, but for as many as shall stay.
    private func give(_ worker: PythonWorker) {
        worker.idleSince = Self.now()
        pool.withLock { if !$0.isClosed { $0.idle.append(worker) } }
        let staying = source.settings.idleTimeout > 0 ? 0 : max(1, source.settings.minimumInstances)
        guard staying == 0 || source.settings.instances > staying else { return }
        let timeout = staying == 0 ? source.settings.idleTimeout : Self.surplusTimeout
        let isFirst = pool.withLock { pool in
            defer { pool.isTimerSet = true }
            return !pool.isTimerSet
        }
        if isFirst { look(after: timeout, timeout, staying) }
    }

    /// Ends what was idle for too long, and looks again while there is more than shall stay.
    private func look(after delay: Int64, _ timeout: Int64, _ staying: Int) {
        Background.detach(after: delay) { [weak self] in
            guard let self else { return }
            let (gone, next) = pool.withLock { pool -> ([PythonWorker], Int64?) in
                // The ones used last stand at the end, and are taken first.
                let now = Self.now()
                let gone = Array(
                    pool.idle.filter { now - $0.idleSince >= timeout }.prefix(max(0, pool.idle.count - staying)))
                pool.idle.removeAll { worker in gone.contains { $0 === worker } }
                guard pool.idle.count > staying, !pool.isClosed else {
                    pool.isTimerSet = false
                    return (gone, nil)
                }
                let oldest = pool.idle.map(\.idleSince).min() ?? now
                return (gone, max(10_000, oldest + timeout - now))
            }
            _ = gone
            if let next { look(after: next, timeout, staying) }
        }
    }

    private static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
