// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML
internal import GyreHTTP

extension Console {
    /// The most runs that are compared, and the most cells that a table of differences has.
    private static let (mostCompared, mostCells) = (1000, 20_000)

    /// Up to 1,000 runs against each other; the address holds all that was chosen.
    func compare(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let selection = Selection(request)
        let ids = request.query.filter { $0.name == "id" }.map(\.value)
        let picked = ids.prefix(Self.mostCompared).map { "id=\(Block.query($0))" }.joined(separator: "&")
        let query = picked.isEmpty ? selection.query : picked
        let answer = try await api("/runs?limit=\(Self.mostCompared)&\(query)")
        let runs = answer["runs"]?.array ?? []
        var note = HTML.empty
        if ids.count > runs.count {
            note = Block.cut(runs.count, of: ids.count, "chosen runs")
        } else if ids.isEmpty, answer["next"] != nil {
            note = .element(
                "p", [("class", "note")],
                HTML(
                    "More than \(runs.count) runs fit; compared are the first \(runs.count). Narrow the filter to choose others."
                ))
        }
        // Chosen runs are all shown; of a search, as many as can be read side by side.
        let columns = ids.isEmpty ? Array(runs.prefix(100)) : runs
        return Page(
            title: "Compare runs", section: "Runs",
            content: [
                note, pictures(query),
                Block.section(
                    columns.count == runs.count
                        ? "Differences of \(runs.count) runs" : "Differences of the first \(columns.count) runs",
                    Block.cut(columns.count, of: runs.count, "runs", HTML("The pictures above show all.")),
                    differences("params", columns, empty: "The params are the same."),
                    differences("metrics", columns, empty: "The metrics are the same.")),
            ])
    }

    private func pictures(_ query: String) -> HTML {
        func select(_ label: String, _ name: String) -> HTML {
            .element("label", [], HTML(label + " "), .element("select", [("name", name)], .empty), HTML(" "))
        }
        return .element("form", [("id", "comparison-controls")], select("Across", "x"), select("Metric", "y"))
            + .element(
                "div", [("id", "comparison"), ("data-query", query)],
                .element("figure", [("id", "scatter")], .empty), .element("figure", [("id", "parallel")], .empty))
    }

    /// A row for each name whose values are not all the same; values count, not how they are shown.
    private func differences(_ part: String, _ runs: [JSONValue], empty: String) -> HTML {
        let names = Set(runs.flatMap { ($0[part]?.object?.members ?? []).map(\.name) }).sorted()
        let differing = names.filter { name in
            runs.count == 1 || Set(runs.map { Compared($0[part]?[name]) }).count > 1
        }
        let shown = differing.prefix(max(1, min(200, Self.mostCells / max(1, runs.count))))
        let rows = shown.map { name in [Block.short(name, 80)] + cells(runs.map { $0[part]?[name] }) }
        let header = [""] + runs.map { text($0["name"]) }
        return Block.table(
            "\(part.prefix(1).uppercased())\(part.dropFirst()) that differ", header, rows, empty: empty,
            links: runs.map {
                "/runs/\(Block.query(text($0["id"])))"
            }) + Block.cut(shown.count, of: differing.count, "\(part) that differ")
    }

    /// Values side by side; where numbers that differ would look alike, all are written out.
    private func cells(_ values: [JSONValue?]) -> [HTML] {
        let isAlike = Set(values.map(text)).count < Set(values.map(Compared.init)).count
        return values.map { value in
            guard case .double(let number)? = value else { return Block.short(text(value), 40) }
            return isAlike ? HTML(Number.full(number)) : Block.figure(number)
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
