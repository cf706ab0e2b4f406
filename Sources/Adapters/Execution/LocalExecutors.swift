// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
package import GyrePipelines

/// What runs tasks: processes for images that stand for this machine's own programs, containers for all others; or a Ray cluster for the first.
package final class LocalExecutors: TaskExecutor {
    /// Which of them are used.
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
    /// What runs images that stand for this machine's own programs.
    private let hosted: any TaskExecutor
    private let hosts: HostImages
    private let choice: Choice
    private let containers: Found<ContainerExecutor>

    /// All of them; `ray` takes the place of processes where there is one, and `containers` is asked once, when an image needs it.
    package init(
        processes: ProcessExecutor, hosts: HostImages, choice: Choice, ray: RayExecutor? = nil,
        containers: @escaping @Sendable () -> ContainerExecutor?
    ) {
        self.processes = processes
        hosted = ray ?? processes
        self.hosts = hosts
        self.choice = choice
        self.containers = Found(containers)
    }

    /// Ends what is kept up for tasks.
    package func close() async { await processes.close() }

    /// What runs commands of an image; nil where nothing does.
    private func executor(for image: String) -> (any TaskExecutor)? {
        if choice != .container, hosts.contains(image) { return hosted }
        return choice == .process || image.isEmpty ? nil : containers.value
    }

    package func kind(of image: String) -> String { executor(for: image)?.kind(of: image) ?? "container" }
    package func runs(_ image: String) -> Bool { executor(for: image) != nil }
    package func temporaryFolder(of image: String) -> String? { executor(for: image)?.temporaryFolder(of: image) }
    package func hasPrivateRoot(for image: String) -> Bool { executor(for: image)?.hasPrivateRoot(for: image) ?? false }

    package func run(
        _ launch: TaskLaunch, onStart: @escaping @Sendable (Int32?) async -> Void
    ) async throws(GyreError) -> Int32 {
        guard let executor = executor(for: launch.image) else {
            throw GyreError(
                .unavailable, "The image \"\(launch.image.prefix(200))\" cannot be run.",
                why: "Neither podman nor docker is at hand.", fix: "Install podman.")
        }
        return try await executor.run(launch, onStart: onStart)
    }

    package func stop(process: Int32?, ofTaskIn folder: String) async {
        await hosted.stop(process: process, ofTaskIn: folder)
        // Without a folder nothing of it has begun.
        guard choice != .process, process == nil, FileManager.default.fileExists(atPath: folder) else { return }
        await containers.value?.stop(process: nil, ofTaskIn: folder)
    }
}
