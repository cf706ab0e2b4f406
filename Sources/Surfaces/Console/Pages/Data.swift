// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

extension Console {
    /// Of how many versions the checks are shown.
    private static let mostChecked = 5

    func data(_ request: HTTPRequest) async throws(GyreError) -> Page {
        var seen: Set<String> = []
        let newest = try await get(API.DatasetList.self, "/datasets").versions.filter { seen.insert($0.name).inserted }
        return Page("Data", in: .data) {
            versions(
                newest, caption: "Datasets",
                empty: EmptyState("No dataset has a version yet:", command: "gyre data add PATH"),
                listing: Listing(request))
        }
    }

    func dataset(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let name = request.parameter("name")
        let log = try await get(API.DatasetList.self, Percent.path("datasets", name))
        let all = log.versions
        var checks: [Section] = []
        for version in all.prefix(Self.mostChecked) {
            let whole = try await get(API.DatasetVersion.self, Percent.path("datasets", name, "versions", version.id))
            let title = "Check of \(version.id)\(log.accepted == version.id ? " (accepted)" : "")"
            checks += (whole.checks ?? []).map { check in
                Section(title) {
                    Sentence(Self.verdict(check), " ", .reference(check.ref))
                    BulletList(items: check.failures.map { .text($0) })
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

    private static func verdict(_ check: API.CheckOutcome) -> Words {
        if check.success { return .state("passed") }
        return .state(check.blocking ? "failed" : "passed with warnings")
    }

    private func versions(
        _ versions: [API.DatasetVersion], caption: String, empty: EmptyState, listing: Listing
    ) -> Table {
        Table(
            caption, ["Version", "Added", "By", .number("Files"), .number("Bytes"), "Message"],
            versions.map { version in
                [
                    .several([.link(version.name, to: Percent.path("data", version.name)), .reference(version.ref)]),
                    .time(version.at), .text(version.actor), .text(String(version.files)), .bytes(version.sizeBytes),
                    .short(version.message),
                ]
            }, empty: empty, listing: listing)
    }
}
