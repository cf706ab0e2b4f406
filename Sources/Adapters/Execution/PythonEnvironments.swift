// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import Subprocess
internal import SystemPackage

/// Python environments by their requirements; each is made once and then shared by all tasks that ask for the same.
actor PythonEnvironments {
    private let folder: String
    private let uv: String
    private var making: [String: Task<Void, any Error>] = [:]

    init(folder: String, uv: String) {
        self.folder = folder
        self.uv = uv
    }

    /// Whether an environment is there.
    func isReady(_ requirements: [[String]], python: String? = nil) -> Bool {
        FileManager.default.fileExists(atPath: "\(folder)/\(Self.key(requirements, python))/ready")
    }

    private static func key(_ requirements: [[String]], _ python: String?) -> String {
        let steps = requirements.map { JSONValue.strings($0) } + (python.map { [.strings(["python", $0])] } ?? [])
        return Digest(of: JSONValue.array(steps).canonicalBytes).short
    }

    /// The folder with the environment's programs.
    ///
    /// `python`: the version of Python; nil for the usual one.
    func bin(for requirements: [[String]], python: String? = nil) async throws(GyreError) -> String {
        let key = Self.key(requirements, python)
        let path = "\(folder)/\(key)"
        if !FileManager.default.fileExists(atPath: path + "/ready") {
            // Owned here under the key; ends when the environment is there. Those who ask meanwhile wait for the same.
            let task = making[key] ?? Task { try await self.make(path, requirements, python ?? "3.11") }
            making[key] = task
            defer { making[key] = nil }
            do { try await task.value } catch {
                throw GyreError(
                    .unavailable, "The Python environment of a task could not be made.",
                    why: "\(GyreError.wrapping(error, "uv").what)",
                    fix: "Its requirements: \(requirements.joined().joined(separator: " "))")
            }
        }
        return path + "/bin"
    }

    private func make(_ path: String, _ requirements: [[String]], _ python: String) async throws {
        let temporary = "\(path).\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await uv(["venv", "--quiet", "--clear", "--relocatable", "--python", python, temporary])
        for step in requirements {
            try await uv(["pip", "install", "--quiet", "--python", temporary + "/bin/python"] + step)
        }
        try Data().write(to: URL(fileURLWithPath: temporary + "/ready"))
        // Another process may have been faster; its environment is as good.
        if (try? FileManager.default.moveItem(atPath: temporary, toPath: path)) == nil {
            try FileManager.default.removeItem(atPath: temporary)
        }
    }

    /// Building a package runs its code.
    private static var variables: [Environment.Key: String] {
        var known: [Environment.Key: String] = [:]
        let kept = ChildEnvironment.kept(of: ProcessInfo.processInfo.environment, forInstaller: true)
        for (name, value) in kept { if let key = Environment.Key(rawValue: name) { known[key] = value } }
        return known
    }

    private func uv(_ arguments: [String]) async throws {
        let result = try await Subprocess.run(
            .path(.init(uv)), arguments: Arguments(arguments), environment: .custom(Self.variables),
            output: .string(limit: 1 << 16),
            error: .combinedWithOutput)
        guard result.terminationStatus.isSuccess else {
            throw GyreError(.unavailable, result.standardOutput.suffix(1000).description)
        }
    }
}
