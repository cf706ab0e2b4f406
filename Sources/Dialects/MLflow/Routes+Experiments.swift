// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP
internal import GyreSearch
internal import GyreTracking

extension MLflowDialect {
    var experimentRoutes: [(String, String, Call)] {
        [
            ("POST", "/experiments/create", createExperiment),
            ("POST", "/experiments/search", searchExperiments),
            ("GET", "/experiments/search", searchExperiments),
            (
                "GET", "/experiments/get",
                { arguments throws(GyreError) in
                    [
                        "experiment": Messages.experiment(
                            try await tracking.experiment(try arguments.text("experiment_id")))
                    ]
                }
            ),
            (
                "GET", "/experiments/get-by-name",
                { arguments throws(GyreError) in
                    let name = try arguments.text("experiment_name")
                    guard let found = try await tracking.store.experiment(named: name) else {
                        throw GyreError(.notFound, "Could not find experiment with name '\(name.prefix(200))'")
                    }
                    return ["experiment": Messages.experiment(found)]
                }
            ),
            (
                "POST", "/experiments/update",
                { arguments throws(GyreError) in
                    try await change(arguments, .rename(try arguments.text("new_name")))
                }
            ),
            ("POST", "/experiments/delete", { arguments throws(GyreError) in try await change(arguments, .delete) }),
            ("POST", "/experiments/restore", { arguments throws(GyreError) in try await change(arguments, .restore) }),
            (
                "POST", "/experiments/set-experiment-tag",
                { arguments throws(GyreError) in
                    let tag = KeyValue(try arguments.text("key"), try arguments.optionalText("value") ?? "")
                    return try await change(arguments, .setTag(tag))
                }
            ),
            (
                "POST", "/experiments/delete-experiment-tag",
                { arguments throws(GyreError) in
                    try await change(arguments, .deleteTag(try arguments.text("key")))
                }
            ),
        ]
    }

    /// The datasets that runs of these experiments used; a call that MLflow has for browsers alone.
    func searchDatasets(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let ids = try arguments.texts("experiment_ids")
        guard !ids.isEmpty else {
            throw GyreError(.invalid, "SearchDatasets request must specify at least one experiment_id.")
        }
        guard ids.count <= 20 else {
            throw GyreError(
                .invalid,
                "SearchDatasets request cannot specify more than 20 experiment_ids. Received \(ids.count) experiment_ids."
            )
        }
        let numbers = try ids.map { id throws(GyreError) in try Self.experimentID(id) }
        let summaries = try await tracking.store.datasets(in: numbers).map { dataset -> JSONValue in
            var json: JSONValue = [
                "experiment_id": .string(String(dataset.experimentID)), "name": .string(dataset.name),
                "digest": .string(dataset.digest),
            ]
            if let context = dataset.context { json["context"] = .string(context) }
            return json
        }
        return summaries.isEmpty ? [:] : ["dataset_summaries": .array(summaries)]
    }

    private func change(_ arguments: Arguments, _ change: ExperimentChange) async throws(GyreError) -> JSONValue {
        try await tracking.updateExperiment(try arguments.text("experiment_id"), change, by: arguments.actor)
        return [:]
    }

    private func createExperiment(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let location = try arguments.optionalText("artifact_location")
        if let location { try Self.checkLocation(location) }
        let experiment = try await tracking.createExperiment(
            try arguments.text("name"), artifactLocation: location?.isEmpty == true ? nil : location,
            tags: try Translate.pairs(try arguments.objects("tags"), "tags"), by: arguments.actor)
        return ["experiment_id": .string(String(experiment.id))]
    }

