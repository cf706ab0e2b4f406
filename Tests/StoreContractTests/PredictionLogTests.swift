// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreCompute
import GyreMonitoring
import GyreNativeLibraries
import GyrePredictions
import GyreTestSupport
import Testing

/// What every prediction log must do; another adapter is one more kind.
@Suite struct PredictionLogTests {
    static let kinds = ["journal"]
    private static let engine = DuckDBEngine(
        search: NativeLibrary.Search(toolsFolder: Installed.toolsFolder, overrides: [:]), memoryLimitBytes: 1 << 30)

    private static func log(_ kind: String, in folder: TemporaryFolder) -> any PredictionLog {
        let clock = ManualClock(step: 1_000_000)
        return JournalPredictionLog(root: folder.path, tables: engine, segments: engine, now: { clock.now })
    }

    private static func prediction(
        _ id: String, endpoint: String = "e", version: Int = 1, at: Int64 = 100, event: Int64 = 10, error: String? = nil
    ) -> Prediction {
        Prediction(
            id: id, endpoint: endpoint, version: version, release: version, at: at, eventAt: event,
            latencyMicroseconds: 7, inputs: [1], score: error == nil ? 0.5 : nil, scoreKind: .probability,
            outputs: [:], error: error, circumstances: Prediction.Circumstances(chosenBy: "alone"))
    }

    @Test("what was written is found until and after its segment is closed, with its label", arguments: kinds)
    func found(kind: String) async throws {
        let folder = try TemporaryFolder()
        let log = Self.log(kind, in: folder)
        for number in 0..<5 { try log.append(Self.prediction("id-\(number)", at: Int64(number))) }
        try log.append(Self.prediction("broken", error: "It fails."))
        try await log.append([Label(id: "id-1", value: 1), Label(id: "none", value: 1)], endpoint: "e")
        for isClosed in [false, true] {
            if isClosed { #expect(try await log.closedSegments(all: true).map(\.rows) == [6]) }
            #expect(try await log.find("id-1", endpoint: "e")?["label"]?.double == 1)
            #expect(try await log.find("id-2", endpoint: "e")?["label"]?.double == nil)
            #expect(try await log.find("id-1", endpoint: "other") == nil)
            #expect(try await log.known(["id-1", "none", "id-4"], endpoint: "e") == ["id-1", "id-4"])
            #expect(Set(try await log.ids(beginningWith: "id-", endpoint: "e", limit: 3)).count == 3)
            let rows = try await log.rows(PredictionQuery(endpoint: "e", from: 0, to: 100))
            #expect(rows.map(\.id) == ["id-0", "id-1", "id-2", "id-3", "id-4", "broken"])
            #expect(rows.map(\.label) == [nil, 1, nil, nil, nil, nil] && rows.map(\.isError).suffix(1) == [true])
        }
        #expect(try await log.closedSegments(all: true).isEmpty, "nothing is closed twice")
    }

    @Test(
        "rows are those of the window, the version and the time of the answer, in the order of the answers",
        arguments: kinds)
    func windows(kind: String) async throws {
        let folder = try TemporaryFolder()
        let log = Self.log(kind, in: folder)
        var random = SplitMix(seed: 11)
        let all = (0..<60).map { number in
            Self.prediction(
                "p\(number)", version: Int.random(in: 1...2, using: &random), at: Int64(number),
                event: Int64.random(in: 0..<20, using: &random))
        }
        for (number, prediction) in all.enumerated() {
            try log.append(prediction)
            if number == 30 { _ = try await log.closedSegments(all: true) }
        }
        for _ in 0..<30 {
            let from = Int64.random(in: 0..<20, using: &random)
            let to = Int64.random(in: from...20, using: &random)
            let version = Bool.random(using: &random) ? 1 : nil
            var query = PredictionQuery(endpoint: "e", from: from, to: to, version: version)
            query.answeredFrom = Int64.random(in: 0..<60, using: &random)
            query.answeredBefore = Int64.random(in: query.answeredFrom...60, using: &random)
            let expected = all.filter {
                (from..<to).contains($0.eventAt) && (version ?? $0.version) == $0.version
                    && (query.answeredFrom..<query.answeredBefore).contains($0.at)
            }
            #expect(try await log.rows(query).map(\.id) == expected.map(\.id), "\(query)")
            query.newest = 3
            query.hasInputs = false
            #expect(try await log.rows(query).map(\.id) == expected.suffix(3).map(\.id), "\(query)")
        }
    }

    @Test("a label that comes again counts as it came last, also for what is closed", arguments: kinds)
    func labels(kind: String) async throws {
        let folder = try TemporaryFolder()
        let log = Self.log(kind, in: folder)
        try log.append(Self.prediction("a"))
        try await log.append([Label(id: "a", value: 0)], endpoint: "e")
        _ = try await log.closedSegments(all: true)
        try await log.append([Label(id: "a", value: 1)], endpoint: "e")
        #expect(try await log.rows(PredictionQuery(endpoint: "e", from: 0, to: 100)).map(\.label) == [1])
        #expect(try await log.find("a", endpoint: "e")?["label"]?.double == 1)
    }

    @Test("an endpoint that answered nothing has nothing", arguments: kinds)
    func empty(kind: String) async throws {
        let folder = try TemporaryFolder()
        let log = Self.log(kind, in: folder)
        #expect(try await log.rows(PredictionQuery(endpoint: "e", from: 0, to: 100)).isEmpty)
        #expect(try await log.find("a", endpoint: "e") == nil)
        #expect(try await log.closedSegments(all: true).isEmpty)
        #expect(try await log.known(["a"], endpoint: "e").isEmpty)
    }
}
