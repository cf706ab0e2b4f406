// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A stage of a `dvc.yaml`, its templates resolved, with what `dvc.lock` says of it.
package struct PipelineStage: Sendable {
    /// The `dvc.yaml`, from the root.
    package let file: String
    /// Its name, with `@item` for one that a loop made.
    package let name: String
    /// The folder that its command runs in and its paths start from.
    package let folder: String
    /// Its command, or several that run one after another.
    package let commands: [String]
    /// Whether the commands are written as a list.
    package let isCommandList: Bool
    /// What it reads.
    package var deps: [Output]
    /// What it writes.
    package var outs: [Output]
    /// The parameters it depends on: a file, and the names in it; nil for all of it.
    package var parameters: [(file: String, names: [String]?)]
    /// The outputs that are metrics, by path.
    package let metrics: Set<String>
    /// The outputs that are plots, by path, with how they are drawn.
    package let plots: [(path: String, look: JSONObject)]
    /// Whether it only runs when it is named.
    package let isFrozen: Bool
    /// Whether it runs each time.
    package let alwaysChanged: Bool
    /// What is said about it.
    package let description: String?
    /// What `dvc.lock` says; nil before the first run.
    package let locked: JSONObject?

    /// The command as `dvc.lock` has it.
    package var commandValue: JSONValue {
        isCommandList ? .strings(commands) : .string(commands.first ?? "")
    }

    /// Whether nothing says when it has to run, so that it always does.
    package var isCallback: Bool { deps.isEmpty && parameters.isEmpty && outs.isEmpty }

    /// Whether what it wrote may be taken from the run-cache in place of running it.
    package var mayBeReused: Bool {
        !alwaysChanged && !(deps.isEmpty && parameters.isEmpty) && !outs.isEmpty
            && outs.allSatisfy { !$0.isPersistent && !$0.path.contains("://") }
            && deps.allSatisfy { !$0.path.contains("://") }
    }

    /// Where an output lies, from the root.
    package func path(of output: Output) -> String { Paths.absolute(output.path, from: folder) }
}
