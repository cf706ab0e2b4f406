// SPDX-License-Identifier: Apache-2.0

/// Values by id, of which the oldest leave when there are too many.
struct RecentValues<Value: Sendable>: Sendable {
    private var values: [String: (value: Value, number: Int)] = [:]
    private var order: [(id: String, number: Int)] = []
    private var next = 0
    private var oldest = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    mutating func insert(_ value: Value, for id: String) {
        values[id] = (value, next)
        order.append((id, next))
        next += 1
        guard order.count - oldest > limit else { return }
        // An id that came again is younger than its first entry.
        if values[order[oldest].id]?.number == order[oldest].number { values[order[oldest].id] = nil }
        oldest += 1
        // The front of the list is given back now and then, not one by one.
        if oldest > limit {
            order.removeFirst(oldest)
            oldest = 0
        }
    }

    mutating func remove(_ id: String) -> Value? { values.removeValue(forKey: id)?.value }
}
