// SPDX-License-Identifier: Apache-2.0

import GyreTestSupport
import GyreTracing
import Testing

/// Figures over many traces.
@Suite struct FiguresTests {
    @Test("values are summed up as they are asked for")
    func aggregations() {
        let values = [1.0, 2, 3, 10]
        let expected: [(Tracing.Aggregation, Double)] = [
            (.count, 4), (.sum, 16), (.average, 4), (.minimum, 1), (.maximum, 10), (.percentile(0), 1),
            (.percentile(50), 2.5), (.percentile(100), 10),
        ]
        for (aggregation, value) in expected { #expect(aggregation.value(values) == value) }
        #expect(Tracing.Aggregation.percentile(99).value([7]) == 7)
    }

    @Test("percentiles never fall and stay between the least and the greatest value", arguments: 1...50)
    func percentiles(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let values = (0..<Int.random(in: 1...50, using: &random)).map { _ in Double.random(in: -5...5, using: &random) }
            .sorted()
        let found = (0...100).map { Tracing.Aggregation.percentile(Double($0)).value(values) }
        #expect(zip(found, found.dropFirst()).allSatisfy { $0 <= $1 + 1e-12 }, "seed \(seed)")
        #expect(found.first == values.first && abs((found.last ?? 0) - (values.last ?? 0)) < 1e-12, "seed \(seed)")
    }

    @Test("filters that find the same traces go together, those that never do are apart")
    func correlation() {
        #expect(Tracing.correlation(10, 10, joint: 10, total: 100).plain == 1)
        #expect(Tracing.correlation(10, 10, joint: 0, total: 100).plain == -1)
        #expect(abs(Tracing.correlation(50, 50, joint: 25, total: 100).plain ?? 1) < 1e-12)
        #expect(Tracing.correlation(0, 10, joint: 0, total: 100).plain == nil)
        #expect(Tracing.correlation(100, 100, joint: 100, total: 100).plain == 1)
    }

    @Test("what is told apart by tokens or cost can also be summed")
    func offers() {
        let summed = FigureQuery.offered.filter { $0.aggregations.contains("SUM") }.map(\.metric)
        #expect(summed.count == 8 && summed.allSatisfy { $0.hasSuffix("tokens") || $0.hasSuffix("cost") })
    }
}
