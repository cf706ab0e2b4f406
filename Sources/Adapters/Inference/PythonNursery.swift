// SPDX-License-Identifier: Apache-2.0

internal import CWorker
internal import Glibc
internal import GyreBase
internal import Synchronization

/// Processes of Python that have imported what every model needs, one for each interpreter, and make workers by forking: a worker imports
/// nothing of it again, and shares the memory of those libraries with all others.
final class PythonNurseries: Sendable {
    private let nurseries = Mutex<[String: PythonNursery]>([:])

    /// The one of an interpreter.
    func nursery(_ python: String) -> PythonNursery {
        nurseries.withLock { nurseries in
            if let known = nurseries[python] { return known }
            let made = PythonNursery(python)
            nurseries[python] = made
            return made
        }
    }
}

/// The process of one interpreter, started when the first worker is asked for, and again after it has gone.
final class PythonNursery: Sendable {
    private let python: String
    private let process = Mutex(gyre_nursery(channel: -1, process: -1))

    /// The argument of the worker's program that makes it one.
    private static let word = "--nursery"
    /// Milliseconds that it may take to import what it does.
    private static let patience: Int32 = 120_000

    init(_ python: String) { self.python = python }

    deinit { process.withLock { unsafe gyre_nursery_end(&$0) } }

    /// A worker with these arguments; nil where it cannot be had so, and is to be started by itself.
    func worker(_ arguments: [String]) -> gyre_worker? {
        let text = JSONValue.strings(arguments).bytes
        return process.withLock { process in
            // One that was idle for long has ended, which is seen by asking it.
            for _ in 0..<2 {
                if process.channel < 0, !start(&process) { return nil }
                var worker = gyre_worker()
                let code = unsafe text.withUnsafeBytes { buffer in
                    unsafe gyre_nursery_fork(
                        &process, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count, Self.patience,
                        &worker)
                }
                if code == 0 { return worker }
                unsafe gyre_nursery_end(&process)
            }
            return nil
        }
    }

    private func start(_ process: inout gyre_nursery) -> Bool {
        let words = [python, "-c", WorkerScript.text, Self.word]
        return unsafe CTexts.with(words) { arguments in
            unsafe CTexts.with(CTexts.environment) { environment in
                unsafe gyre_nursery_start(python, arguments, environment, &process) == 0
            }
        }
    }
}
