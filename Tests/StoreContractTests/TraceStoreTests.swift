// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreSQLite
import GyreSearch
import GyreTestSupport
import GyreTracing
import GyreTracking
import Testing

/// What every trace store must do; another adapter is one more kind.
@Suite struct TraceStoreTests {
    static let kinds = ["sqlite"]

    /// A store in which the experiments exist whose ids come with it.
    private static func store(
        _ kind: String, in folder: TemporaryFolder
    ) async throws -> (store: any TraceStore, experiments: [Int64]) {
        let database = try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 0 })
        let tracking = SQLiteTrackingStore(database)
        var experiments: [Int64] = []
        for name in ["one", "two"] {
            let draft = ExperimentDraft(name: name, artifactLocation: nil, tags: [], atMilliseconds: 1)
            experiments.append(try await tracking.createExperiment(draft) { _ in fact }.id)
        }
        return (SQLiteTraceStore(database), experiments)
    }

    private static let fact = Fact("test.done", Ref("thing", "a"), by: "test")

    private static func put(
        _ store: any TraceStore, _ id: String, _ experiment: Int64, at time: Int64 = 1, tags: [String: String] = [:]
    ) async throws {
        var info = TraceInfo(id: id, experimentID: experiment, requestMilliseconds: time, state: .ok)
        info.tags = tags
        info.metadata = ["m": id]
        let made = info
        let span = Span(
            traceID: id, id: "s1", parentID: nil, name: "root", startNanoseconds: 1, endNanoseconds: 2,
            status: Span.Status(code: "OK"), attributes: JSONObject([("a", 1)]), events: [], links: [])
        try await store.change([id]) { _ throws(GyreError) in [TraceChange(info: made, spans: [span])] }
    }

    @Test("a trace is read back with tags, metadata and spans, in the order that is asked for", arguments: kinds)
    func stored(kind: String) async throws {
        let folder = try TemporaryFolder()
        let (store, experiments) = try await Self.store(kind, in: folder)
        for id in ["t1", "t2"] { try await Self.put(store, id, experiments[0], tags: ["k": id]) }
        let found = try await store.traces(["t2", "none", "t1"])
        #expect(found.map(\.id) == ["t2", "t1"] && found.map { $0.tags["k"] } == ["t2", "t1"])
        #expect(found[0].metadata == ["m": "t2"])
        let span = try #require(try await store.spans(of: "t1").first)
        #expect(span.name == "root" && span.attributes["a"] == 1)
        #expect(try await store.spanCount(of: "t1") == 1)
        #expect(try await store.spanCount(of: "none") == 0)
    }

    @Test("a change that is refused leaves nothing behind", arguments: kinds)
    func refused(kind: String) async throws {
        let folder = try TemporaryFolder()
        let (store, experiments) = try await Self.store(kind, in: folder)
        try await Self.put(store, "t1", experiments[0], tags: ["k": "old"])
        await #expect(throws: GyreError.self) {
            try await store.change(["t1"]) { stored throws(GyreError) in
                #expect(stored["t1"]?.info.tags["k"] == "old" && stored["t1"]?.spans.count == 1)
                throw GyreError(.invalid, "No.")
            }
        }
        #expect(try await store.traces(["t1"]).first?.tags["k"] == "old")
    }

    @Test("pages of a search hold each trace once, newest first, while traces are added", arguments: kinds)
    func search(kind: String) async throws {
        let folder = try TemporaryFolder()
        let (store, experiments) = try await Self.store(kind, in: folder)
        for number in 0..<25 { try await Self.put(store, "t\(number)", experiments[0], at: Int64(number % 6)) }
        try await Self.put(store, "elsewhere", experiments[1])
        var query = TraceQuery(experimentIDs: [experiments[0]], filter: try Filter(""))
        query.limit = 4
        var seen: [String] = []
        repeat {
            let page = try await store.search(query)
            seen += page.ids
            query.after = page.next
            try await Self.put(store, "new\(seen.count)", experiments[0], at: 1000)
        } while query.after != nil
        #expect(Set(seen) == Set((0..<25).map { "t\($0)" }) && seen.count == 25)
        let times = seen.map { (Int($0.dropFirst()) ?? 0) % 6 }
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 >= $1 })
        #expect(try await store.count(in: experiments, [try Filter("")]) == 26 + 7)
    }

    @Test(
        "only the experiment's own traces are removed, the oldest first, and the fact tells how many", arguments: kinds)
    func delete(kind: String) async throws {
        let folder = try TemporaryFolder()
        let (store, experiments) = try await Self.store(kind, in: folder)
        for number in 1...3 { try await Self.put(store, "t\(number)", experiments[0], at: Int64(number)) }
        try await Self.put(store, "other", experiments[1])
        func delete(_ selection: TraceSelection) async throws -> Int {
            try await store.delete(selection) { _ in Self.fact }
        }
        #expect(try await delete(.ids(["other", "t3"], experimentID: experiments[0])) == 1)
        #expect(try await delete(.upTo(2, most: 1, experimentID: experiments[0])) == 1)
        #expect(try await store.traces(["t1", "t2", "t3", "other"]).map(\.id) == ["t2", "other"])
        #expect(try await store.spans(of: "t1").isEmpty)
    }

    @Test("a tag is removed once, and assessments are changed with what is there in hand", arguments: kinds)
    func parts(kind: String) async throws {
        let folder = try TemporaryFolder()
        let (store, experiments) = try await Self.store(kind, in: folder)
        try await Self.put(store, "t1", experiments[0], tags: ["k": "v"])
        try await store.deleteTag("k", of: "t1")
        let again = await #expect(throws: GyreError.self) { try await store.deleteTag("k", of: "t1") }
        #expect(again?.code == .notFound)
        let assessment = Assessment(
            id: "a1", name: "good", traceID: "t1", spanID: nil, sourceType: "HUMAN", sourceID: nil,
            content: .feedback(true, error: nil), rationale: nil, metadata: [:], overrides: nil,
            createdMilliseconds: 1, updatedMilliseconds: 1)
        try await store.changeAssessments(of: "t1") { stored throws(GyreError) in (stored + [assessment], Self.fact) }
        try await store.changeAssessments(of: "t1") { stored throws(GyreError) in
            #expect(stored == [assessment])
            return (stored, nil)
        }
        #expect(try await store.traces(["t1"]).first?.assessments == [assessment])
        let none = await #expect(throws: GyreError.self) {
            try await store.changeAssessments(of: "none") { stored throws(GyreError) in (stored, nil) }
        }
        #expect(none?.code == .notFound)
    }
}
