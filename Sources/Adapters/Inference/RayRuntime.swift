// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
package import GyreServing
internal import GyreYAML
internal import Synchronization

/// Applications of Ray Serve: each version is an application of its own on a cluster that exists, with a route that only this server tells.
package final class RayRuntime: ModelRuntime {
    private let cluster: RayCluster?
    private let python: String
    /// How often each application is loaded: a version that is loaded anew is the same one as before.
    private let loaded = Mutex<[String: Int]>([:])

    /// A runtime over the cluster whose dashboard is at `address`; nil for no cluster.
    ///
    /// `python`: the interpreter that packs code.
    package init(address: String?, python: String) {
        cluster = address.map { RayCluster(address: $0) }
        self.python = python
    }

    package var format: ModelFormat { .ray }

    /// Seconds that an application may take to run.
    private static let runningTimeout: Int64 = 600

    package func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel {
        guard let cluster else {
            throw GyreError(
                .unavailable, "The model \(source.title) runs on a Ray cluster, and the server knows of none.",
                fix: "gyre up --ray http://HEAD:8265")
        }
        let folder = (source.file as NSString).deletingLastPathComponent
        let digest = String((folder as NSString).lastPathComponent.prefix(12))
        var application = try Self.application(source)
        let name = "gyre-\(source.title.replacing("@", with: "-").replacing(" ", with: "-"))-\(digest)"
        application["name"] = .string(name)
        application["route_prefix"] = .string("/\(name)")
        if application["runtime_env"]?["working_dir"] == nil {
            var environment = application["runtime_env"] ?? [:]
            let zip = try packed(folder)
            environment["working_dir"] = .string(
                try Blocking.wait { () async throws(GyreError) in try await cluster.upload(zip, digest: digest) })
            application["runtime_env"] = environment
        }
        loaded.withLock { $0[name, default: 0] += 1 }
        do throws(GyreError) {
            try cluster.set(application)
            let url = try Blocking.wait { () async throws(GyreError) in
                try await Self.running(name, on: cluster, title: source.title)
            }
            return RayModel(url: url, timeout: source.settings.runTimeout) { self.leave(name, cluster) }
        } catch {
            // What does not run shall not be tried over and over; the error tells why.
            leave(name, cluster)
            throw error
        }
    }

    /// Takes an application away once nothing here has it loaded; where the cluster cannot be told so, it stays there.
    private func leave(_ name: String, _ cluster: RayCluster) {
        let isLast = loaded.withLock { loaded in
            loaded[name, default: 1] -= 1
            return loaded[name] == 0
        }
        if isLast { try? cluster.remove(name) }
    }

    /// The one application of a config file, as `serve build` writes it.
    private static func application(_ source: ModelSource) throws(GyreError) -> JSONValue {
        guard let data = FileManager.default.contents(atPath: source.file), data.count <= Limits.bodyBytes else {
            throw GyreError(.notFound, "The config of \(source.title) cannot be read.")
        }
        let config = try YAML.document(String(decoding: data, as: UTF8.self))
        let applications = config["applications"]?.array ?? []
        guard applications.count == 1, applications[0]["import_path"]?.string != nil else {
            throw GyreError(
                .invalid, "The serve_config.yaml of \(source.title) has \(applications.count) applications.",
                why: "A model version is one application with an import_path.",
                fix: "serve build app:app -o serve_config.yaml")
        }
        return applications[0]
    }

    /// The files of a folder as a zip.
    private func packed(_ folder: String) throws(GyreError) -> [UInt8] {
        let place = try PrivateFolder()
        let base = place.path + "/code"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [
            "-c", "import shutil, sys; shutil.make_archive(sys.argv[1], 'zip', sys.argv[2])", base, folder,
        ]
        do { try process.run() } catch { throw GyreError.wrapping(error, "Packing the code of a model") }
        process.waitUntilExit()
        guard process.terminationStatus == 0, let data = FileManager.default.contents(atPath: base + ".zip") else {
            throw GyreError(.unavailable, "The code of a model could not be packed.", fix: "gyre doctor")
        }
        return [UInt8](data)
    }

    /// Where an application is reached, once it runs.
    private static func running(
        _ name: String, on cluster: RayCluster, title: String
    ) async throws(GyreError) -> String {
        let end = ContinuousClock.now + .seconds(runningTimeout)
        while true {
            let application = try await cluster.application(name)
            switch application?.status {
            case "RUNNING": return application?.url ?? ""
            case "DEPLOY_FAILED", "UNHEALTHY":
                throw GyreError(
                    .invalid,
                    "The model \(title) does not run on Ray: \(application?.message ?? "")",
                    why: "Its application \"\(name)\" is \(application?.status ?? "").")
            default: break
            }
            guard ContinuousClock.now < end else {
                throw GyreError(
                    .timeout, "The model \(title) does not run on Ray after \(runningTimeout) s.",
                    why: "Its application \"\(name)\" is \(application?.status ?? "not known").")
            }
            do { try await Task.sleep(for: .milliseconds(200)) } catch {
                throw GyreError.wrapping(error, "Waiting for Ray")
            }
        }
    }
}

/// An application that runs.
private final class RayModel: HTTPModel {
    let platform = "ray-serve"
    private let url: String
    private let timeout: Int64
    private let leave: @Sendable () -> Void

    init(url: String, timeout: Int64, leave: @escaping @Sendable () -> Void) {
        self.url = url
        self.timeout = timeout
        self.leave = leave
    }

    func exchange(_ call: HTTPModelCall) async throws(GyreError) -> HTTPModelAnswer {
        try await ForwardedCall.send(call, to: url, timeout: timeout, holding: self)
    }

    func close() { Background.detach { [leave] in leave() } }
}
