// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreServing
import GyreTestSupport
import Synchronization
import Testing

@Suite struct BatchingTests {
    @Test("requests are joined to batches of at most the maximum, and each gets its own rows", arguments: [1, 2, 3])
    func batches(seed: UInt64) async throws {
        let doubler = Doubler(microseconds: 500)
        var settings = ModelSettings()
        settings.maximumBatch = 8
        settings.batching = ModelSettings.Batching()
        settings.batching?.maximumDelay = 1000
        let hosted = try await host(doubler, settings)
        var random = SplitMix(seed: seed)
        let requests = (0..<200).map { _ in
            (0..<Int.random(in: 1...5, using: &random)).map { _ in Float(Int.random(in: 0...1000, using: &random)) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for values in requests {
                group.addTask {
                    let answer = try await hosted.infer([Doubler.input(values)])
                    #expect(answer[0].tensor.storage == .floats(values.map { $0 * 2 }))
                    #expect(answer[0].tensor.shape == [values.count, 1])
                }
            }
            try await group.waitForAll()
        }
        let sizes = doubler.sizes
        #expect(sizes.allSatisfy { $0 <= 8 })
        #expect(sizes.reduce(0, +) == requests.reduce(0) { $0 + $1.count } + 1, "and one row of zeros at loading")
        #expect(sizes.count < 150)
        #expect(hosted.statistics.now.success.count == 200)
    }

    @Test("a request with more rows than a batch may have is refused")
    func tooManyRows() async throws {
        var settings = ModelSettings()
        settings.maximumBatch = 4
        let hosted = try await host(Doubler(microseconds: 0), settings)
        await #expect(throws: GyreError.self) { try await hosted.infer([Doubler.input([1, 2, 3, 4, 5])]) }
    }

    @Test("what waits longer than it may, or finds the queue full, is told so, and the others are answered")
    func limits() async throws {
        var settings = ModelSettings()
        settings.maximumBatch = 1
        settings.batching = ModelSettings.Batching()
        settings.batching?.timeout = 30_000
        settings.batching?.maximumQueue = 4
        let hosted = try await host(Doubler(microseconds: 20_000), settings)
        let codes = await withTaskGroup(of: GyreError.Code?.self) { group in
            for _ in 0..<12 {
                group.addTask {
                    do throws(GyreError) {
                        _ = try await hosted.infer([Doubler.input([1])])
                        return nil
                    } catch { return error.code }
                }
            }
            var codes: [GyreError.Code?] = []
            for await code in group { codes.append(code) }
            return codes
        }
        #expect(codes.contains(nil))
        #expect(codes.contains(.unavailable) || codes.contains(.timeout))
        #expect(codes.allSatisfy { $0 == nil || $0 == .unavailable || $0 == .timeout })
    }

    @Test("batches grow while answers are in time, and shrink when they are late")
    func objective() async throws {
        for (objective, grows) in [(Int64(5_000_000), true), (Int64(100), false)] {
            var settings = ModelSettings()
            settings.maximumBatch = 32
            settings.batching = ModelSettings.Batching()
            settings.batching?.objective = objective
            let hosted = try await host(Doubler(microseconds: 300), settings)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<300 { group.addTask { _ = try? await hosted.infer([Doubler.input([1])]) } }
            }
            #expect(grows ? hosted.batchLimit > 4 : hosted.batchLimit <= 2, "\(hosted.batchLimit)")
        }
    }

    @Test("an answer from the cache is the one that the model gave")
    func cache() async throws {
        let doubler = Doubler(microseconds: 0)
        var settings = ModelSettings()
        settings.cachesAnswers = true
        let hosted = try await host(doubler, settings)
        for _ in 0..<5 { #expect(try await hosted.infer([Doubler.input([3])])[0].tensor.storage == .floats([6])) }
        #expect(doubler.sizes.count == 2, "one at loading, one that was asked")
        #expect(hosted.statistics.now.cacheHits.count == 4)
    }

    private func host(_ doubler: Doubler, _ settings: ModelSettings) async throws -> HostedModel {
        var source = ModelSource(file: "none", format: .onnx)
        source.settings = settings
        return try await ModelHost(runtimes: [DoublerRuntime(doubler)], surroundings: .test).load("m", 1, source)
    }
}

@Suite struct ModelHostTests {
    @Test("the models that were not asked for longest leave, pinned ones stay, and all of them answer")
    func budget() async throws {
        let host = ModelHost(
            runtimes: [DoublerRuntime(Doubler(microseconds: 0, bytes: 100))], budgetBytes: 350, surroundings: .test)
        for number in 0..<10 {
            var source = ModelSource(file: "none", format: .onnx)
            source.isPinned = number == 0
            host.register("m\(number)", 1, source)
        }
        for round in 0..<3 {
            for number in 0..<10 {
                let hosted = try await host.summon("m\(number)")
                #expect(try await hosted.infer([Doubler.input([1])])[0].tensor.storage == .floats([2]))
                #expect(host.loadedBytes <= 350)
                #expect(try host.loaded("m0") != nil, "round \(round)")
            }
        }
        #expect(host.listings().contains { $0.reason.contains("make room") })
    }

