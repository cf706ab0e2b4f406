// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreDelivery
import GyreSearch
import GyreTestSupport
import GyreTracing
import Testing

@Suite struct PredictionTracesTests {
    @Test("as many requests are traced as somebody asked for, with the version that answered")
    func traced() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("scale 2")
        _ = try world.traces.set(
            ["trace_level": ["TIMESTAMPS"], "trace_rate": ["2"], "trace_count": ["3"]], of: DeliveryWorld.endpoint)
        await world.ask(20)
        let traces = try await stored(world, count: 3)
        #expect(traces.count == 3)
        #expect(traces.allSatisfy { $0.tags["gyre.model"] == "delay@1" && $0.state == .ok })
        let spans = try await world.tracing.store.spans(of: traces[0].id)
        #expect(spans.first?.name == "predict delay" && spans.contains { $0.name == "run" })
        #expect(world.traces.settings(of: DeliveryWorld.endpoint).count == 0)
        #expect(!world.traces.settings(of: nil).isOn)
    }

    @Test("a failure is traced as one")
    func failure() async throws {
        let world = try DeliveryWorld()
        try await world.deploy("fail")
        _ = try world.traces.set(["trace_level": ["TIMESTAMPS"], "trace_rate": ["1"]], of: nil)
        await world.ask(1)
        #expect(try await stored(world, count: 1).map(\.state) == [.error])
    }

    @Test("a setting that there is not is refused and changes nothing")
    func refused() async throws {
        let world = try DeliveryWorld()
        for wrong in [["trace_rate": ["0"]], ["trace_level": ["TENSORS"]], ["trace_file": ["/tmp/x"]], ["x": ["1"]]] {
            #expect(throws: GyreError.self) { try world.traces.set(wrong, of: nil) }
        }
        #expect(world.traces.settings(of: nil) == world.traces.settings(of: "any"))
    }

    /// Traces leave beside the requests: this waits until so many are kept, as long as the test run allows.
    private func stored(_ world: DeliveryWorld, count: Int) async throws -> [TraceInfo] {
        while true {
            if let experiment = try await world.tracking.store.experiment(named: PredictionTraces.experiment) {
                let page = try await world.tracing.store.search(
                    TraceQuery(experimentIDs: [experiment.id], filter: try Filter("")))
                if page.ids.count >= count { return try await world.tracing.store.traces(page.ids) }
            }
            await Task.yield()
        }
    }
}
