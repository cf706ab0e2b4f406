// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreRay
internal import Synchronization

/// A Ray cluster by the REST API of its dashboard: packages, and the applications of Ray Serve.
final class RayCluster: Sendable {
    private let dashboard: RayDashboard
    /// Applications are set all at once, so that one change waits for another.
    private let changing = Mutex(())

    /// The cluster whose dashboard is at `address`.
    init(address: String) { dashboard = RayDashboard(address: address) }

    /// How an application stands, and what is said of it.
    struct Application: Sendable {
        let status: String
        let message: String
        /// Where its routes begin on the cluster's own HTTP port.
        let url: String
    }

    /// The line of a traceback that says what was raised, or else the last one.
    private static func cause(_ text: String) -> String {
        let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        let raised = lines.last { line in
            let name = line.prefix { $0 != ":" }
            return (name.hasSuffix("Error") || name.hasSuffix("Exception")) && !name.contains(" ")
        }
        return String((raised ?? lines.last ?? "no reason is told").prefix(1000))
    }

    /// Puts an application beside the others, or in the place of the one that has its name; blocks.
    func set(_ application: JSONValue) throws(GyreError) {
        try change { others in
            others + [application]
        } without: {
            $0 == application["name"]
        }
    }

    /// Takes an application away; blocks.
    func remove(_ name: String) throws(GyreError) {
        try change {
            $0
        } without: {
            $0 == .string(name)
        }
    }

    private func change(
        _ make: @Sendable ([JSONValue]) -> [JSONValue], without: @Sendable (JSONValue?) -> Bool
    ) throws(GyreError) {
        try changing.withLock { _ throws(GyreError) in
            let known = try Blocking.wait { () async throws(GyreError) in try await self.applications() }
            let others = (known["applications"]?.object?.members ?? []).compactMap { $0.value["deployed_app_config"] }
                .filter { !$0.isNull && !without($0["name"]) }
            let wanted: JSONValue = ["applications": .array(make(others))]
            _ = try Blocking.wait { () async throws(GyreError) in
                try await self.dashboard.exchange("PUT", "/api/serve/applications/", wanted.bytes, "application/json")
            }
        }
    }

    /// How an application stands; nil where the cluster has none of that name.
    func application(_ name: String) async throws(GyreError) -> Application? {
        let known = try await applications()
        guard let found = known["applications"]?[name] else { return nil }
        let host = known["http_options"]?["host"]?.string ?? "0.0.0.0"
        let reached = host == "0.0.0.0" || host == "::" ? URL(string: dashboard.address)?.host ?? "127.0.0.1" : host
        let root = known["http_options"]?["root_path"]?.string ?? ""
        // The application says that a deployment failed, and the deployment why.
        let messages = (found["deployments"]?.object?.members ?? []).map { $0.value["message"]?.string ?? "" }
        return Application(
            status: found["status"]?.string ?? "",
            message: Self.cause(([found["message"]?.string ?? ""] + messages).joined(separator: "\n")),
            url: "http://\(reached):\(known["http_options"]?["port"]?.int ?? 8000)\(root)"
                + (found["route_prefix"]?.string ?? ""))
    }

    private func applications() async throws(GyreError) -> JSONValue {
        try await dashboard.ask("GET", "/api/serve/applications/")
    }

    /// Sends a zip of code, where the cluster does not have it, and gives the address that its nodes find it by.
    func upload(_ zip: [UInt8], digest: String) async throws(GyreError) -> String {
        let name = "_gyre_pkg_\(digest).zip"
        do throws(GyreError) { _ = try await dashboard.exchange("GET", "/api/packages/gcs/\(name)") } catch {
            guard error.code == .notFound else { throw error }
            _ = try await dashboard.exchange("PUT", "/api/packages/gcs/\(name)", zip)
        }
        return "gcs://\(name)"
    }
}
