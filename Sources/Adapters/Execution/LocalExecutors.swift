// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
package import GyrePipelines

/// What runs tasks: processes for images that stand for this machine's own programs, containers for all others; or a Ray cluster for the first.
package final class LocalExecutors: TaskExecutor {
    /// Which of the two are used.
    package enum Choice: String, Sendable, CaseIterable {
        /// Containers for images that are none of this machine's.
        case auto
        /// Processes alone.
        case process
        /// Containers alone.
        case container
        /// Jobs of a Ray cluster in place of processes, and containers for all else.
        case ray
    }

    private let processes: ProcessExecutor
    private let hosts: HostImages
    private let choice: Choice
    private let containers: Found<ContainerExecutor>
    private let ray: RayExecutor?

    /// Both executors; `containers` is asked once, when an image needs it.
    package init(
        processes: ProcessExecutor, hosts: HostImages, choice: Choice, ray: RayExecutor? = nil,
        containers: @escaping @Sendable () -> ContainerExecutor?
    ) {
        self.processes = processes
        self.hosts = hosts
        self.choice = choice
        self.ray = choice == .ray ? ray : nil
        self.containers = Found(containers)
    }

    /// Ends what is kept up for tasks.
    package func close() async { await processes.close() }

    private func isHost(_ image: String) -> Bool { choice != .container && hosts.contains(image) }

    package func kind(of image: String) -> String { isHost(image) ? ray == nil ? "process" : "ray" : "container" }

    package func runs(_ image: String) -> Bool {
        isHost(image) || (choice != .process && containers.value != nil && !image.isEmpty)
    }

    package func temporaryFolder(of image: String) -> String? {
        if isHost(image), ray != nil { return nil }
        return isHost(image) ? processes.temporaryFolder(of: image) : Sandbox.temporaryFolder
    }

    package func hasPrivateRoot(for image: String) -> Bool {
        if isHost(image), ray != nil { return false }
        return isHost(image) ? processes.hasPrivateRoot(for: image) : true
    }

    package func run(
        _ launch: TaskLaunch, onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Int32 {
        if isHost(launch.image) {
            if let ray { return try await ray.run(launch, onStart: onStart) }
            return try await processes.run(launch, onStart: onStart)
        }
        guard choice != .process, let containers = containers.value else {
            throw GyreError(
                .unavailable, "The image \"\(launch.image.prefix(200))\" cannot be run.",
                why: "Neither podman nor docker is at hand.", fix: "Install podman.")
        }
        return try await containers.run(launch, onStart: onStart)
    }

    package func stop(process: Int32?, ofTaskIn folder: String) async {
        await processes.stop(process: process, ofTaskIn: folder)
        if process == nil { await ray?.stop(ofTaskIn: folder) }
        // Without a folder nothing of it has begun.
        guard choice != .process, process == nil, FileManager.default.fileExists(atPath: folder) else { return }
        await containers.value?.stop(process: nil, ofTaskIn: folder)
    }
}