    private func searchExperiments(_ arguments: Arguments) async throws(GyreError) -> JSONValue {
        let filter = try SearchRules.experiments.filter(try arguments.optionalText("filter"))
        var orders = try SearchRules.experiments.orders(arguments)
        orders +=
            orders.isEmpty
            ? [try OrderBy("creation_time DESC"), try OrderBy("experiment_id ASC")]
            : [try OrderBy("experiment_id DESC")]
        let all = try await tracking.store.experiments(try Translate.view(try arguments.word("view_type")))
        let found = try Self.select(all, filter) { key, experiment throws(GyreError) in
            try Self.value(of: key, in: experiment)
        }
        let sorted = try Self.sort(found, by: orders) { key, experiment throws(GyreError) in
            key.name == "experiment_id" ? .int(experiment.id) : try Self.value(of: key, in: experiment)
        }
        return try Self.page("experiments", sorted.map(Messages.experiment), arguments, default: 1000, maximum: 50_000)
    }

    /// A place of the experiment's files, never one that climbs out of a folder or hides a part of itself.
    private static func checkLocation(_ location: String) throws(GyreError) {
        guard !location.contains("#"), !location.contains("?") else {
            throw GyreError(.invalid, "'artifact_location' URL can't include fragments or params.")
        }
        let decoded = Percent.decode(Percent.decode(location))
        guard !decoded.split(whereSeparator: { $0 == "/" || $0 == "\\" }).contains("..") else {
            throw GyreError(
                .invalid, "Invalid artifact location: '\(location.prefix(200))'.", why: "It must not contain '..'.")
        }
    }

    private static func value(of key: Filter.Key, in experiment: Experiment) throws(GyreError) -> JSONValue? {
        switch (key.entity, key.name) {
        case ("tag", _), ("tags", _): return experiment.tags.first { $0.key == key.name }.map { .string($0.value) }
        case (_, "name"): return .string(experiment.name)
        case (_, "experiment_id"): return .string(String(experiment.id))
        case (_, "creation_time"): return .int(experiment.createdMilliseconds)
        default: return .int(experiment.updatedMilliseconds)
        }
    }

    /// What a call's list is to be ordered by.
    static func orders(_ arguments: Arguments) throws(GyreError) -> [OrderBy] {
        let texts = try arguments.texts("order_by")
        guard texts.count <= Limits.orderKeys else {
            throw GyreError(.invalid, "A search is ordered by at most \(Limits.orderKeys) keys. Got \(texts.count).")
        }
        var orders: [OrderBy] = []
        for text in texts {
            let order = try OrderBy(text)
            guard !orders.contains(where: { $0.key == order.key }) else {
                throw GyreError(.invalid, "`order_by` contains duplicate fields: \(text.prefix(200))")
            }
            orders.append(order)
        }
        return orders
    }

    /// The elements that fit a filter.
    static func select<Element>(
        _ elements: [Element], _ filter: Filter, _ value: (Filter.Key, Element) throws(GyreError) -> JSONValue?
    ) throws(GyreError) -> [Element] {
        var selected: [Element] = []
        for element in elements where try filter.matches({ key throws(GyreError) in try value(key, element) }) {
            selected.append(element)
        }
        return selected
    }

    /// Sorts by several keys; what lacks a key comes last in both directions; ties keep their order.
    static func sort<Element>(
        _ elements: [Element], by orders: [OrderBy],
        _ value: (Filter.Key, Element) throws(GyreError) -> JSONValue?
    ) throws(GyreError) -> [Element] {
        guard !orders.isEmpty else { return elements }
        var keyed: [(keys: [JSONValue?], index: Int, element: Element)] = []
        for (index, element) in elements.enumerated() {
            var keys: [JSONValue?] = []
            for order in orders { keys.append(try value(order.key, element)) }
            keyed.append((keys, index, element))
        }
        keyed.sort { left, right in
            for (order, pair) in zip(orders, zip(left.keys, right.keys)) {
                switch pair {
                case (nil, nil): continue
                case (nil, _): return false
                case (_, nil): return true
                case (let one?, let other?):
                    if one == other { continue }
                    let isBefore =
                        if let one = one.double, let other = other.double { one < other } else {
                            (one.string ?? "") < (other.string ?? "")
                        }
                    return isBefore == order.isAscending
                }
            }
            return left.index < right.index
        }
        return keyed.map(\.element)
    }
}
