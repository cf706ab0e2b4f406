// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

extension RunCommand {
    struct Compare: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare runs: what differs in params and metrics, and how a metric went.",
            discussion: "Example: gyre run compare 0e3de8f5 7a11c0de --curve loss")
        @Argument(help: "The runs: their ids, the first digits of them, or their names.") var ids: [String]
        @Option(help: "Draw this metric of each run; may be repeated.") var curve: [String] = []
        @Flag(help: "Show also what is the same in all runs.") var all = false
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard (2...50).contains(ids.count) else {
                throw ValidationError("Give 2 to 50 runs; \(ids.count) are given.")
            }
        }

        func run() async throws {
            let query = Percent.query(ids.map { ("id", $0) })
            let (answer, curves) = try await connection.with { connection in
                let answer = try await connection.get(API.RunList.self, "/runs" + query)
                var curves: [[String]] = []
                for metric in curve {
                    for run in answer.runs {
                        let values = try await connection.values(of: metric, run.id)
                        curves.append([
                            metric, run.name, Sparkline.text(values), Cell.text(values.min()), Cell.text(values.max()),
                            Cell.text(values.last),
                        ])
                    }
                }
                return (answer, curves)
            }
            // Without the place of a next page: the runs were named.
            let told: JSONValue = ["runs": answer.json["runs"] ?? []]
            output.render(told, ids: answer.runs.map(\.id)) {
                var text = TextTable(["WHAT"] + answer.runs.map(\.name), rows(answer.json["runs"]?.array ?? [])).text(
                    empty: "The runs are the same.")
                if !curves.isEmpty {
                    text +=
                        "\n\n" + TextTable(["METRIC", "RUN", "CURVE", "MIN", "MAX", "LAST"], curves).text(empty: "")
                }
                return text
            }
        }

        private func rows(_ runs: [JSONValue]) -> [[String]] {
            var rows: [[String]] = []
            for part in ["params", "metrics"] {
                let names = Set(runs.flatMap { ($0[part]?.object?.members ?? []).map(\.name) }).sorted()
                for name in names {
                    let values = runs.map { $0[part]?[name] ?? .null }
                    // Two values may look alike in a cell and differ all the same.
                    guard all || Set(values).count > 1 else { continue }
                    rows.append(["\(part).\(name)"] + Self.cells(values))
                }
            }
            return rows
        }

        /// Values as cells; where some that differ would look alike, all are written out.
        private static func cells(_ values: [JSONValue]) -> [String] {
            let short = values.map { String(Cell.text($0).prefix(24)) }
            if Set(short).count == Set(values).count { return short }
            return values.map { $0.string ?? ($0.isNull ? "-" : $0.text) }
        }
    }

    struct Best: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The best runs by a metric.",
            discussion: "Example: gyre run best --metric auc --filter \"params.rows = '100'\"")
        @Option(help: "The metric.") var metric: String
        @Flag(help: "The smallest value is the best one.") var smallest = false
        @Option(help: "Only of this experiment: its name or id.") var experiment: String?
        @Option(help: "MLflow's filter language.") var filter: String?
        @Option(help: "At most this many.") var limit = 5
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let order = "metrics.`\(metric)` \(smallest ? "ASC" : "DESC")"
            let path =
                "/runs"
                + Percent.query([
                    ("limit", String(limit)), ("order_by", order), ("experiment", experiment), ("filter", filter),
                ])
            let (runs, curves) = try await connection.with { connection in
                let all = try await connection.get(API.RunList.self, path).json["runs"]?.array ?? []
                let runs = try all.map { try Answer<API.Run>($0) }.filter { $0.metrics[metric] != nil }
                var curves: [String] = []
                for run in runs { curves.append(Sparkline.text(try await connection.values(of: metric, run.id))) }
                return (runs, curves)
            }
            output.render(["runs": .array(runs.map(\.json))], ids: runs.map(\.id)) {
                TextTable(
                    ["RUN", "NAME", metric.uppercased(), "CURVE", "PARAMS"],
                    zip(runs, curves).map { run, curve in
                        let params = (run.json["params"]?.object?.members ?? []).prefix(5).map {
                            "\($0.name)=\(Cell.text($0.value).prefix(20))"
                        }
                        return [
                            String(run.id.prefix(8)), run.name, Cell.text(run.metrics[metric]), curve,
                            params.joined(separator: " "),
                        ]
                    }
                ).text(empty: "No run has the metric \"\(metric)\".")
            }
        }
    }
}

extension Connection {
    /// The values of a metric of a run, in order; those that are no numbers are left out.
    fileprivate func values(of metric: String, _ run: String) async throws(GyreError) -> [Double] {
        let path = Percent.path("runs", run, "history") + Percent.query([("metric", metric)])
        return try await get(API.History.self, path).points.compactMap(\.value.double)
    }
}

/// A curve in one line of text.
enum Sparkline {
    private static let marks = Array("▁▂▃▄▅▆▇█")

    static func text(_ values: [Double], width: Int = 24) -> String {
        let finite = values.filter(\.isFinite)
        guard finite.count > 1, let low = finite.min(), let high = finite.max() else { return "" }
        let count = min(width, finite.count)
        return String(
            (0..<count).map { place in
                let value = finite[place * (finite.count - 1) / max(1, count - 1)]
                let height = high > low ? (value - low) / (high - low) : 0.5
                return marks[min(marks.count - 1, Int(height * Double(marks.count)))]
            })
    }
}
