// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase

/// One attempt of a task, with its folder.
package struct TaskCall: Sendable {
    /// What it is a part of.
    package let run: PipelineRun
    /// The task's path within the run.
    package let path: String
    /// What it does.
    package let component: Component
    /// What goes into it.
    package var inputs: TaskValues
    /// The folder it runs in.
    package let folder: String
    /// The folder that all tasks of the run share.
    package let workspace: String
    /// What its expressions see.
    package let scope: Scope

    /// A call.
    package init(
        run: PipelineRun, path: String, component: Component, inputs: TaskValues, folder: String, workspace: String,
        scope: Scope
    ) {
        self.run = run
        self.path = path
        self.component = component
        self.inputs = inputs
        self.folder = folder
        self.workspace = workspace
        self.scope = scope
    }

    /// Where an input artifact lies; those after the first have their place in the name.
    package func inputPath(_ name: String, _ index: Int = 0) -> String {
        index == 0 ? "\(folder)/inputs/\(name)" : "\(folder)/inputs/\(name)-\(index)"
    }

    /// What a command wrote to a file of its folder; nil for none, and for one that leads out of the folder.
    package func contents(_ path: String) -> [UInt8]? {
        // What is no file of its own (a pipe that nobody writes to) is not waited for.
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let kind = (try? FileManager.default.attributesOfItem(atPath: real))?[.type] as? FileAttributeType
        guard isOwn(path), kind == .typeRegular, let file = FileHandle(forReadingAtPath: real) else { return nil }
        // What cannot be read says nothing; what is larger than any parameter may be is cut, and does not parse.
        return (try? file.read(upToCount: Limits.bodyBytes)).flatMap { $0.map { Array($0) } }
    }

    /// Whether a path lies in the folder, whatever links stand on the way.
    package func isOwn(_ path: String) -> Bool { RealPath.isWithin(path, folder) }

    /// Where an output artifact is to be written.
    package func outputPath(_ name: String) -> String { "\(folder)/outputs/\(name)" }
    /// Where an output parameter is to be written.
    package func parameterPath(_ name: String) -> String { "\(folder)/parameters/\(name)" }
}
