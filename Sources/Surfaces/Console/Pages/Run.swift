// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

extension Console {
    /// The most curves that a run's page draws, and the most metrics that it tells the latest value of beside them.
    private static let (mostCurves, mostFurther) = (24, 500)

    func run(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let run = try await get(API.Run.self, Percent.path("runs", request.parameter("id")))
        let isLive = run.status == "RUNNING"
        let metrics = try await metrics(of: run, isLive: isLive)
        let (models, traces) = (try await loggedModels(by: run), try await traces(of: run))
        return Page(run.name, in: .runs, below: [("Runs", "/runs")]) {
            Facts([
                ("Run", .text(run.id)), ("Status", .state(run.status)), ("Started", .milliseconds(run.startMs)),
                ("Ended", .milliseconds(run.endMs)), ("Lineage", .reference("run/\(run.id)")),
            ])
            if isLive { LiveStatus(run: run.id) }
            metrics
            pairs("Params", "Param", run.params, empty: "No param was logged.")
            pairs("Tags", "Tag", run.tags, empty: "No tag was set.")
            models
            traces
        }
    }

    /// A curve for each of the first 24 metrics, and a table of the others; a live run's script adds to both.
    private func metrics(of run: API.Run, isLive: Bool) async throws(GyreError) -> Section {
        let metrics = run.metrics.object?.members ?? []
        var charts: [Chart] = []
        for metric in metrics.prefix(Self.mostCurves) {
            let query = Percent.query([("points", "120"), ("metric", metric.name)])
            let history = try await get(API.History.self, Percent.path("runs", run.id, "history") + query)
            charts.append(
                Chart(
                    title: metric.name, run: run.id,
                    points: history.points.map { (x: Double($0.step), y: $0.value.double ?? .nan) }))
        }
        let rest = metrics.dropFirst(Self.mostCurves)
        let rows = rest.prefix(Self.mostFurther).map { metric -> [Words] in
            [.short(metric.name), .latest(metric: metric.name, metric.value.double)]
        }
        return Section("Metrics") {
            Charts(charts: charts, isLive: isLive)
            if !rows.isEmpty { Table("Further metrics", ["Metric", .number("Latest")], rows, empty: "") }
            Note(shown: rows.count, of: rest.count, "further metrics")
        }
    }

    /// The models that a run left behind; nil where there are none.
    private func loggedModels(by run: API.Run) async throws(GyreError) -> Section? {
        let query = Percent.query([("experiment", run.experiment), ("run", run.id)])
        let models = try await get(API.LoggedModelList.self, "/logged-models" + query).loggedModels
        return models.isEmpty ? nil : Section("Logged models") { loggedModels(models) }
    }

    /// The traces that a run left behind; nil where there are none.
    private func traces(of run: API.Run) async throws(GyreError) -> Section? {
        let query = Percent.query([("experiment", run.experiment), ("run", run.id)])
        let found = try await get(API.TraceList.self, "/traces\(query)&limit=50")
        let traces = found.traces
        guard !traces.isEmpty else { return nil }
        return Section("Traces") {
            self.traces(traces)
            if found.next != nil { Links(.link("All traces of the run", to: "/traces" + query)) }
        }
    }
}
