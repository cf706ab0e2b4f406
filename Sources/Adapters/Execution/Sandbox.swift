// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyrePipelines

/// What the code of a task sees and reaches of this machine, by bubblewrap: the system to read, its own folders to write, no other processes.
package struct Sandbox: Sendable, Hashable {
    /// The program, by its whole path: what is found by name may be what a task's environment brings.
    package static let program: String = {
        let places: [String] = ["/usr/bin/bwrap", "/usr/local/bin/bwrap"]
        return places.first { unsafe access($0, X_OK) == 0 } ?? places[0]
    }()
    /// Folders that are not seen: where Gyre has its data, and people their keys.
    let hidden: [String]
    /// What is seen inside of those: Python and its environments.
    let shown: [String]
    /// Folders beside its own that it may write to.
    let writable: [String]
    /// Whether it reaches the network.
    let sharesNetwork: Bool

    /// A sandbox.
    package init(hidden: [String], shown: [String], writable: [String], sharesNetwork: Bool) {
        self.hidden = hidden
        self.shown = shown
        self.writable = writable
        self.sharesNetwork = sharesNetwork
    }

    /// Whether sandboxes can be made: `bwrap` is installed, and this system lets its users have spaces of their own.
    package static func isPossible() -> Bool {
        ChildProcess.answers(
            program, ["--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"])
    }

    /// The part of a task's folder that it sees as `/tmp`.
    static let temporaryFolder = "tmp"

    /// What is set before a command: nothing of it is writable yet.
    private var base: [String] {
        var words = [Self.program, "--unshare-all"]
        if sharesNetwork { words.append("--share-net") }
        words += ["--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/run"]
        // The names of hosts are looked up by what lies there.
        words += ["--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve"]
        return words
    }

    private var rest: [String] { rest(hiding: true) }

    private func rest(hiding: Bool) -> [String] {
        // What has a root of its own sees none of what is hidden.
        (hiding ? hidden : []).flatMap { ["--tmpfs", $0] } + shown.flatMap { ["--ro-bind-try", $0, $0] }
            + writable.flatMap { ["--bind-try", $0, $0] }
    }

    /// A command in the folder of a task.
    func words(_ command: [String], folder: String, workspace: String, python: [String]) -> [String] {
        base + ["--cap-drop", "ALL", "--proc", "/proc", "--bind", "\(folder)/\(Self.temporaryFolder)", "/tmp"] + rest
            + python.flatMap { ["--ro-bind-try", $0, $0] }
            + ["--bind", workspace, workspace, "--bind", folder, folder, "--chdir", folder, "--"] + command
    }

    /// A command with a root of its own: the machine's system is there to be read, and everything else is what the command makes.
    func words(
        _ command: [String], folder: String, workspace: String, python: [String], root: PrivateRoot, directory: String
    ) -> [String] {
        var words = [Self.program, "--unshare-all"]
        if sharesNetwork { words.append("--share-net") }
        words += ["--bind", root.folder, "/"]
        for name in Self.system {
            let path = "/" + name
            // The same on every machine of one kind; a folder that is not there is none of its system.
            if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
                words += ["--symlink", target, path]
            } else {
                words += ["--ro-bind-try", path, path]
            }
        }
        words += ["--dev", "/dev", "--tmpfs", "/run"]
        words += ["--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve"]
        return words + ["--cap-drop", "ALL", "--proc", "/proc"] + rest(hiding: false)
            + python.flatMap { ["--ro-bind-try", $0, $0] }
            + ["--bind", workspace, workspace, "--bind", folder, folder, "--chdir", directory, "--"] + command
    }

    /// What a system is made of.
    private static let system = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt"]

    /// A process that makes others, each of which shuts itself off from all tasks but its own.
    ///
    /// It mounts the list of its processes itself: on one that is partly covered, as that of `bwrap` is, no other can be mounted.
    /// `tasks`: the folder that holds those of all tasks.
    func words(forking command: [String], tasks: String, python: [String]) -> [String] {
        base + ["--cap-add", "CAP_SYS_ADMIN", "--tmpfs", "/tmp"] + rest + python.flatMap { ["--ro-bind-try", $0, $0] }
            + ["--bind", tasks, tasks, "--"] + command
    }
}
