// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreCompute
import GyreMonitoring
import GyreNativeLibraries
import GyrePredictions
import GyreTestSupport
import Synchronization
import Testing

@Suite struct PredictionJournalTests {
    private static let engine = DuckDBEngine(
        search: NativeLibrary.Search(toolsFolder: Installed.toolsFolder, overrides: [:]), memoryLimitBytes: 1 << 30)

    private static func prediction(_ id: String, endpoint: String = "m", text: String, kind: ScoreKind?) -> Prediction {
        Prediction(
            id: id, endpoint: endpoint, version: 1, release: 1, at: 10, eventAt: 10, latencyMicroseconds: 7,
            inputs: [.nan, 2.5], texts: [text, nil], score: 0.25, scoreKind: kind,
            outputs: ["label": [.string(text)]], error: nil, circumstances: Prediction.Circumstances(chosenBy: "alone"))
    }

    @Test("a prediction is found with all that was written, in the journal and in the segment that it becomes")
    func find() async throws {
        let folder = try TemporaryFolder()
        let log = JournalPredictionLog(root: folder.path, tables: Self.engine, segments: Self.engine, now: { 20 })
        let text = "a\u{0}b\u{1}\"\\u0000\n\u{1F600}" + String(repeating: "long ", count: 60_000)
        try log.append(Self.prediction("one", text: text, kind: .probability))
        try log.append(Self.prediction("two", text: "", kind: nil))
        try await log.append([Label(id: "one", value: 1)], endpoint: "m")
        for isClosed in [false, true] {
            if isClosed { #expect(try await log.closedSegments(all: true).map(\.rows) == [2]) }
            let found = try #require(try await log.find("one", endpoint: "m"))
            #expect(found["t"] == [.string(text), .null] && found["y"] == ["label": [.string(text)]])
            #expect(found["label"]?.double == 1 && found["kind"] == "probability" && found["x"] == [.null, 2.5])
            let rows = try await log.rows(PredictionQuery(endpoint: "m", from: 0, to: 100))
            #expect(Set(rows.map(\.scoreKind)) == [.probability, nil] && rows.count == 2)
            #expect(try await log.counts("m").array?.first?["labels"] == 1)
        }
    }

    @Test("counts follow what is written after they were asked for")
    func counts() async throws {
        let folder = try TemporaryFolder()
        let log = JournalPredictionLog(root: folder.path, tables: Self.engine, segments: Self.engine, now: { 20 })
        for number in 1...3 {
            try log.append(Self.prediction("\(number)", text: "x", kind: nil))
            #expect(try await log.counts("m").array?.first?["predictions"] == .int(Int64(number)))
            #expect(try await log.counts("m").array?.first?["predictions"] == .int(Int64(number)))
        }
    }

    @Test("what a killed process left of a line is cut off, and a journal that it was about to close becomes a segment")
    func mended() async throws {
        let folder = try TemporaryFolder()
        let first = JournalPredictionLog(root: folder.path, tables: Self.engine, segments: Self.engine, now: { 20 })
        try first.append(Self.prediction("one", text: "x", kind: nil))
        let journal = "\(folder.path)/m/open.jsonl"
        let whole = try #require(FileManager.default.contents(atPath: journal))
        try (whole + Data("{\"id\":\"half".utf8)).write(to: URL(fileURLWithPath: journal))
        try whole.write(to: URL(fileURLWithPath: "\(folder.path)/m/closing-5.jsonl"))
        let second = JournalPredictionLog(root: folder.path, tables: Self.engine, segments: Self.engine, now: { 30 })
        try second.append(Self.prediction("two", text: "x", kind: nil))
        #expect(try await second.closedSegments(all: false).map(\.name) == ["5"])
        #expect(try await second.closedSegments(all: true).map(\.rows) == [2])
    }

    @Test("whoever reads while journals become segments sees each prediction once")
    func readWhileClosing() async throws {
        let folder = try TemporaryFolder()
        let clock = ManualClock(step: 1)
        let log = JournalPredictionLog(
            root: folder.path, tables: Self.engine, segments: Self.engine, now: { clock.now })
        try log.append(Self.prediction("0", text: "x", kind: nil))
        let progress = Progress()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { progress.isDone.store(true, ordering: .releasing) }
                for _ in 0..<25 {
                    for _ in 0..<4 {
                        let number = progress.written.load(ordering: .acquiring)
                        try log.append(Self.prediction("\(number)", text: "x", kind: nil))
                        progress.written.add(1, ordering: .acquiringAndReleasing)
                    }
                    _ = try await log.closedSegments(all: true)
                }
            }
            for _ in 0..<3 {
                group.addTask {
                    while !progress.isDone.load(ordering: .acquiring) {
                        let before = progress.written.load(ordering: .acquiring)
                        let rows = try await log.rows(PredictionQuery(endpoint: "m", from: 0, to: 100))
                        #expect(rows.count >= before && Set(rows.map(\.id)).count == rows.count)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await log.counts("m").array?.first?["predictions"] == 101)
    }

    private final class Progress: Sendable {
        let written = Atomic(1)
        let isDone = Atomic(false)
    }

    @Test(
        "torn ends are cut off before anything is read, and lines longer than usual are read by a process that did not write them"
    )
    func torn() async throws {
        let folder = try TemporaryFolder()
        let long = String(repeating: "long ", count: 60_000)
        let first = JournalPredictionLog(root: folder.path, tables: Self.engine, segments: Self.engine, now: { 20 })
        try first.append(Self.prediction("one", text: long, kind: nil))
        try await first.append([Label(id: "one", value: 1)], endpoint: "m")
        for name in ["open.jsonl", "labels.jsonl"] {
            let file = try #require(FileHandle(forWritingAtPath: "\(folder.path)/m/\(name)"))
            try file.seekToEnd()
            try file.write(contentsOf: Data("{\"id\":\"half".utf8))
        }
        let second = JournalPredictionLog(root: folder.path, tables: Self.engine, segments: Self.engine, now: { 30 })
        #expect(try await second.find("one", endpoint: "m")?["label"]?.double == 1)
        try await second.append([Label(id: "one", value: 0)], endpoint: "m")
        try second.append(Self.prediction("two", text: "x", kind: nil))
        #expect(try await second.rows(PredictionQuery(endpoint: "m", from: 0, to: 100)).map(\.label) == [0, nil])
    }

    @Test("a segment that cannot be made, or recorded, keeps no other endpoint's from the ledger, and is told of again")
    func apart() async throws {
        let folder = try TemporaryFolder()
        let log = JournalPredictionLog(root: folder.path, tables: Self.engine, segments: Self.engine, now: { 20 })
        for endpoint in ["a", "b", "c"] {
            try log.append(Self.prediction("one", endpoint: endpoint, text: "x", kind: nil))
        }
        try FileManager.default.createDirectory(atPath: "\(folder.path)/a", withIntermediateDirectories: true)
        try Data("no JSON\n".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/a/closing-1.jsonl"))
        let recorded = Recorded()
        await #expect(throws: GyreError.self) {
            try await log.closeSegments(all: true) { segment throws(GyreError) in
                if segment.endpoint == "b" { throw GyreError(.unavailable, "The ledger is full.") }
                recorded.add("\(segment.endpoint) \(segment.wasMade)")
            }
        }
        #expect(recorded.all == ["c false"])
        #expect(try await log.counts("b").array?.first?["predictions"] == 1, "what is there twice counts once")
        await #expect(throws: GyreError.self) {
            try await log.closeSegments(all: true) { recorded.add("\($0.endpoint) \($0.wasMade)") }
        }
        #expect(recorded.all == ["c false", "b true"])
    }

    private final class Recorded: Sendable {
        private let content = Mutex<[String]>([])
        var all: [String] { content.withLock { $0 } }
        func add(_ text: String) { content.withLock { $0.append(text) } }
    }
}
