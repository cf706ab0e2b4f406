// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreHTTP

/// What a list of runs is asked for; every part of it is in the address.
struct RunSearch {
    let experiment: String
    let filter: String
    /// What was typed as order; a column that was pressed takes its place.
    let order: String
    let listing: Listing

    /// The columns that the server sorts by, and what it calls them.
    private static let columns = ["run": "run_name", "status": "status", "started": "start_time"]

    init(_ request: HTTPRequest) {
        experiment = request.query("experiment") ?? ""
        filter = request.query("filter") ?? ""
        order = request.query("order_by") ?? ""
        listing = Listing(request, keys: Set(Self.columns.keys), isFromServer: true)
    }

    /// The members of the API's query, without the place to go on from.
    var query: String {
        let sorted = listing.sort.flatMap { sort in
            Self.columns[sort.key].map { "attributes.\($0) \(sort.isDescending ? "DESC" : "ASC")" }
        }
        return [("experiment", experiment), ("filter", filter), ("order_by", sorted ?? order)]
            .filter { !$0.1.isEmpty }.map { "\($0.0)=\(Percent.encode($0.1))" }.joined(separator: "&")
    }
}

extension Console {
    func runs(_ request: HTTPRequest) async throws(GyreError) -> Page {
        let search = RunSearch(request)
        let after = request.query("after").map { "&after=\(Percent.encode($0))" } ?? ""
        let answer = try await get(API.RunList.self, "/runs?limit=100&\(search.query)\(after)")
        let experiments = try await get(API.ExperimentList.self, "/experiments").experiments
        let rows = answer.runs.map { run -> [Words] in
            [
                .choice(name: "id", value: run.id, label: "Compare \(run.id)"),
                .link(run.name, to: Percent.path("runs", run.id)), .state(run.status), .milliseconds(run.startMs),
                Self.metrics(run.metrics.object?.members ?? []),
            ]
        }
        let table = Table(
            "Runs", ["Compare", "Run", "Status", "Started", "Metrics"], rows,
            empty: EmptyState("No run fits. Point a client here:", command: "export MLFLOW_TRACKING_URI=…"),
            listing: search.listing, next: answer.next.map { ("after", JSONValue.array($0).text) })
        return Page("Runs", in: .runs) {
            Form(
                .search,
                fields: [
                    Self.experiments(experiments, chosen: search.experiment),
                    .text(
                        "Filter", name: "filter", value: search.filter,
                        example: "metrics.auc > 0.7 AND params.rows = '100'"),
                    .text("Order", name: "order_by", value: search.order, example: "metrics.auc DESC"),
                ], buttons: [Form.Button("Search")])
            Selection(
                address: "/compare", button: "Compare the chosen runs", table: table,
                links: Links(
                    .link("Compare all that fit", to: "/compare?\(search.query)"),
                    .link("CSV", to: "/api/gyre/v1/runs/export?format=csv&\(search.query)"),
                    .link("JSON", to: "/api/gyre/v1/runs/export?format=json&\(search.query)")))
        }
    }

    /// A choice among experiments.
    static func experiments(_ experiments: [API.Experiment], chosen: String) -> Form.Field {
        let options = experiments.prefix(500).map { (value: $0.id, title: $0.name) }
        return .choice(
            "Experiment", name: "experiment", options: [(value: "", title: "All experiments")] + options, chosen: chosen
        )
    }

    /// The first five metrics of a run, and how many more it has.
    private static func metrics(_ members: [JSONObject.Member]) -> Words {
        let first = members.prefix(5).map { Words.several([.short($0.name, 60), .figure($0.value.double)]) }
        return .list(first + (members.count > 5 ? ["\(members.count - 5) more"] : []), separator: " · ")
    }
}
