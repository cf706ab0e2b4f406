// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc

/// What the code of a task sees and reaches of this machine, by bubblewrap: the system to read, its own folders to write, no other processes.
package struct Sandbox: Sendable, Hashable {
    /// The program `bwrap`.
    package let program: String
    /// Folders that are not seen: where Gyre has its data, and people their keys.
    let hidden: [String]
    /// What is seen inside of those: Python and its environments.
    let shown: [String]
    /// Folders beside its own that it may write to.
    let writable: [String]
    /// Whether it reaches the network.
    let sharesNetwork: Bool

    /// A sandbox.
    package init(
        program: String, hidden: [String], shown: [String], writable: [String], sharesNetwork: Bool
    ) {
        self.program = program
        self.hidden = hidden
        self.shown = shown
        self.writable = writable
        self.sharesNetwork = sharesNetwork
    }

    /// Where `bwrap` is; nil where it is not installed, or this system lets nobody make a sandbox.
    package static func find() -> String? {
        for folder in ["/usr/bin", "/usr/local/bin", "/bin"] {
            let path = folder + "/bwrap"
            guard unsafe access(path, X_OK) == 0 else { continue }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]
            process.standardError = FileHandle.nullDevice
            // One that cannot be started makes no sandboxes either.
            guard (try? process.run()) != nil else { continue }
            process.waitUntilExit()
            if process.terminationStatus == 0 { return path }
        }
        return nil
    }

    /// The part of a task's folder that it sees as `/tmp`.
    static let temporaryFolder = "tmp"

    /// What is set before a command: nothing of it is writable yet.
    private var base: [String] {
        var words = [program, "--unshare-all"]
        if sharesNetwork { words.append("--share-net") }
        words += ["--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/run"]
        // The names of hosts are looked up by what lies there.
        words += ["--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve"]
        return words
    }

    private var rest: [String] {
        hidden.flatMap { ["--tmpfs", $0] } + shown.flatMap { ["--ro-bind-try", $0, $0] }
            + writable.flatMap { ["--bind-try", $0, $0] }
    }

    /// A command in the folder of a task.
    func words(_ command: [String], folder: String, workspace: String, python: [String]) -> [String] {
        base + ["--cap-drop", "ALL", "--proc", "/proc", "--bind", "\(folder)/\(Self.temporaryFolder)", "/tmp"] + rest
            + python.flatMap { ["--ro-bind-try", $0, $0] }
            + ["--bind", workspace, workspace, "--bind", folder, folder, "--chdir", folder, "--"] + command
    }

    /// A process that makes others, each of which shuts itself off from all tasks but its own.
    ///
    /// It mounts the list of its processes itself: on one that is partly covered, as that of `bwrap` is, no other can be mounted.
    /// `tasks`: the folder that holds those of all tasks.
    func words(forking command: [String], tasks: String, python: [String]) -> [String] {
        base + ["--cap-add", "CAP_SYS_ADMIN", "--tmpfs", "/tmp"] + rest + python.flatMap { ["--ro-bind-try", $0, $0] }
            + ["--bind", tasks, tasks, "--"] + command
    }
}
