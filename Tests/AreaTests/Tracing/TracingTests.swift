// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreSQLite
import GyreSearch
import GyreTestSupport
import GyreTracing
import GyreTracking
import Testing

/// Traces: what their spans tell, what they say of themselves, and what others say about them.
@Suite struct TracingTests {
    private let folder: TemporaryFolder
    private let database: SQLiteDatabase
    private let tracing: Tracing

    init() async throws {
        folder = try TemporaryFolder()
        database = try SQLiteDatabase(path: folder.path + "/gyre.db", now: { 0 })
        let tracking = Tracking(store: SQLiteTrackingStore(database), surroundings: .still)
        for name in ["a", "b", "c"] { _ = try await tracking.createExperiment(name, by: "test") }
        tracing = Tracing(store: SQLiteTraceStore(database), surroundings: .still) { id throws(GyreError) in
            guard id < 100 else { throw GyreError(.notFound, "No Experiment with id=\(id) exists.") }
            return ("mlflow-artifacts:/\(id)", id == 9)
        }
    }

    private func span(
        _ id: String, of trace: String = "tr-1", in parent: String? = nil, from start: Int64 = 1_000_000_000,
        to end: Int64 = 2_000_000_000, status: String = "OK", _ attributes: JSONObject = JSONObject()
    ) -> Span {
        Span(
            traceID: trace, id: id, parentID: parent, name: "step", startNanoseconds: start, endNanoseconds: end,
            status: Span.Status(code: status), attributes: SpanAttributes.settled(attributes, traceID: trace),
            events: [], links: [])
    }

    private func attributes(_ json: JSONValue) -> JSONObject { json.object ?? JSONObject() }

    private func record(_ spans: [Span], experiment: Int64 = 1, run: String? = nil) async throws {
        try await tracing.record(
            Tracing.Batch(experimentID: experiment, spans: spans, tags: ["service.name": "shop"]), run: run)
    }

