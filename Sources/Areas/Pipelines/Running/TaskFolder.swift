// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreLedger

/// The folder of one attempt.
struct TaskFolder: Sendable {
    let call: TaskCall
    /// The part of the folder that the command sees as `/tmp`; nil where it sees the machine's own.
    let temporaryFolder: String?
    /// The root of its own that the command has.
    var root: PrivateRoot?

    /// The name of the folder that the tasks of a run share; no task can be called so.
    static let workspace = ".workspace"

    /// An empty folder; what an earlier attempt left is removed.
    func make() throws(GyreError) {
        do {
            if FileManager.default.fileExists(atPath: call.folder) {
                try FileManager.default.removeItem(atPath: call.folder)
            }
            try FileManager.default.createDirectory(atPath: call.workspace, withIntermediateDirectories: true)
            for part in ["inputs", "outputs", "parameters"] + [temporaryFolder].compactMap(\.self) {
                try FileManager.default.createDirectory(
                    atPath: "\(call.folder)/\(part)", withIntermediateDirectories: true)
            }
        } catch {
            throw GyreError.wrapping(error, "Making the folder of a task")
        }
    }

    /// What the command wrote, the files as blobs; files outside of the folder are not read.
    func collect(_ written: WrittenOutputs, _ files: ArtifactFiles) async throws(GyreError) -> TaskValues {
        var outputs = TaskValues()
        for (name, definition) in call.component.outputParameters {
            if let value = written.parameters[name] { outputs.parameters[name] = definition.settle(value) }
        }
        for name in call.component.outputArtifacts.keys {
            var list: [Artifact] = []
            for file in written.artifacts[name] ?? [] {
                if Importer.isElsewhere(file.path) {
                    list.append(
                        Artifact(
                            name: file.name, type: file.type, tree: try Tree([]), metadata: file.metadata,
                            address: file.path))
                    continue
                }
                let path = place(of: file.path)
                // A file that was not made has no place yet.
                guard path.hasPrefix(call.folder + "/"), !path.split(separator: "/").contains(".."),
                    call.isOwn(path) || !Self.isThere(path)
                else {
                    throw GyreError(
                        .invalid, "The task \"\(call.path)\" says that its output \"\(name)\" lies at \(file.path).",
                        why: "Only what it writes into its own folder is kept.")
                }
                list.append(
                    try await files.store(file.name, type: file.type, at: path, metadata: file.metadata))
            }
            outputs.artifacts[name] = list
        }
        return outputs
    }

    /// Where a file lies that the command calls so.
    private func place(of path: String) -> String {
        if path.hasPrefix(call.folder + "/") { return path }
        if let root, path.hasPrefix("/") { return root.place(path) }
        guard let temporaryFolder, path.hasPrefix("/tmp/"), !path.hasPrefix(call.folder + "/") else { return path }
        return "\(call.folder)/\(temporaryFolder)/\(path.dropFirst(5))"
    }

    private static func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
