// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreMonitoring
import GyreRollout
import GyreServing
import GyreTestSupport
import Testing

@testable import GyreDelivery

/// Services behind endpoints: what is passed on, what is a prediction, what is a failure.
@Suite struct ServicesTests {
    /// Its models answer with what they were sent.
    struct EchoRuntime: ModelRuntime {
        let format = ModelFormat.bento
        func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel { EchoModel() }
    }

    struct EchoModel: HTTPModel {
        let platform = "echo"
        func exchange(_ call: HTTPModelCall) async throws(GyreError) -> HTTPModelAnswer {
            if call.target == "/gone" { throw GyreError(.unavailable, "The service broke off.") }
            let isJSON = !call.target.hasPrefix("/stream")
            let rest = Pieces([call.body])
            return HTTPModelAnswer(
                status: call.target == "/broken" ? 500 : 200,
                headers: [("content-type", isJSON ? "application/json" : "text/event-stream")],
                sizeBytes: isJSON ? Int64(call.body.count) : nil, next: { await rest.next() })
        }
    }

    actor Pieces {
        private var left: [[UInt8]]
        init(_ pieces: [[UInt8]]) { left = pieces }
        func next() -> [UInt8]? { left.isEmpty ? nil : left.removeFirst() }
    }

    private func ask(
        _ world: DeliveryWorld, _ target: String, _ body: String, method: String = "POST"
    ) async throws -> (exchanged: Predictor.Exchanged, body: String) {
        let request = Predictor.Request(name: "echo", payload: .tensors([], parameters: [:]))
        let call = HTTPModelCall(method: method, target: target, headers: [], body: Array(body.utf8))
        let found = try await world.predictor.exchange(request, call)
        var bytes: [UInt8] = []
        while let piece = try await found.answer.next() { bytes += piece }
        return (found, String(decoding: bytes, as: UTF8.self))
    }

    private func world() async throws -> DeliveryWorld {
        let world = try DeliveryWorld(runtimes: [EchoRuntime()])
        try await world.deploy("name: sums", as: "echo", file: "bento.yaml")
        return world
    }

    @Test(
        "short answers of JSON are in the log as far as they are numbers and texts, and reach the client whole",
        arguments: [
            ("2.5", 2.5, ["answer": [2.5]] as JSONValue), ("[1, 2]", nil, ["answer": [1.0, 2.0]]),
            ("\"a\"", nil, ["answer": ["a"]]),
            ("{\"price\": 3, \"city\": \"Oslo\", \"more\": {}}", nil, ["price": [3.0], "city": ["Oslo"]]),
            ("no JSON", nil, [:]),
            ("null", nil, [:]),
        ] as [(String, Double?, JSONValue)])
    func answers(body: String, score: Double?, outputs: JSONValue) async throws {
        let world = try await world()
        let (exchanged, text) = try await ask(world, "/add", body)
        let line = try #require(world.disk.log.lines.first)
        #expect(text == body && exchanged.version == 1 && exchanged.id == line.id && line.error == nil)
        #expect(line.outputs == outputs && (score == nil || line.score == score))
    }

    @Test("a stream is passed on as it comes; reading is no prediction; failing is one that failed")
    func kinds() async throws {
        let world = try await world()
        #expect(try await ask(world, "/stream", "a b").body == "a b")
        #expect(try await ask(world, "/docs.json", "", method: "GET").exchanged.version == 1)
        #expect(try await ask(world, "/broken", "{}").exchanged.answer.status == 500)
        await #expect(throws: GyreError.self) { try await ask(world, "/gone", "{}") }
        #expect(world.disk.log.lines.map { $0.error != nil } == [false, true, true])
    }

    @Test("a service takes no tensors, which says nothing against its version, and a model of tensors is no service")
    func mixed() async throws {
        let world = try await world()
        await #expect(throws: GyreError.self) {
            try await world.predictor.predict(Predictor.Request(name: "echo", inputs: []))
        }
        #expect(world.disk.log.lines.isEmpty)
        try await world.deploy("scale 2", as: "tensors")
        let call = HTTPModelCall(method: "POST", target: "/", headers: [], body: [])
        await #expect(throws: GyreError.self) {
            try await world.predictor.exchange(
                Predictor.Request(name: "tensors", payload: .tensors([], parameters: [:])), call)
        }
    }
}
