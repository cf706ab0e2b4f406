// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
package import GyreServing
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// Environments by the `requirements.txt` and `python_env.yaml` that MLflow writes into a model's folder.
///
/// A model whose requirements the shared interpreter meets runs there; every other one gets an environment that `uv` makes, once for all
/// models that ask for the same.
package final class ModelFolderEnvironments: ModelEnvironments {
    private let environments: PythonEnvironments
    private let shared: String
    private let isShared: Bool
    private let wheels: String?
    private let report: @Sendable (String) -> Void
    /// What the shared interpreter lacks, by the lines that were asked for.
    private let looked = Mutex<[[String]: [String]]>([:])

    /// Environments in a folder.
    ///
    /// `folder`: where environments are kept. `shared`: the interpreter of set-up. `isShared`: whether every model runs there, whatever
    /// it requires. `wheels`: a folder of wheels that takes the place of the package index; nil for the index. `report`: is told before
    /// an environment is made, which takes long.
    package init(
        folder: String, uv: String, shared: String, isShared: Bool, wheels: String?,
        report: @escaping @Sendable (String) -> Void
    ) {
        environments = PythonEnvironments(folder: folder, uv: uv)
        self.shared = shared
        self.isShared = isShared
        self.wheels = wheels
        self.report = report
    }

    /// Where models say what they require: MLflow's, and bentos.
    private static let requirements = ["requirements.txt", "env/python/requirements.txt"]
    /// Where they say which Python, and by which word.
    private static let pythons = [("python_env.yaml", "python:"), ("bento.yaml", "python_version:")]

    /// Environments that are being made.
    private let underWay = Mutex<Set<Digest>>([])

    /// Bytes of a list of requirements that are read.
    private static let longestList = 1 << 20

    package func environment(of folder: String, model: String) async throws(GyreError) -> ModelEnvironment {
        let lines = Self.requirements.lazy.map { Self.lines(of: "\(folder)/\($0)") }.first { !$0.isEmpty } ?? []
        let python = Self.python(of: folder)
        let digest = Digest(of: JSONValue.strings([python ?? "3.11"] + lines).canonicalBytes)
        let missing: [String]
        if isShared || lines.isEmpty { missing = [] } else { missing = try await lacking(lines, python) }
        if missing.isEmpty { return ModelEnvironment(python: nil, requirements: lines, digest: digest) }
        let steps = [(wheels.map { ["--no-index", "--find-links", $0] } ?? []) + lines]
        let isReady = await environments.isReady(steps, python: python)
        // Who registers a model and who deploys it may both wait for it.
        let isFirst = !isReady && underWay.withLock { $0.insert(digest).inserted }
        defer { if isFirst { _ = underWay.withLock { $0.remove(digest) } } }
        if isFirst {
            report("making the Python environment of \(model), which requires \(missing.joined(separator: ", "))")
        }
        do throws(GyreError) {
            let bin = try await environments.bin(for: steps, python: python)
            return ModelEnvironment(python: bin + "/python", requirements: lines, digest: digest)
        } catch {
            throw GyreError(
                .unavailable, "The Python environment of \(model) cannot be made.",
                why: error.why ?? error.what,
                fix: FileManager.default.fileExists(atPath: folder + "/bento.yaml")
                    ? "Mend what its env/python/requirements.txt asks for."
                    : "Mend what its requirements.txt asks for, or run it beside the others: gyre up --model-environment shared"
            )
        }
    }

    /// The requirements, one a line, without remarks.
    private static func lines(of file: String) -> [String] {
        guard let data = FileManager.default.contents(atPath: file), data.count <= longestList else { return [] }
        return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty && !$0.hasPrefix("#") }.sorted()
    }

    /// The version of Python, such as 3.11, that a model was logged with; nil where it does not say.
    private static func python(of folder: String) -> String? {
        for (name, word) in pythons {
            guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)"), data.count <= longestList else {
                continue
            }
            let line = String(decoding: data, as: UTF8.self).split(separator: "\n").lazy
                .map { $0.trimmingCharacters(in: .whitespaces) }.first { $0.hasPrefix(word) }
            let parts = line?.dropFirst(word.count).trimmingCharacters(in: CharacterSet(charactersIn: " '\"\r"))
                .split(separator: ".")
            guard let parts, parts.count >= 2, parts.prefix(2).allSatisfy({ Int($0) != nil }) else { return nil }
            return "\(parts[0]).\(parts[1])"
        }
        return nil
    }

    /// Says which requirements an interpreter does not meet, each on a line.
    private static let script = """
        import sys
        from importlib.metadata import version
        try:
            from packaging.requirements import Requirement
        except ImportError:
            Requirement = None
        wanted, lines = sys.argv[1], sys.argv[2:]
        if wanted and wanted != "%d.%d" % sys.version_info[:2]:
            print("Python " + wanted)
        for line in lines:
            try:
                asked = Requirement(line)
                if asked.marker is not None and not asked.marker.evaluate():
                    continue
                if not asked.specifier.contains(version(asked.name), prereleases=True):
                    print(line)
            except Exception:
                print(line)
        """

    private func lacking(_ lines: [String], _ python: String?) async throws(GyreError) -> [String] {
        let key = [python ?? ""] + lines
        if let known = looked.withLock({ $0[key] }) { return known }
        do {
            let result = try await Subprocess.run(
                .path(.init(shared)), arguments: Arguments(["-c", Self.script] + key), output: .string(limit: 1 << 20),
                error: .discarded)
            guard result.terminationStatus.isSuccess else {
                throw GyreError(.unavailable, "The interpreter \(shared) does not run.", fix: "gyre doctor")
            }
            let missing = result.standardOutput.split(separator: "\n").map(String.init)
            looked.withLock { $0[key] = missing }
            return missing
        } catch {
            throw GyreError.wrapping(error, "Looking at what Python has")
        }
    }
}
