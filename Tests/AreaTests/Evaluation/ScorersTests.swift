// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreEvaluation
import GyreLedger
import GyreTestSupport
import Testing

/// Versions of scorers.
@Suite struct ScorersTests {
    private let scorers = Scorers(store: MemoryLedgerStore(now: { 0 }), surroundings: .still)

    @Test("versions count from 1 and share an id; other names and experiments have their own")
    func versions() async throws {
        let first = try await scorers.register("judge", "{}", experimentID: "1", by: "ann")
        let second = try await scorers.register("judge", "{\"v\": 2}", experimentID: "1", by: "ann")
        let elsewhere = try await scorers.register("judge", "{}", experimentID: "2", by: "ann")
        #expect([first.version, second.version, elsewhere.version] == [1, 2, 1])
        #expect(first.id == second.id && first.id != elsewhere.id)
        #expect(first.id.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
        #expect(try await scorers.scorer("judge", nil, experimentID: "1") == second)
        #expect(try await scorers.scorer("judge", 1, experimentID: "1") == first)
        #expect(try await scorers.scorers(nil, experimentID: "1").count == 2)
    }

    @Test("a scorer whose name begins like another's is not taken for it")
    func names() async throws {
        _ = try await scorers.register("judge@2", "{}", experimentID: "1", by: "ann")
        let judge = try await scorers.register("judge", "{}", experimentID: "1", by: "ann")
        #expect(judge.version == 1)
        _ = try await scorers.register("judge@2", "{}", experimentID: "1", by: "ann")
        #expect(try await scorers.scorer("judge", nil, experimentID: "1") == judge)
        try await scorers.delete("judge", nil, experimentID: "1", by: "ann")
        #expect(try await scorers.scorers("judge@2", experimentID: "1").map(\.version) == [1, 2])
    }

    @Test("one version goes, or all of them; one that is not there is told")
    func delete() async throws {
        for _ in 1...3 { _ = try await scorers.register("judge", "{}", experimentID: "1", by: "ann") }
        try await scorers.delete("judge", 2, experimentID: "1", by: "ann")
        #expect(try await scorers.scorers("judge", experimentID: "1").map(\.version) == [1, 3])
        let error = await #expect(throws: GyreError.self) {
            try await scorers.delete("judge", 2, experimentID: "1", by: "ann")
        }
        #expect(error?.what == "Scorer with name 'judge' and version 2 not found for experiment 1.")
        try await scorers.delete("judge", nil, experimentID: "1", by: "ann")
        await #expect(throws: GyreError.self) { try await scorers.scorer("judge", nil, experimentID: "1") }
    }
}
