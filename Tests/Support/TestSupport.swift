// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GyreBase

/// Random numbers that can be had again (SplitMix64).
package struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    /// Numbers that follow from `seed`.
    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A folder of one test alone, gone when the test is over.
package final class TemporaryFolder: Sendable {
    /// Where it is.
    package let path = NSTemporaryDirectory() + "gyre-test-" + UUID().uuidString

    /// An empty folder.
    package init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file into it and tells its path.
    package func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}

/// What set-up installed, as tests find it.
package enum Installed {
    /// The folder of set-up's Python environment.
    package static var toolsFolder: String {
        let environment = ProcessInfo.processInfo.environment
        return environment["GYRE_TOOLS"] ?? (environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache") + "/gyre"
    }

    /// The Python with the clients.
    package static var python: String { toolsFolder + "/python/bin/python" }
    /// A Python with Triton in it.
    package static var triton: String { toolsFolder + "/peers/bin/python" }
    /// The Python with the clients of model servers.
    package static var serving: String { toolsFolder + "/serving/bin/python" }
    /// The Python with the libraries of everyday models.
    package static var zoo: String { toolsFolder + "/zoo/bin/python" }
    /// An interpreter with Seldon Core's client.
    package static var seldon: String { toolsFolder + "/seldon/bin/python" }
    /// An interpreter with an identity provider.
    package static var canaille: String { toolsFolder + "/canaille/bin/python" }
    /// The Python of an environment with BentoML.
    package static var bentoml: String { toolsFolder + "/bentoml/bin/python" }
    /// The Python with what asks OpenAPI documents.
    package static var openAPI: String { toolsFolder + "/openapi/bin/python" }
    /// The Python with Argo's clients.
    package static var argo: String { toolsFolder + "/argo/bin/python" }
    /// The Python with Metaflow.
    package static var metaflow: String { toolsFolder + "/metaflow/bin/python" }
    /// The command line of DVC itself.
    package static var dvc: String { toolsFolder + "/dvc/bin/dvc" }
    /// The Python that has DVC and an object store.
    package static var dvcPython: String { toolsFolder + "/dvc/bin/python" }
    /// The Python with MLflow's former major version.
    package static var mlflow2: String { toolsFolder + "/mlflow2/bin/python" }

    /// The root of the package.
    package static var root: String {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return url.path
    }

    /// The program under test: beside the test bundle.
    package static var gyre: String { root + "/.build/debug/gyre" }

    /// Runs a program to its end; its output and exit status.
    package static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: Int32, output: String) {
        let log = NSTemporaryDirectory() + "gyre-output-" + UUID().uuidString
        try Data().write(to: URL(fileURLWithPath: log))
        defer { try? FileManager.default.removeItem(atPath: log) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        process.standardOutput = file
        process.standardError = file
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return (process.terminationStatus, try String(contentsOfFile: log, encoding: .utf8))
    }
}

extension Surroundings {
    /// Surroundings that stand still: a fixed clock, ids that count, and one random number.
    package static var still: Surroundings {
        Surroundings(
            now: { 1_700_000_000_000_000 }, newID: { UUID().uuidString.replacing("-", with: "").lowercased() },
            random: { 0.5 })
    }
}
