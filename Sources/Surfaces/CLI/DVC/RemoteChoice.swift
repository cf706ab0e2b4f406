// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDVC
internal import GyreObjectStores

/// The remotes of a repository, by name, as things that can be spoken to.
struct RemoteChoice: Sendable {
    let repository: Repository
    /// Transfers at the same time; nil for as many as suit.
    var jobs: Int?

    /// Lends the way to the remotes, and closes their connections afterwards.
    func with<Result: Sendable>(
        _ body: ((String?) async throws(GyreError) -> any ObjectRemote) async throws(GyreError) -> Result
    ) async throws(GyreError) -> Result {
        try await body { name async throws(GyreError) in try await remote(name) }
    }

    /// What proves to a Gyre who calls, where the settings say nothing: the token that commands use for that very server and no other.
    private func headers(_ url: String, _ values: [String: String]) -> [(String, String)] {
        guard values["auth"] == nil, let environment = CommandEnvironment.current else { return [] }
        let server = url.firstRange(of: "/dvc/").map { String(url[..<$0.lowerBound]) } ?? url
        let ours = environment.defaultServer == server ? environment.token : nil
        guard let token = ours ?? SavedCredentials.token(for: server) else { return [] }
        return [("authorization", "Bearer \(token)")]
    }

    private func below(_ other: String, _ path: String, _ name: String) async throws(GyreError) -> any ObjectRemote {
        let all = repository.settings.remotes
        guard var values = all.first(where: { $0.name == other })?.values, let url = values["url"] else {
            throw GyreError(.notFound, "The remote \"\(name)\" is below \"\(other)\", which is not there.")
        }
        let own = all.first { $0.name == name }?.values ?? [:]
        for (key, value) in own where key != "url" { values[key] = value }
        values["url"] = url + (path.isEmpty ? "" : "/" + path)
        return try await make(name, values)
    }

    private func remote(_ name: String?) async throws(GyreError) -> any ObjectRemote {
        let all = repository.settings.remotes
        guard let name = name ?? repository.settings.defaultRemote else {
            throw GyreError(
                .notFound,
                all.isEmpty ? "The repository has no remote." : "No remote is named, and none is the usual one.",
                fix: all.isEmpty ? "gyre dvc remote add -d storage URL" : "gyre dvc remote default \(all[0].name)")
        }
        guard let values = all.first(where: { $0.name == name })?.values, values["url"] != nil else {
            throw GyreError(
                .notFound, "There is no remote \"\(name)\".",
                fix: Nearest.fix(name, among: all.map(\.name), otherwise: "gyre dvc remote list"))
        }
        return try await make(name, values)
    }

    private func make(_ name: String, _ values: [String: String]) async throws(GyreError) -> any ObjectRemote {
        let url = values["url"] ?? ""
        let unknown = [
            "version_aware", "worktree", "sse", "sse_kms_key_id", "sse_customer_key", "acl", "grant_read",
            "ask_password",
        ]
        if let setting = unknown.first(where: { values[$0].map { $0.lowercased() != "false" } ?? false }) {
            throw GyreError(
                .unsupported, "The remote \"\(name)\" has the setting \"\(setting)\", which is not kept to.",
                fix: "Use dvc for this remote, or gyre dvc remote modify --unset \(name) \(setting)")
        }
        guard let scheme = url.firstRange(of: "://").map({ String(url[..<$0.lowerBound]) }) else {
            return LocalRemote(name: name, path: url)
        }
        switch scheme {
        case "http", "https":
            return try HTTPRemote(name: name, url: url, values: values, headers: headers(url, values), jobs: jobs)
        case "s3":
            let place = try await BucketPlace.find(
                url, settings: values, environment: repository.environment
            ) { try? Files.text($0) }
            let now = repository.now
            return BucketRemote(
                name: name, bucket: try Bucket(place) { now() / 1000 }, jobs: jobs ?? values["jobs"].flatMap { Int($0) }
            )
        case "remote":
            // remote://NAME/path: the settings of another remote, and a place below it.
            let parts = url.dropFirst(9).split(separator: "/", maxSplits: 1)
            let isChain = repository.settings.remotes.first { $0.name == parts.first ?? "" }?.values["url"]?
                .hasPrefix("remote://")
            guard let other = parts.first, isChain != true else {
                throw GyreError(.invalid, "The remote \"\(name)\" is below one that is below another.")
            }
            return try await below(String(other), parts.count > 1 ? String(parts[1]) : "", name)
        case "file": return LocalRemote(name: name, path: String(url.dropFirst(7)))
        default: break
        }
        throw GyreError(
            .unsupported, "The remote \"\(name)\" is of a kind that is not spoken: \(scheme).",
            why: "Folders, http(s) and s3 are.", fix: "gyre dvc remote modify \(name) url URL")
    }
}
