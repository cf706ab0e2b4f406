// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

extension Console {
    /// Of how many versions the checks are shown.
    private static let mostChecked = 5

    func data(_ request: HTTPRequest) async throws(GyreError) -> Page {
        var seen: Set<String> = []
        let newest = (try await api("/datasets")["versions"]?.array ?? []).filter {
            seen.insert(text($0["name"])).inserted
        }
        return Page("Data", in: .data) {
            versions(
                newest, caption: "Datasets",
                empty: EmptyState("No dataset has a version yet:", command: "gyre data add PATH"),
                listing: Listing(request))
        }
    }

    func dataset(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let name = request.parameter("name")
        let log = try await api(Percent.path("datasets", name))
        let all = log["versions"]?.array ?? []
        var checks: [Section] = []
        for version in all.prefix(Self.mostChecked) {
            let whole = try await api(Percent.path("datasets", name, "versions", text(version["id"])))
            let isAccepted = log["accepted"] == version["id"]
            let title = "Check of \(text(version["id"]))\(isAccepted ? " (accepted)" : "")"
            checks += (whole["checks"]?.array ?? []).map { check in
                Section(title) {
                    Sentence(Self.verdict(check), " ", .reference(text(check["ref"])))
                    BulletList(items: (check["failures"]?.strings ?? []).map { .text($0) })
                }
            }
        }
        return Page(name, in: .data, below: [("Data", "/data")]) {
            versions(all, caption: "Versions", empty: "It has no version.", listing: Listing(request))
            checks
            if all.count > Self.mostChecked {
                Note("Checks are shown of the newest \(Self.mostChecked) of \(all.count) versions.")
            }
        }
    }

    private static func verdict(_ check: JSONValue) -> Words {
        if check["success"]?.bool == true { return .state("passed") }
        return .state(check["blocking"]?.bool == true ? "failed" : "passed with warnings")
    }

    private func versions(_ versions: [JSONValue], caption: String, empty: EmptyState, listing: Listing) -> Table {
        Table(
            caption, ["Version", "Added", "By", .number("Files"), .number("Bytes"), "Message"],
            versions.map { version in
                let name = text(version["name"])
                return [
                    .several([.link(name, to: Percent.path("data", name)), .reference(text(version["ref"]))]),
                    .time(version["at"]?.int), .text(text(version["actor"])), Words(version["files"]),
                    .bytes(version["size_bytes"]?.int), .short(text(version["message"])),
                ]
            }, empty: empty, listing: listing)
    }
}
