// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
package import GyreServing
internal import Synchronization

/// Bentos: services of BentoML, each version in processes of its own, which listen on sockets that only this server sees.
package struct BentoRuntime: ModelRuntime {
    /// A runtime.
    package init() {}

    package var format: ModelFormat { .bento }

    package func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel {
        guard let python = source.python else {
            throw GyreError(
                .unavailable, "The bento \(source.title) has no Python environment.",
                why: "BentoML is none of what set-up installs.",
                fix: "Name bentoml in its env/python/requirements.txt, and start without --model-environment shared.")
        }
        return try BentoModel(python: python, source: source)
    }
}

/// The processes of one bento.
private final class BentoModel: HTTPModel {
    let platform = "bentoml"
    private let python: String
    private let source: ModelSource
    private let places: [Place]
    private let turn = Atomic(0)

    /// Where one of its processes is.
    private final class Place: Sendable {
        let process = Mutex<BentoProcess?>(nil)
    }

    init(python: String, source: ModelSource) throws(GyreError) {
        self.python = python
        self.source = source
        places = (0..<max(1, source.settings.instances)).map { _ in Place() }
        _ = try process(0)
    }

    var outsideBytes: Int64 { places.reduce(0) { $0 + $1.process.withLock { $0?.residentBytes ?? 0 } } }

    func close() { for place in places { place.process.withLock { $0 = nil } } }

    /// The process at a place, started where none is; blocks.
    private func process(_ place: Int) throws(GyreError) -> BentoProcess {
        try places[place].process.withLock { process throws(GyreError) in
            if let process, process.isRunning { return process }
            let started = try BentoProcess(python: python, source: source)
            process = started
            return started
        }
    }

    func exchange(_ call: HTTPModelCall) async throws(GyreError) -> HTTPModelAnswer {
        let place = turn.add(1, ordering: .relaxed).oldValue % places.count
        let process = try await Background.run { () throws(GyreError) in try self.process(place) }
        return try await process.exchange(call, timeout: source.settings.runTimeout)
    }
}

/// One process that serves a bento on a socket of its own.
private final class BentoProcess: Sendable {
    private let worker: PythonWorker
    private let folder: PrivateFolder
    private let address: String

    /// How long a service may take to be ready.
    private static let readyTimeout: Int64 = 300_000_000

    init(python: String, source: ModelSource) throws(GyreError) {
        folder = try PrivateFolder()
        let socket = folder.path + "/http"
        address = "http+unix://" + (socket.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")
        worker = try PythonWorker(
            python: python, script: BentoScript.text, model: (source.file as NSString).deletingLastPathComponent,
            title: source.title, memoryLimit: source.settings.memoryLimit, arguments: [socket, source.title],
            timeout: Self.readyTimeout)
    }

    var isRunning: Bool { worker.isRunning }
    var residentBytes: Int64 { worker.residentBytes }

    func exchange(_ call: HTTPModelCall, timeout: Int64) async throws(GyreError) -> HTTPModelAnswer {
        try await ForwardedCall.send(call, to: address, timeout: timeout, holding: self)
    }
}
