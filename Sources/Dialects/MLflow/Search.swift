// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreSearch

/// Filtering and ordering lists that are in memory.
enum Search {
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