    @Test("spans alone make a trace: its time, state, previews, tokens and session come from them")
    func fromSpans() async throws {
        try await record([
            span(
                "a", from: 1_000_000_000, to: 5_000_000_000,
                attributes([
                    "mlflow.spanInputs": "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi?\"}]}",
                    "mlflow.spanOutputs":
                        "{\"choices\": [{\"message\": {\"role\": \"assistant\", \"content\": \"Hello.\"}}]}",
                    "session.id": "s1", "user.id": "u1", "mlflow.traceTag.color": "red",
                ])),
            span(
                "b", in: "a", from: 1_500_000_000, to: 2_000_000_000,
                attributes(["gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 4])),
        ])
        let info = try await tracing.trace("tr-1")
        #expect(info.requestMilliseconds == 1000 && info.durationMilliseconds == 4000 && info.state == .ok)
        #expect(info.requestPreview == "Hi?" && info.responsePreview == "Hello.")
        #expect(info.metadata[MetadataKey.session] == "s1" && info.metadata[MetadataKey.user] == "u1")
        #expect(
            info.metadata[MetadataKey.tokenUsage]
                == "{\"input_tokens\": 3, \"output_tokens\": 4, \"total_tokens\": 7}")
        #expect(info.tags["color"] == "red" && info.tags["service.name"] == "shop")
        #expect(info.tags[TagKey.artifactLocation] == "mlflow-artifacts:/1/traces/tr-1/artifacts")
        #expect(info.tags[TagKey.spansLocation] == TagKey.spansAreHere)
    }

    @Test("a span that is sent again takes the place of the first; what follows in later batches is counted too")
    func again() async throws {
        try await record([span("a", to: 0, attributes([:]))])
        #expect(try await tracing.trace("tr-1").durationMilliseconds == nil)
        try await record([span("a", to: 3_000_000_000), span("b", in: "a", to: 4_000_000_000)])
        #expect(try await tracing.store.spanCount(of: "tr-1") == 2)
        #expect(try await tracing.trace("tr-1").durationMilliseconds == 3000)
        #expect(try await tracing.store.spans(of: "tr-1").map(\.id) == ["a", "b"])
    }

    @Test("an error of the first step is the trace's, an error further down is not")
    func errors() async throws {
        try await record([span("a", status: "OK"), span("b", in: "a", status: "ERROR")])
        try await record([span("a", of: "tr-2", status: "ERROR")])
        #expect(try await tracing.trace("tr-1").state == .ok)
        #expect(try await tracing.trace("tr-2").state == .error)
    }

    @Test(
        "whichever comes first, spans or the trace's own account, the account knows better", arguments: [true, false])
    func order(spansFirst: Bool) async throws {
        var told = TraceInfo(id: "tr-1", experimentID: 2, requestMilliseconds: 7, state: .error)
        told.durationMilliseconds = 8
        told.tags = ["mlflow.traceName": "ask"]
        told.metadata = [MetadataKey.sizeStatistics: "{\"num_spans\": 1}"]
        told.requestPreview = "told"
        if spansFirst { try await record([span("a")]) }
        _ = try await tracing.start(told)
        if !spansFirst { try await record([span("a")]) }
        let info = try await tracing.trace("tr-1")
        #expect(info.experimentID == 2 && info.requestMilliseconds == 7 && info.durationMilliseconds == 8)
        #expect(info.state == .error && info.requestPreview == "told" && info.announcedSpans == 1)
        #expect(info.tags["mlflow.traceName"] == "ask" && info.tags["service.name"] == "shop")
    }

    @Test("a trace of an experiment that is not there, or that was deleted, is refused")
    func experiments() async throws {
        await #expect(throws: GyreError.self) { try await record([span("a")], experiment: 100) }
        let told = TraceInfo(id: "tr-1", experimentID: 9, requestMilliseconds: 0, state: .ok)
        let error = await #expect(throws: GyreError.self) { try await tracing.start(told) }
        #expect(error?.why == "Current state is deleted.")
        let missing = await #expect(throws: GyreError.self) { try await tracing.trace("tr-1") }
        #expect(missing?.code == .notFound)
        try await record([])
    }

    @Test("ids, names and sessions that are too long are refused")
    func lengths() async throws {
        var told = TraceInfo(
            id: String(repeating: "i", count: 129), experimentID: 1, requestMilliseconds: 0, state: .ok)
        await #expect(throws: GyreError.self) { try await tracing.start(told) }
        told = TraceInfo(id: "tr-1", experimentID: 1, requestMilliseconds: 0, state: .ok)
        told.tags[TagKey.name] = String(repeating: "n", count: 4097)
        await #expect(throws: GyreError.self) { try await tracing.start(told) }
        told.tags = [:]
        told.metadata[MetadataKey.session] = String(repeating: "s", count: 251)
        await #expect(throws: GyreError.self) { try await tracing.start(told) }
    }

    @Test("a trace of an old client begins, ends and is tagged")
    func oldClients() async throws {
        let begun = try await tracing.begin(experimentID: 1, atMilliseconds: 5, metadata: ["a": "1"], tags: ["t": "x"])
        #expect(begun.state == .inProgress)
        let ended = try await tracing.end(
            begun.id, atMilliseconds: 15, state: .ok, metadata: ["b": "2"], tags: ["u": "y"])
        #expect(ended.durationMilliseconds == 10 && ended.state == .ok)
        #expect(ended.metadata["a"] == "1" && ended.metadata["b"] == "2")
        try await tracing.setTag("long", String(repeating: "v", count: 5000), of: begun.id)
        #expect(try await tracing.trace(begun.id).tags["long"]?.count == 4096)
        try await tracing.deleteTag("long", of: begun.id)
        #expect(try await tracing.trace(begun.id).tags["long"] == nil)
        for key in TagKey.immutable {
            await #expect(throws: GyreError.self) { try await tracing.setTag(key, "v", of: begun.id) }
        }
        await #expect(throws: GyreError.self) { try await tracing.deleteTag(TagKey.spansLocation, of: begun.id) }
        await #expect(throws: GyreError.self) {
            try await tracing.setTag(String(repeating: "k", count: 251), "v", of: begun.id)
        }
        await #expect(throws: GyreError.self) { try await tracing.setTag("k", "v", of: "tr-none") }
    }

    @Test("traces go by their ids or by their age, and a fact says how many")
    func delete() async throws {
        for number in 1...4 {
            try await record([span("a", of: "tr-\(number)", from: Int64(number) * 1_000_000_000)])
        }
        #expect(try await tracing.delete(.ids(["tr-1", "tr-none"], experimentID: 1), by: "ann") == 1)
        #expect(try await tracing.delete(.upTo(3000, most: 1, experimentID: 1), by: "ann") == 1)
        #expect(try await tracing.delete(.upTo(3000, most: nil, experimentID: 1), by: "ann") == 1)
        #expect(try await tracing.store.traces(["tr-1", "tr-2", "tr-3", "tr-4"]).map(\.id) == ["tr-4"])
        let facts = try await SQLiteLedgerStore(database).facts(FactQuery())
            .filter { $0.fact.kind == "tracing.traces.deleted" }
        #expect(facts.map { $0.fact.body["count"] } == [1, 1, 1])
    }

    // MARK: Assessments

    private func assessment(_ id: String, overrides: String? = nil, _ value: JSONValue = "yes") -> Assessment {
        Assessment(
            id: id, name: "correct", traceID: "tr-1", spanID: nil, sourceType: "HUMAN", sourceID: "ann",
            content: .feedback(value, error: nil), rationale: "read it", metadata: ["k": "v"], overrides: overrides,
            createdMilliseconds: 1, updatedMilliseconds: 1)
    }

    @Test("an assessment that overrides another takes its place, and gives it back when it goes")
    func assessments() async throws {
        try await record([span("a")])
        let first = try await tracing.add(assessment("a-1"), by: "ann")
        _ = try await tracing.add(assessment("a-2", overrides: "a-1", "no"), by: "bob")
        #expect(try await tracing.assessment("a-1", of: "tr-1").isValid == false)
        try await tracing.deleteAssessment("a-2", of: "tr-1", by: "bob")
        #expect(try await tracing.trace("tr-1").assessments == [first])
        let changed = try await tracing.updateAssessment("a-1", of: "tr-1", by: "ann") {
            $0.content = .expectation(["answer": 42])
        }
        #expect(changed.content.value == ["answer": 42] && changed.updatedMilliseconds == tracing.now)
        let twice = await #expect(throws: GyreError.self) { try await tracing.add(assessment("a-1"), by: "ann") }
        #expect(twice?.code == .alreadyExists)
        let dangling = await #expect(throws: GyreError.self) {
            try await tracing.add(assessment("a-3", overrides: "a-9"), by: "ann")
        }
        #expect(dangling?.code == .notFound)
        await #expect(throws: GyreError.self) { try await tracing.assessment("a-9", of: "tr-1") }
        await #expect(throws: GyreError.self) {
            try await tracing.updateAssessment("a-9", of: "tr-1", by: "ann") { _ in }
        }
        try await tracing.deleteAssessment("a-9", of: "tr-1", by: "ann")
        try await tracing.deleteAssessment("a-1", of: "tr-none", by: "ann")
    }

    @Test("an assessment is read back as it was stored, whatever it says")
    func stored() throws {
        for content in [
            Assessment.Content.feedback(0.5, error: ["error_code": "JUDGE"]), .feedback(.null, error: nil),
            .expectation(["a": [1]]), .issue("slow"),
        ] {
            var assessment = assessment("a-1", overrides: "a-0")
            assessment.content = content
            assessment.isValid = false
            #expect(Assessment(json: try JSONValue(parsing: assessment.json.text)) == assessment)
        }
    }
}
