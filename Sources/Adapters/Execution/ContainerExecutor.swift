// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
package import GyrePipelines
internal import Subprocess
internal import SystemPackage

/// Runs tasks in containers of their images, by the command line of podman or docker.
///
/// A task's folder and its run's workspace are mounted where they lie, and a part of the folder as `/tmp`; the rest is the image's.
package struct ContainerExecutor: TaskExecutor {
    private let engine: String
    private let options: [String]
    private let pull: String

    /// An executor.
    ///
    /// `engine`: the program; `options`: more words for its `run`; `pull`: `missing`, `always`, `newer` or `never`.
    package init(engine: String, options: [String], pull: String) {
        self.engine = engine
        self.options = options
        self.pull = pull
    }

    /// The first engine that answers; nil for none.
    package static func find(_ wanted: String?) -> String? {
        (wanted.map { [$0] } ?? ["podman", "docker"]).first { ChildProcess.answers($0, ["ps", "--quiet"]) }
    }

    package func kind(of image: String) -> String { "container" }
    package func runs(_ image: String) -> Bool { true }
    package func hasPrivateRoot(for image: String) -> Bool { true }
    package func temporaryFolder(of image: String) -> String? { Sandbox.temporaryFolder }

    package func run(
        _ launch: TaskLaunch, onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Int32 {
        guard !launch.image.hasPrefix("-"), !launch.image.isEmpty else {
            throw GyreError(.invalid, "\"\(launch.image.prefix(80))\" is no image.")
        }
        let label = Self.label(launch.folder)
        var words = [engine, "run", "--quiet", "--name", "gyre-\(label)", "--label", "gyre.task=\(label)"]
        // What lies at paths of its own is copied from it when it has ended.
        let copied = launch.root.map { root in root.outputs.filter { !Self.isMounted($0) } } ?? []
        if copied.isEmpty { words.append("--rm") }
        words += ["--pull", pull]
        if let directory = launch.root == nil ? launch.folder : launch.directory { words += ["--workdir", directory] }
        for place in ["\(launch.folder):\(launch.folder)", "\(launch.workspace):\(launch.workspace)"] {
            words += ["--volume", place]
        }
        let temporary = launch.root?.place("/tmp") ?? "\(launch.folder)/\(Sandbox.temporaryFolder)"
        words += ["--volume", "\(temporary):/tmp"]
        for input in launch.root?.inputs ?? [] where !Self.isMounted(input) {
            words += ["--volume", "\(launch.root?.place(input) ?? ""):\(input)"]
        }
        words += options
        // By name alone, so that no list of processes shows what they are; the engine's own are its own.
        var variables = ChildEnvironment.kept(of: ProcessInfo.processInfo.environment)
        for (name, value) in launch.environment.sorted(by: { $0.key < $1.key }) {
            if variables[name] == nil {
                variables[name] = value
                words += ["--env", name]
            } else {
                words += ["--env", "\(name)=\(value)"]
            }
        }
        if let program = launch.entrypoint { words += ["--entrypoint", program] }
        words += [launch.image] + launch.wholeCommand.dropFirst(launch.entrypoint == nil ? 0 : 1)
        let (command, environment) = (words, ChildProcess.environment(variables))
        do {
            let status = try await ChildProcess.within(seconds: launch.timeoutSeconds) {
                try await ChildProcess.run(command, launch, environment) { _ in await onStart(nil) }
            }
            if !copied.isEmpty {
                for path in copied {
                    guard let root = launch.root else { continue }
                    // What ran may have put a link there that leads elsewhere.
                    if Self.leadsWithin(root.place(path), root.folder) {
                        await copy(path, from: label, to: root.place(path))
                    }
                }
                await remove(label)
            }
            return status
        } catch {
            // Whatever ended the engine's command may have left the container.
            await remove(label)
            throw GyreError.wrapping(error, "Running a task in a container")
        }
    }

    /// Whether a path lies where the container sees a folder of this machine.
    private static func isMounted(_ path: String) -> Bool { path.hasPrefix("/tmp/") }

    /// Whether a path that need not be there yet leads into a folder, whatever links stand on the way.
    private static func leadsWithin(_ path: String, _ folder: String) -> Bool {
        var ancestor = path
        // A link that leads nowhere is there, too.
        while ancestor != folder, (try? FileManager.default.attributesOfItem(atPath: ancestor)) == nil {
            guard let slash = ancestor.lastIndex(of: "/"), slash > ancestor.startIndex else { return false }
            ancestor = String(ancestor[..<slash])
        }
        return ancestor == folder || RealPath.isWithin(ancestor, folder)
    }

    /// Copies what lies at a path of the container; what is not there was not made.
    private func copy(_ path: String, from label: String, to place: String) async {
        let folder = place.split(separator: "/").dropLast().joined(separator: "/")
        // A folder that cannot be made takes no file, and the output is missing then.
        try? FileManager.default.createDirectory(atPath: "/" + folder, withIntermediateDirectories: true)
        await ask(["cp", "gyre-\(label):\(path)", place])
    }

    package func stop(process: Int32?, ofTaskIn folder: String) async { await remove(Self.label(folder)) }

    private static func label(_ folder: String) -> String { Digest(of: Array(folder.utf8)).short }

    private func remove(_ label: String) async {
        // Removed whoever asks for it, also where the task that asks was cancelled; one that is not there need not be.
        await Task.detached {
            // The engine's own command may take it away at the same time, and then neither of them comes to its end.
            for _ in 0..<5 {
                await ask(["rm", "--force", "--time", "2", "gyre-\(label)"])
                guard let left = await ask(["ps", "--all", "--quiet", "--filter", "label=gyre.task=\(label)"]),
                    !left.isEmpty
                else { return }
                try? await Task.sleep(for: .milliseconds(200))  // nobody cancels it
            }
        }.value
    }

    /// What the engine answers; nil where it cannot be asked.
    @discardableResult
    private func ask(_ words: [String]) async -> String? {
        let result = try? await Subprocess.run(
            .name(engine), arguments: Arguments(words), output: .string(limit: 1 << 16), error: .discarded)
        return result?.standardOutput
    }
}
