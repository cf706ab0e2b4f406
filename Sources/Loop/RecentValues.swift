// SPDX-License-Identifier: Apache-2.0

/// Values by id, of which the oldest leave when there are too many.
struct RecentValues<Value: Sendable>: Sendable {
    private var values: [String: Value] = [:]
    private var order: [String] = []
    private var oldest = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    mutating func insert(_ value: Value, for id: String) {
        values[id] = value
        order.append(id)
        guard order.count - oldest > limit else { return }
        values[order[oldest]] = nil
        oldest += 1
        // The front of the list is given back now and then, not one by one.
        if oldest > limit {
            order.removeFirst(oldest)
            oldest = 0
        }
    }

    mutating func remove(_ id: String) -> Value? { values.removeValue(forKey: id) }
}
