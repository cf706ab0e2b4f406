// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreRegistry
internal import GyreSearch
internal import GyreTracking

/// One search among logged models: a filter in which metrics may be held to certain datasets, and an order that may too.
struct LoggedModelSearch {
    private let filter: Filter
    private let datasets: [Dataset]
    private let orders: [(order: OrderBy, dataset: Dataset)]

    /// A dataset by its name, and by its digest where that is told.
    private struct Dataset {
        let name: String?
        let digest: String?

        func matches(_ point: MetricPoint) -> Bool {
            (name == nil || point.datasetName == name) && (digest == nil || point.datasetDigest == digest)
        }
    }

    init(_ arguments: Arguments) throws(GyreError) {
        filter = try SearchRules.loggedModels.filter(try arguments.optionalText("filter"))
        datasets = try arguments.objects("datasets").map { json throws(GyreError) in
            guard let name = json["dataset_name"]?.string, !name.isEmpty else {
                throw GyreError(.invalid, "`dataset_name` in the `datasets` clause must be specified.")
            }
            return Dataset(name: name, digest: json["dataset_digest"]?.string)
        }
        let asked = try arguments.objects("order_by")
        guard asked.count <= Limits.orderKeys else {
            throw GyreError(.invalid, "A search is ordered by at most \(Limits.orderKeys) keys. Got \(asked.count).")
        }
        orders = try asked.map { json throws(GyreError) in
            let field = json["field_name"]?.string ?? ""
            let parts = field.split(separator: ".", maxSplits: 1).map(String.init)
            let key =
                parts.count == 2 ? Filter.Key(entity: parts[0], name: parts[1]) : Filter.Key(entity: nil, name: field)
            let order = OrderBy(key: key, isAscending: json["ascending"]?.bool ?? true)
            if let entity = key.entity, entity != "metrics" {
                throw GyreError(
                    .invalid, "Invalid order by field name: \(field.prefix(80)). Only metrics are supported.")
            }
            try SearchRules.loggedModels.check(order)
            return (order, Dataset(name: json["dataset_name"]?.string, digest: json["dataset_digest"]?.string))
        }
    }

    /// The models that fit, in order; newest first where nothing else is asked.
    func select(
        _ models: [LoggedModel], _ metrics: [String: [ModelMetric]]
    ) throws(GyreError) -> [LoggedModel] {
        let found = models.filter { fits($0, metrics[$0.id] ?? []) }
        guard !orders.isEmpty else { return found }
        // The look-up tells orders by the same key apart by the datasets that they are held to.
        var sorted = found
        for (order, dataset) in orders.reversed() {
            sorted = try Search.sort(sorted, by: [order]) { key, model throws(GyreError) in
                guard key.entity == "metrics" else { return Self.attribute(key.name, model) }
                let points = (metrics[model.id] ?? []).map(\.point).filter { $0.key == key.name && dataset.matches($0) }
                return points.max { ($0.timestampMilliseconds, $0.step) < ($1.timestampMilliseconds, $1.step) }
                    .map { .double($0.value) }
            }
        }
        return sorted
    }

    private func fits(_ model: LoggedModel, _ metrics: [ModelMetric]) -> Bool {
        let points = metrics.map(\.point).filter { point in
            datasets.isEmpty || datasets.contains { $0.matches(point) }
        }
        let asksForMetrics = filter.clauses.contains { $0.key.entity == "metrics" }
        if !datasets.isEmpty, !asksForMetrics, points.isEmpty { return false }
        return filter.clauses.allSatisfy { clause in
            switch clause.key.entity {
            case "metrics": points.contains { $0.key == clause.key.name && clause.holds(for: .double($0.value)) }
            case "params": clause.textual.holds(for: model.params[clause.key.name].map { .string($0) })
            case "tags": clause.textual.holds(for: model.tags[clause.key.name].map { .string($0) })
            default:
                SearchRules.loggedModels.numbers.contains(clause.key.name)
                    ? clause.holds(for: Self.attribute(clause.key.name, model))
                    // What a model lacks is an empty text for the filter, and last in an order.
                    : clause.textual.holds(for: Self.attribute(clause.key.name, model) ?? "")
            }
        }
    }

    private static func attribute(_ name: String, _ model: LoggedModel) -> JSONValue? {
        switch name {
        case "name": .string(model.name)
        case "model_id": .string(model.id)
        case "model_type": model.modelType.isEmpty ? nil : .string(model.modelType)
        case "status": .string(model.status.replacing("LOGGED_MODEL_", with: ""))
        case "source_run_id": model.runID.isEmpty ? nil : .string(model.runID)
        case "experiment_id": .string(model.experimentID)
        case let name where name.hasPrefix("creation"): .int(model.createdMilliseconds)
        default: .int(model.updatedMilliseconds)
        }
    }
}

extension Filter.Clause {
    /// The clause with a number taken as the text that it is written as: this search takes texts without quotes.
    fileprivate var textual: Filter.Clause {
        guard case .number(let number) = operand else { return self }
        let text = number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : "\(number)"
        return Filter.Clause(key: key, comparison: comparison, operand: .text(text))
    }
}
