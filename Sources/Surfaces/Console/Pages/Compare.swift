// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

extension Console {
    /// The most runs that are compared, and the most cells that a table of differences has.
    private static let (mostCompared, mostCells) = (1000, 20_000)

    /// Up to 1,000 runs against each other; the address holds all that was chosen.
    func compare(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let search = RunSearch(request)
        let ids = request.query.filter { $0.name == "id" }.map(\.value)
        let picked = ids.prefix(Self.mostCompared).map { "id=\(Percent.encode($0))" }.joined(separator: "&")
        let query = picked.isEmpty ? search.query : picked
        let answer = try await get(API.RunList.self, "/runs?limit=\(Self.mostCompared)&\(query)")
        let runs = answer.runs
        // Chosen runs are all shown; of a search, as many as can be read side by side.
        let columns = ids.isEmpty ? Array(runs.prefix(100)) : runs
        let isWhole = columns.count == runs.count
        return Page("Compare runs", in: .runs, below: [("Runs", "/runs")]) {
            if ids.count > runs.count {
                Note(shown: runs.count, of: ids.count, "chosen runs")
            } else if ids.isEmpty, answer.next != nil {
                Note(
                    "More than \(runs.count) runs fit; compared are the first \(runs.count). Narrow the filter to choose others."
                )
            }
            Comparison(query: query)
            Section("Differences of \(isWhole ? "" : "the first ")\(columns.count) runs") {
                Note(shown: columns.count, of: runs.count, "runs", more: "The pictures above show all.")
                differences(
                    "params", columns, { $0.params.mapValues(JSONValue.string) }, empty: "The params are the same.")
                differences("metrics", columns, Self.metrics, empty: "The metrics are the same.")
            }
        }
    }

    /// A row for each name whose values are not all the same; values count, not how they are shown.
    private func differences(
        _ part: String, _ runs: [API.Run], _ values: (API.Run) -> [String: JSONValue], empty: EmptyState
    ) -> [any Part] {
        let all = runs.map(values)
        let differing = Set(all.flatMap(\.keys)).sorted().filter { name in
            runs.count == 1 || Set(all.map { Compared($0[name]) }).count > 1
        }
        let shown = differing.prefix(max(1, min(200, Self.mostCells / max(1, runs.count))))
        let rows = shown.map { name in [Words.short(name, 80)] + cells(all.map { $0[name] }) }
        let columns = runs.map { run in
            Table.Column(run.name, address: Percent.path("runs", run.id))
        }
        let title = "\(part.prefix(1).uppercased())\(part.dropFirst()) that differ"
        let table = Table(title, [""] + columns, rows, empty: empty)
        return [table] + (Note(shown: shown.count, of: differing.count, "\(part) that differ").map { [$0] } ?? [])
    }

    private static func metrics(_ run: API.Run) -> [String: JSONValue] {
        let members = run.metrics.object?.members ?? []
        return Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }

    /// Values side by side; where numbers that differ would look alike, all are written out.
    private func cells(_ values: [JSONValue?]) -> [Words] {
        let isAlike = Set(values.map(text)).count < Set(values.map(Compared.init)).count
        return values.map { value in
            guard case .double(let number)? = value else { return .short(text(value), 40) }
            return isAlike ? .text(Number.full(number)) : .figure(number)
        }
    }
}

/// A value as it is compared: what is no number is like itself, and 1 is like 1.0.
private enum Compared: Hashable {
    case none
    case number(Double)
    case notANumber
    case other(JSONValue)

    init(_ value: JSONValue?) {
        switch value {
        case nil, .null: self = .none
        case .some(let value):
            switch value {
            case .double(let number): self = number.isNaN ? .notANumber : .number(number)
            case .int(let number) where Int64(exactly: Double(number)) == number: self = .number(Double(number))
            default: self = .other(value)
            }
        }
    }
}
