// SPDX-License-Identifier: Apache-2.0

package import GyreBase

extension InferenceGraph.Combiner {
    /// The one answer that these lists of predictions make, row by row; nil where they do not fit together.
    package func combine(_ lists: [JSONValue]) -> JSONValue? {
        let rows = lists.compactMap(\.array)
        guard let first = rows.first, rows.count == lists.count, rows.allSatisfy({ $0.count == first.count }) else {
            return nil
        }
        var combined: [JSONValue] = []
        for index in first.indices {
            let values = rows.map { $0[index] }
            switch self {
            case .mean:
                guard let mean = Self.mean(values) else { return nil }
                combined.append(mean)
            case .majority: combined.append(Self.majority(values))
            }
        }
        return .array(combined)
    }

    /// The mean of numbers, or of lists of them, place by place.
    private static func mean(_ values: [JSONValue]) -> JSONValue? {
        let numbers = values.compactMap(\.double)
        if numbers.count == values.count { return .double(numbers.reduce(0, +) / Double(numbers.count)) }
        let lists = values.compactMap(\.array)
        guard let first = lists.first, lists.count == values.count, lists.allSatisfy({ $0.count == first.count }) else {
            return nil
        }
        var means: [JSONValue] = []
        for index in first.indices {
            guard let mean = mean(lists.map { $0[index] }) else { return nil }
            means.append(mean)
        }
        return .array(means)
    }

    private static func majority(_ values: [JSONValue]) -> JSONValue {
        var best = (value: JSONValue.null, votes: 0)
        for value in values {
            let votes = values.count { $0 == value }
            if votes > best.votes { best = (value, votes) }
        }
        return best.value
    }
}
