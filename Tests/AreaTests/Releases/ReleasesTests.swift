// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreReleases
import GyreTestSupport
import Testing

/// Releases: what went out together.
@Suite struct ReleasesTests {
    private let ledger = MemoryLedgerStore(now: { 0 })
    private var releases: Releases { Releases(store: ledger, surroundings: .still) }

    private func pins(_ model: Int = 1) -> Release.Pins {
        var pins = Release.Pins(model: Ref("model", "m", String(model)), modelDigest: Digest(of: "weights"))
        pins.run = Ref("run", "r1")
        pins.training = Ref("dataset", "set", "111111111111")
        pins.datasets = [Ref("dataset", "raw", "222222222222")]
        pins.checks = [Ref("check", "raw/s", "1")]
        pins.featureViews = [Ref("feature-view", "w", "3")]
        pins.pipeline = Ref("pipeline", "p", "4")
        pins.compiled = Digest(of: "package")
        pins.pipelineRun = Ref("pipeline-run", String(repeating: "a", count: 32))
        pins.parameters = ["rate": 0.1]
        pins.metrics = ["auc": 0.9]
        pins.features = ["x"]
        pins.configuration = "max_batch_size: 8"
        return pins
    }

    @Test("a release is read back with all that it pins, and its fact names each of them")
    func made() async throws {
        let name = try Name("e", of: "endpoint")
        let release = try await releases.create(name, pins(), reason: "why", by: "ann")
        #expect(try await releases.release("e", 1) == release && release.pins == pins())
        let fact = try #require(try await ledger.facts(FactQuery()).last?.fact)
        #expect(Set(fact.inputs) == Set(pins().refs) && pins().refs.count == 8)
        let bare = Release.Pins(model: Ref("model", "m", "2"), modelDigest: .zero)
        #expect(try await releases.create(name, bare, reason: "", by: "ann").pins == bare)
    }

    @Test("numbers count for each endpoint by itself, past nine, also where a name begins like another's")
    func numbers() async throws {
        for _ in 1...11 { _ = try await releases.create(try Name("e", of: "endpoint"), pins(), reason: "", by: "ann") }
        #expect(try await releases.create(try Name("e2", of: "endpoint"), pins(), reason: "", by: "ann").number == 1)
        #expect(try await releases.releases(of: "e").map(\.number) == Array((1...11).reversed()))
        #expect(try await releases.releases(of: nil).count == 12)
        let error = await #expect(throws: GyreError.self) { try await releases.release("e", 12) }
        #expect(error?.code == .notFound)
    }

    @Test("a comparison tells what two releases pin differently, and nothing else")
    func diff() async throws {
        let name = try Name("e", of: "endpoint")
        let old = try await releases.create(name, pins(), reason: "", by: "ann")
        var changed = pins(2)
        changed.metrics = ["auc": 0.95]
        let new = try await releases.create(name, changed, reason: "", by: "ann")
        let diff = releases.diff(old, new)
        #expect(diff.map(\.name) == ["model", "metrics"])
        #expect(diff[0].old == "model/m@1" && diff[0].new == "model/m@2")
        #expect(releases.diff(old, old).isEmpty)
    }

    @Test("a setting that was taken back is a difference too")
    func removed() async throws {
        let name = try Name("e", of: "endpoint")
        let old = try await releases.create(name, pins(), reason: "", by: "ann")
        var bare = pins()
        bare.configuration = nil
        let new = try await releases.create(name, bare, reason: "", by: "ann")
        #expect(releases.diff(old, new).map(\.name) == ["configuration"])
        #expect(releases.diff(new, old).map(\.name) == ["configuration"])
    }
}
