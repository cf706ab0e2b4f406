// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreLoop
import GyreReleases
import GyreTestSupport
import Testing

/// Releases that are made again, and predictions that are explained.
@Suite struct ReproductionTests {
    @Test("a release that comes out the same is identical, and nothing listed or live has changed")
    func identical() async throws {
        let (world, release) = try await released()
        let versions = try await world.delivery.registry.versions()
        let report = try await world.conductor.reproduce(release, by: "bob")
        #expect(report["identical"] == true && report["model_identical"] == true, "\(report.text)")
        #expect(report["metrics"]?[0]?["difference"] == 0.0)
        #expect(report["data"]?.strings == [release.pins.training?.description ?? ""])
        #expect(try await world.delivery.registry.versions() == versions)
        #expect(try await world.delivery.releases.releases(of: nil).count == 1)
        #expect(await world.spaces.count == 0, "its space is gone")
        #expect(try await world.facts("releases.release.reproduced").count == 1)
    }

    @Test("a model or a metric that comes out otherwise is told with the difference")
    func different() async throws {
        let (world, release) = try await released()
        world.executor.train("scale 3", areaUnderCurve: 0.5)
        let report = try await world.conductor.reproduce(release, by: "bob")
        #expect(report["identical"] == false && report["model_identical"] == false)
        #expect(report["metrics"]?[0]?["difference"] == -0.25)
    }

    @Test("a reproduction that fails says why, and leaves no space behind")
    func fails() async throws {
        let (world, release) = try await released()
        world.executor.train(nil)
        let error = await #expect(throws: GyreError.self) {
            _ = try await world.conductor.reproduce(release, by: "bob")
        }
        #expect(error?.what.contains("failed") == true)
        for run in try await world.pipelines.runs() { try await world.conductor.pipelineEnded(run) }
        #expect(await world.spaces.count == 0)
    }

    @Test("a release without known code or data is not reproduced by guessing")
    func unknown() async throws {
        let (world, release) = try await released()
        let bare = Release.Pins(model: release.pins.model, modelDigest: release.pins.modelDigest)
        var noData = release.pins
        noData.datasets = []
        for pins in [bare, noData] {
            let other = try await world.delivery.releases.create(
                try Name(world.endpoint, of: "endpoint"), pins, reason: "", by: "ann")
            let error = await #expect(throws: GyreError.self) {
                _ = try await world.conductor.reproduce(other, by: "bob")
            }
            #expect(error?.code == .conflict)
        }
        var floating = release.pins
        floating.parameters = ["training": "dataset/set@latest"]
        let other = try await world.delivery.releases.create(
            try Name(world.endpoint, of: "endpoint"), floating, reason: "", by: "ann")
        let error = await #expect(throws: GyreError.self) { _ = try await world.conductor.reproduce(other, by: "bob") }
        #expect(error?.why?.contains("@latest") == true)
    }

    // MARK: Explaining

    @Test("a prediction is explained by its columns' names, its release, and the data behind it")
    func explain() async throws {
        let (world, release) = try await released()
        var request = DeliveryWorld.request([0.5])
        request.id = "p"
        _ = try await world.delivery.predictor.predict(request)
        let told = try await world.conductor.explain("p", endpoint: world.endpoint, log: world.delivery.disk.log)
        #expect(told["prediction"]?["inputs"]?["x"]?.double == 0.5)
        #expect(told["release"]?["number"] == .int(Int64(release.number)))
        let inputs = (told["lineage"]?.array ?? []).compactMap { $0["input"]?.string }
        let flights = try await world.versioning.version("flights", "accepted")
        #expect(inputs.contains(flights.ref.description), "\(inputs)")
        let error = await #expect(throws: GyreError.self) {
            _ = try await world.conductor.explain("q", endpoint: world.endpoint, log: world.delivery.disk.log)
        }
        #expect(error?.code == .notFound)
    }

    @Test("a model card tells what is known, and names what is missing")
    func card() async throws {
        let (world, _) = try await released()
        _ = try await world.delivery.registry.describeModel("delay", "For <planning> | *only*", by: "ann")
        let version = try await world.delivery.registry.version("delay", 1)
        let card = try await world.conductor.card(of: version)
        #expect(card["served_by"] == "ONNX Runtime")
        #expect(card["missing"]?.strings == ["limits"])
        let text = ModelCard.markdown(card)
        #expect(text.hasPrefix("# model/delay@1\n"))
        #expect(text.contains("## Purpose\n\nFor &lt;planning> | \\*only\\*"))
        #expect(text.contains("| auc | 0.75 |") && text.contains("## Missing\n\n- limits"))
    }

    @Test("the card of a version that nothing can serve says so instead of failing")
    func cardOfNothing() async throws {
        let world = try LoopWorld()
        _ = try await world.delivery.registry.createModel("far", by: "ann")
        let far = try await world.delivery.registry.createVersion(of: "far", .init(source: "s3://x"), by: "ann")
        let missing = try await world.conductor.card(of: far)["missing"]?.strings ?? []
        #expect(missing.contains("model_sha256") && missing.contains("served_by"))
    }

    private func released() async throws -> (LoopWorld, Release) {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 2")
        return (world, try await world.delivery.releases.release(world.endpoint, 1))
    }
}
