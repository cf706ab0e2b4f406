// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreServing
import GyreTestSupport
import Synchronization
import Testing

@Suite struct ModelHostTests {
    @Test("the models that were not asked for longest leave, pinned ones stay, and all of them answer")
    func budget() async throws {
        let host = ModelHost(
            runtimes: [GatedRuntime(GatedModel(bytes: 100))], budgetBytes: 350,
            surroundings: ManualClock(step: 1000).surroundings)
        for number in 0..<10 {
            var source = ModelSource(file: "none", format: .onnx)
            source.isPinned = number == 0
            host.register("m\(number)", 1, source)
        }
        for round in 0..<3 {
            for number in 0..<10 {
                let hosted = try await host.summon("m\(number)")
                #expect(try await hosted.infer([GatedModel.input([1])])[0].tensor.storage == .floats([2]))
                #expect(host.loadedBytes <= 350)
                #expect(try host.loaded("m0") != nil, "round \(round)")
            }
        }
        #expect(host.listings().contains { $0.reason.contains("make room") })
    }

    @Test("models that grow after they were loaded are measured again, and the one not asked for longest leaves")
    func growth() async throws {
        let model = GatedModel(bytes: 100)
        let host = ModelHost(
            runtimes: [GatedRuntime(model)], budgetBytes: 350, surroundings: ManualClock(step: 1000).surroundings)
        for name in ["a", "b", "c"] {
            host.register(name, 1, ModelSource(file: "none", format: .onnx))
            _ = try await host.summon(name).infer([GatedModel.input([1])])
        }
        host.keepWithinBudget()
        #expect(host.models().count == 3 && host.loadedBytes == 300)
        model.grow(to: 150)
        host.keepWithinBudget()
        #expect(host.models().map(\.name).sorted() == ["b", "c"] && host.loadedBytes == 300)
        #expect(try await host.summon("a").name == "a", "it comes back when it is asked")
    }

    @Test(
        "a model that cannot be made known is listed with its reason, and asking for it tries again until it is mended")
    func broken() async throws {
        let host = ModelHost(runtimes: [GatedRuntime(GatedModel())], surroundings: ManualClock(step: 1000).surroundings)
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
        let host = ModelHost(runtimes: [GatedRuntime(GatedModel())], surroundings: ManualClock(step: 1000).surroundings)
        host.register("known", 1, ModelSource(file: "none", format: .onnx))
        let error = #expect(throws: GyreError.self) { try host.loaded("unknown") }
        #expect(error?.code == .notFound && error?.why?.contains("known") == true && error?.fix == nil)
    }

    @Test("a load that many ask for happens once")
    func singleFlight() async throws {
        let runtime = GatedRuntime(GatedModel())
        let host = ModelHost(runtimes: [runtime], surroundings: ManualClock(step: 1000).surroundings)
        host.register("m", 1, ModelSource(file: "none", format: .onnx))
        runtime.gate.hold()
        let asking = (0..<50).map { _ in Task.immediate { try await host.summon("m") } }
        await runtime.gate.arrival()
        runtime.gate.open()
        for task in asking { _ = try await task.value }
        #expect(runtime.loads == 1)
    }

    @Test("a version that is known and not loaded, and one that is not known, are told apart")
    func states() async throws {
        let host = ModelHost(
            runtimes: [GatedRuntime(GatedModel())], surroundings: ManualClock(step: 1000).surroundings)
        let none = #expect(throws: GyreError.self) { try host.model("m") }
        #expect(none?.why == "No model is served here.")
        host.register("m", 1, ModelSource(file: "none", format: .onnx))
        let waiting = #expect(throws: GyreError.self) { try host.model("m", 1) }
        #expect(waiting?.code == .unavailable && waiting?.what == "Version 1 of the model \"m\" is not ready.")
        let other = #expect(throws: GyreError.self) { try host.model("m", 2) }
        #expect(other?.code == .notFound && other?.why == "It has 1.")
        await #expect(throws: GyreError.self) { try await host.summon("n") }
        _ = try await host.summon("m")
        #expect(host.listings().map(\.state) == [.ready] && !host.isPinned("m"))
        host.unload("m", 1)
        #expect(host.listings().isEmpty)
        for number in 0..<12 { host.register("x\(number)", 1, ModelSource(file: "none", format: .onnx)) }
        let many = #expect(throws: GyreError.self) { try host.model("m") }
        #expect(many?.why?.hasSuffix(", and 2 more.") == true)
    }

    @Test("the version that is labelled champion answers those who name none")
    func labels() async throws {
        let host = ModelHost(
            runtimes: [GatedRuntime(GatedModel())], surroundings: ManualClock(step: 1000).surroundings)
        for number in 1...3 { try await host.load("m", number, ModelSource(file: "none", format: .onnx)) }
        #expect(try host.model("m").number == 3)
        host.setLabels("m", ["champion": 2, "old": 1])
        #expect(try host.model("m").number == 2)
        #expect(try host.version("m", label: "old") == 1)
        #expect(throws: GyreError.self) { try host.version("m", label: "new") }
    }

    @Test("a model that is not what its owner declared, or that its owner's warm-up breaks, does not serve")
    func declared() async throws {
        let host = ModelHost(
            runtimes: [GatedRuntime(GatedModel())], budgetBytes: 1 << 20,
            surroundings: ManualClock(step: 1000).surroundings)
        func error(_ change: (inout ModelSource) -> Void) async -> GyreError? {
            var source = ModelSource(file: "none", format: .onnx)
            change(&source)
            let declared = source
            return await #expect(throws: GyreError.self) { try await host.load("m", 1, declared) }
        }
        #expect(
            await error { $0.declaredInputs = [TensorSpec(name: "z", datatype: .fp32, shape: [-1])] }?.why
                == "The model has x.")
        #expect(
            await error { $0.declaredOutputs = [TensorSpec(name: "y", datatype: .int8, shape: [-1, 1])] }?.why
                == "The model has FP32 [-1, 1].")
        #expect(
            await error {
                $0.settings.ensemble = nil
                $0.settings.warmups = [.tooLarge]
            }?.what.contains("does not answer its warm-up") == true)
        let file = try TemporaryFolder()
        let large = try file.write("large", String(repeating: "x", count: 2 << 20))
        let path = large
        let tooLarge = await #expect(throws: GyreError.self) {
            try await host.load("m", 1, ModelSource(file: path, format: .onnx))
        }
        #expect(tooLarge?.what == "The model \"m\" needs about 2 MiB.")
        let unsupported = await #expect(throws: GyreError.self) {
            try await host.load("m", 1, ModelSource(file: "none", format: .lightgbm))
        }
        #expect(unsupported?.code == .unsupported)
    }
}

extension ModelSettings.Warmup {
    /// One that the gated model refuses.
    fileprivate static var tooLarge: Self {
        var warmup = Self()
        warmup.rows = GatedModel.mostRows + 1
        warmup.isRandom = true
        return warmup
    }
}