    @Test(
        "a model that cannot be made known is listed with its reason, and asking for it tries again until it is mended")
    func broken() async throws {
        let host = ModelHost(runtimes: [DoublerRuntime(Doubler(microseconds: 0))], surroundings: .test)
        let mended = Mutex(false)
        let problem = GyreError(.invalid, "The configuration cannot be used.", why: "It is damaged.")
        host.fail("m", problem) { () throws(GyreError) in
            guard mended.withLock({ $0 }) else { throw problem }
            host.register("m", 1, ModelSource(file: "none", format: .onnx))
        }
        #expect(host.listings().map(\.state) == [.unavailable] && host.listings()[0].reason.contains("damaged"))
        #expect(try host.loaded("m") == nil)
        let error = await #expect(throws: GyreError.self) { try await host.summon("m") }
        #expect(error?.code == .unavailable && error?.why?.contains("damaged") == true)
        mended.withLock { $0 = true }
        #expect(try await host.summon("m").number == 1)
        #expect(host.listings().map(\.state) == [.ready])
    }

    @Test("a name that no model has is told with the names that there are")
    func unknown() async throws {
        let host = ModelHost(runtimes: [DoublerRuntime(Doubler(microseconds: 0))], surroundings: .test)
        host.register("known", 1, ModelSource(file: "none", format: .onnx))
        let error = #expect(throws: GyreError.self) { try host.loaded("unknown") }
        #expect(error?.code == .notFound && error?.why?.contains("known") == true && error?.fix == nil)
    }

    @Test("a load that many ask for happens once")
    func singleFlight() async throws {
        let doubler = Doubler(microseconds: 0)
        let runtime = DoublerRuntime(doubler)
        let host = ModelHost(runtimes: [runtime], surroundings: .test)
        host.register("m", 1, ModelSource(file: "none", format: .onnx))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await host.summon("m") } }
            try await group.waitForAll()
        }
        #expect(runtime.loads == 1)
    }
}

@Suite struct GraphTests {
    @Test(
        "a path finds what gjson finds",
        arguments: [
            ("a.b.0", "7"), ("a.b.#", "2"), ("@this.c", "\"x\""), (#"[@this].#(c=="x").c"#, "\"x\""),
            (#"list.#(n>1).m"#, "\"two\""), (#"list.#(m=="two").n"#, "2"),
        ])
    func paths(path: String, expected: String) throws {
        let document = try JSONValue(
            parsing: #"{"a": {"b": [7, 8]}, "c": "x", "list": [{"n": 1, "m": "one"}, {"n": 2, "m": "two"}]}"#)
        #expect(try JSONPath(path).value(in: document)?.text == expected)
    }

    @Test("a path that leads nowhere finds nothing, and one that is none is refused")
    func nowhere() throws {
        #expect(try JSONPath(#"list.#(n==9)"#).value(in: ["list": [["n": 1]]]) == nil)
        #expect(throws: GyreError.self) { try JSONPath("a|@pretty") }
    }

    @Test("a graph that goes round in a circle is refused")
    func circle() {
        let step = InferenceGraph.Step(name: "0", target: .node("root"))
        #expect(throws: GyreError.self) {
            try InferenceGraph(name: "g", nodes: ["root": InferenceGraph.Node(kind: .sequence, steps: [step])])
        }
    }
}

@Suite struct TensorElementsTests {
    @Test("rows of different lengths form no tensor", arguments: ["[[1,2],[3]]", "[[1],2]", "[1,[2]]", "[[[1]],[2]]"])
    func ragged(text: String) {
        var parser = JSONParser(Array(text.utf8))
        var elements = TensorElements("x", .fp32)
        #expect(throws: GyreError.self) { try elements.readShaped(&parser) }
    }

    @Test("whole numbers of 64 bits keep every digit", arguments: ["18446744073709551615", "9223372036854775808", "0"])
    func unsigned(text: String) throws {
        var parser = JSONParser(Array("[\(text)]".utf8))
        var elements = TensorElements("x", .uint64)
        try elements.readList(&parser)
        var writer = JSONWriter()
        try NamedTensor(name: "x", tensor: try elements.tensor([1])).write(nested: false, to: &writer)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "[\(text)]")
    }
}

/// A model that doubles its numbers and remembers how many rows each run had.
private final class Doubler: RunnableModel {
    let inputs = [TensorSpec(name: "x", datatype: .fp32, shape: [-1, 1])]
    let outputs = [TensorSpec(name: "y", datatype: .fp32, shape: [-1, 1])]
    let platform = "test"
    let outsideBytes: Int64
    private let microseconds: Int
    private let runs = Mutex<[Int]>([])

    init(microseconds: Int, bytes: Int64 = 0) {
        self.microseconds = microseconds
        outsideBytes = bytes
    }

    var sizes: [Int] { runs.withLock { $0 } }

    func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor] {
        runs.withLock { $0.append(inputs[0].rows) }
        if microseconds > 0 { usleep(UInt32(microseconds)) }
        guard case .floats(let values) = inputs[0].storage else { return [] }
        return [Tensor(datatype: .fp32, shape: inputs[0].shape, storage: .floats(values.map { $0 * 2 }))]
    }

    static func input(_ values: [Float]) -> NamedTensor {
        NamedTensor(name: "x", tensor: Tensor(datatype: .fp32, shape: [values.count, 1], storage: .floats(values)))
    }
}

private final class DoublerRuntime: ModelRuntime {
    let format = ModelFormat.onnx
    private let model: Doubler
    private let count = Mutex(0)

    init(_ model: Doubler) { self.model = model }

    var loads: Int { count.withLock { $0 } }

    func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel {
        count.withLock { $0 += 1 }
        usleep(2000)
        return model
    }
}

extension Surroundings {
    /// A clock that goes on by a millisecond each time it is read.
    fileprivate static var test: Surroundings {
        let time = Clock()
        return Surroundings(now: { time.next() }, newID: Surroundings.still.newID, random: { 0.5 })
    }
}

private final class Clock: Sendable {
    private let time = Mutex<Int64>(0)

    func next() -> Int64 {
        time.withLock { time in
            time += 1000
            return time
        }
    }
}
