// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreSearch

/// What the searches of one noun may ask for, so that a filter that means nothing is refused instead of finding nothing.
struct SearchRules {
    /// Words that may stand before an attribute; a bare name is always one.
    var attributeWords: Set<String> = ["attribute"]
    /// Attributes that are texts, with the comparisons that they take.
    var texts: [String: Set<Filter.Comparison>] = [:]
    /// Attributes that are whole numbers.
    var numbers: Set<String> = []
    /// Whether a number may stand in quotes.
    var takesQuotedNumbers = false
    /// Further groups of texts: the words that stand before their keys, and the comparisons.
    var groups: [String: Set<Filter.Comparison>] = [:]
    /// Groups of numbers.
    var numberGroups: Set<String> = []
    /// Attributes to order by.
    var orders: Set<String> = []
    /// Groups to order by.
    var orderGroups: Set<String> = []

    static let plain: Set<Filter.Comparison> = [.equal, .notEqual, .like, .ilike]
    static let listed: Set<Filter.Comparison> = plain.union([.isIn, .isNotIn])
    static let nullable: Set<Filter.Comparison> = plain.union([.isNull, .isNotNull])
    private static let numeric: Set<Filter.Comparison> = [
        .equal, .notEqual, .greater, .greaterOrEqual, .less, .lessOrEqual,
    ]

    static let experiments = SearchRules(
        texts: ["name": plain, "experiment_id": [.equal, .notEqual, .isIn, .isNotIn]],
        numbers: ["creation_time", "last_update_time"], groups: ["tag": nullable, "tags": nullable],
        orders: ["name", "experiment_id", "creation_time", "last_update_time"])
    static let models = SearchRules(
        texts: ["name": listed], groups: ["tag": plain, "tags": plain],
        orders: ["name", "timestamp", "last_updated_timestamp"])
    static let versions = SearchRules(
        texts: ["name": listed, "run_id": listed, "source_path": plain], numbers: ["version_number"],
        takesQuotedNumbers: true, groups: ["tag": plain, "tags": plain],
        orders: ["name", "version_number", "creation_timestamp", "last_updated_timestamp"])
    static let loggedModels = SearchRules(
        attributeWords: ["attributes"],
        texts: [
            "name": listed, "model_id": listed, "model_type": listed, "source_run_id": listed, "experiment_id": listed,
            "status": listed,
        ],
        numbers: [
            "creation_timestamp", "creation_time", "last_updated_timestamp", "creation_timestamp_ms",
            "last_updated_timestamp_ms",
        ], groups: ["params": listed, "tags": listed], numberGroups: ["metrics"],
        orders: [
            "name", "model_id", "model_type", "status", "experiment_id", "source_run_id", "creation_timestamp",
            "creation_time", "last_updated_timestamp",
        ], orderGroups: ["metrics"])
    static let datasets = SearchRules(
        attributeWords: [],
        texts: ["name": plain.union([.isIn]), "created_by": plain, "last_updated_by": plain],
        numbers: ["created_time", "last_update_time"], groups: ["tags": plain],
        orders: ["name", "created_time", "last_update_time"])

    /// A filter that fits.
    /// - Throws: `.invalid` naming what does not.
    func filter(_ text: String?) throws(GyreError) -> Filter {
        let filter = try Filter(text ?? "")
        for clause in filter.clauses { try check(clause) }
        guard takesQuotedNumbers else { return filter }
        return Filter(
            filter.clauses.map { clause in
                guard numbers.contains(clause.key.name), case .text(let text) = clause.operand,
                    let number = Double(text)
                else { return clause }
                return Filter.Clause(key: clause.key, comparison: clause.comparison, operand: .number(number))
            })
    }

    /// An order that fits.
    func orders(_ arguments: Arguments) throws(GyreError) -> [OrderBy] {
        let orders = try Search.orders(arguments)
        for order in orders { try check(order) }
        return orders
    }

    func check(_ order: OrderBy) throws(GyreError) {
        let (entity, name) = (order.key.entity, order.key.name)
        if let entity, orderGroups.contains(entity) { return }
        guard entity.map(attributeWords.contains) ?? true, self.orders.contains(name) else {
            let key = entity.map { "\($0).\(name)" } ?? name
            throw GyreError(
                .invalid, "Invalid order by key '\(key.prefix(80))' specified.",
                why: "Valid keys are \(Self.list(self.orders)).")
        }
    }

    private func check(_ clause: Filter.Clause) throws(GyreError) {
        let (entity, name) = (clause.key.entity, clause.key.name)
        if let entity, numberGroups.contains(entity) { return try checkNumber(clause, entity) }
        if let entity, let comparisons = groups[entity] { return try check(clause, comparisons, entity) }
        guard entity.map(attributeWords.contains) ?? true else {
            throw GyreError(
                .invalid, "Invalid entity type '\(entity?.prefix(80) ?? "")'.",
                why: "Valid entity types are \(Self.list(attributeWords.union(groups.keys).union(numberGroups))).")
        }
        if numbers.contains(name) { return try checkNumber(clause, "numeric attribute: \(name)") }
        guard let comparisons = texts[name] else {
            throw GyreError(
                .invalid, "Invalid attribute key '\(name.prefix(80))' specified.",
                why: "Valid keys are \(Self.list(numbers.union(texts.keys))).")
        }
        try check(clause, comparisons, "attributes")
    }

    private func check(
        _ clause: Filter.Clause, _ comparisons: Set<Filter.Comparison>, _ what: String
    ) throws(GyreError) {
        guard comparisons.contains(clause.comparison) else {
            throw GyreError(
                .invalid, "Invalid comparator '\(clause.comparison.rawValue)' for \(what).",
                why: "It takes \(Self.list(comparisons.map(\.rawValue))).")
        }
        if case .number(let number) = clause.operand, !numberGroups.contains("metrics") {
            throw GyreError(.invalid, "Expected a quoted string value for \(what). Got value \(number)")
        }
    }

    private func checkNumber(_ clause: Filter.Clause, _ what: String) throws(GyreError) {
        guard Self.numeric.contains(clause.comparison) else {
            throw GyreError(
                .invalid, "Invalid comparator '\(clause.comparison.rawValue)' for \(what).",
                why: "It takes \(Self.list(Self.numeric.map(\.rawValue))).")
        }
        switch clause.operand {
        case .number: return
        case .text(let text) where takesQuotedNumbers && Int64(text) != nil: return
        default:
            throw GyreError(.invalid, "Expected numeric value type for \(what).", fix: "Write a number without quotes.")
        }
    }

    private static func list(_ words: some Sequence<String>) -> String {
        "{\(words.sorted().map { "'\($0)'" }.joined(separator: ", "))}"
    }
}
