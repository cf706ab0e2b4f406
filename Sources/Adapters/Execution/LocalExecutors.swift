// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
package import GyrePipelines

/// What runs tasks on this machine: processes for images that stand for its own programs, containers for all others.
package final class LocalExecutors: TaskExecutor {
    /// Which of the two are used.
    package enum Choice: String, Sendable, CaseIterable {
        /// Containers for images that are none of this machine's.
        case auto
        /// Processes alone.
        case process
        /// Containers alone.
        case container
    }

    private let processes: ProcessExecutor
    private let hosts: HostImages
    private let choice: Choice
    private let containers: Found<ContainerExecutor>

    /// Both executors; `containers` is asked once, when an image needs it.
    package init(
        processes: ProcessExecutor, hosts: HostImages, choice: Choice,
        containers: @escaping @Sendable () -> ContainerExecutor?
    ) {
        self.processes = processes
        self.hosts = hosts
        self.choice = choice
        self.containers = Found(containers)
    }

    /// Ends what is kept up for tasks.
    package func close() async { await processes.close() }

    private func isHost(_ image: String) -> Bool { choice != .container && hosts.contains(image) }

    package func kind(of image: String) -> String { isHost(image) ? "process" : "container" }

    package func runs(_ image: String) -> Bool {
        isHost(image) || (choice != .process && containers.value != nil && !image.isEmpty)
    }

    package func temporaryFolder(of image: String) -> String? {
        isHost(image) ? processes.temporaryFolder(of: image) : Sandbox.temporaryFolder
    }

    package func hasPrivateRoot(for image: String) -> Bool {
        isHost(image) ? processes.hasPrivateRoot(for: image) : true
    }

    package func run(
        _ launch: TaskLaunch, onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Int32 {
        if isHost(launch.image) { return try await processes.run(launch, onStart: onStart) }
        guard choice != .process, let containers = containers.value else {
            throw GyreError(
                .unavailable, "The image \"\(launch.image.prefix(200))\" cannot be run.",
                why: "Neither podman nor docker is at hand.", fix: "Install podman.")
        }
        return try await containers.run(launch, onStart: onStart)
    }

    package func stop(process: Int32?, ofTaskIn folder: String) async {
        await processes.stop(process: process, ofTaskIn: folder)
        // Without a folder nothing of it has begun.
        guard choice != .process, process == nil, FileManager.default.fileExists(atPath: folder) else { return }
        await containers.value?.stop(process: nil, ofTaskIn: folder)
    }
}
