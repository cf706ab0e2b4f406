// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser

/// `gyre`: the root of all commands.
package struct GyreCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "gyre",
        abstract:
            "Gyre closes the machine-learning loop: data, checks, features, pipelines, tracking, serving, rollouts, monitoring.",
        discussion: """
            Start the server with `gyre up`, point MLFLOW_TRACKING_URI at it, and look at http://127.0.0.1:5000.
            Commands talk to the running server, or open the home folder themselves when none runs.
            `gyre --version` prints the version.
            """,
        subcommands: [
            Up.self, Apply.self, Get.self, Delete.self, DataCommand.self, DVCCommand.self, Check.self, Feature.self,
            PipelineCommand.self, RunCommand.self,
            Experiment.self,
            Model.self, EndpointCommand.self, ReleaseCommand.self, Monitor.self, LineageCommand.self,
            LedgerCommand.self, UserCommand.self, GroupCommand.self, RoleCommand.self, TokenCommand.self,
            WorkspaceCommand.self, SecretCommand.self, ApprovalCommand.self, Approve.self,
            Reject.self, LogIn.self, LogOut.self, WhoAmI.self, Refusals.self, Routes.self,
            BlobCommand.self,
            GarbageCollection.self, Doctor.self,
        ])

    /// What `gyre --version` prints.
    ///
    /// It is not told to the argument parser, which would then give `--version` to every subcommand beside options of that name.
    package static let version = "gyre 0.1.0"

    /// The command without a subcommand: its help.
    package init() {}
}
