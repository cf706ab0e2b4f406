// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreTestSupport
import Testing

@testable import GyrePipelines

/// Pipelines as they are compiled, and runs as they are stored.
@Suite struct PipelineTests {
    @Test("a pipeline whose parts do not fit together is refused, with what does not fit")
    func refused() throws {
        let say = Written.container("say")
        func error(_ components: [String: Component], _ tasks: [String: TaskDefinition]) -> GyreError? {
            #expect(throws: GyreError.self) { try Written.pipeline(components, Written.graph(tasks)) }
        }
        #expect(error([:], ["a": Written.task("none")])?.what.contains("\"none\"") == true)
        #expect(
            error(["say": say], ["a": Written.task("say", after: ["b"])])?.what.contains("depends on \"b\"") == true)
        let cycle = error(
            ["say": say], ["a": Written.task("say", after: ["b"]), "b": Written.task("say", after: ["a"])])
        #expect(cycle?.why == "These tasks wait for one another: a, b.")
        let itself = Written.graph(["x": Written.task("inner")])
        #expect(error(["inner": itself], ["a": Written.task("inner")])?.what.contains("contains itself") == true)
    }

    @Test("a run is read back as it was stored, whatever it is for")
    func stored() throws {
        let (data, source) = (Ref("dataset", "d", "111111111111"), Ref("dataset", "raw", "222222222222"))
        for purpose in [
            PipelineRun.Purpose.ordinary, .training(data, madeFrom: [source]), .reproduction(Ref("release", "e", "3")),
        ] {
            var run = PipelineRun(
                id: "r", pipeline: Ref("pipeline", "p", "1"), compiled: Digest(of: "x"),
                parameters: ["n": 1, "deep": ["a": [true]]], actor: "ann", reason: "because", purpose: purpose,
                resolved: ["dataset/d@latest": data], usesCache: false, startedAt: 5)
            run.state = .failed
            run.message = "It broke."
            run.endedAt = 9
            run.outputs.parameters["metric"] = 0.5
            run.outputs.artifacts["model"] = [
                Artifact(name: "model", type: "system.Model", tree: try Tree([]), metadata: [:])
            ]
            #expect(try PipelineRun(json: try JSONValue(parsing: run.json.text)) == run)
        }
    }

    @Test("runs from before they had a purpose tell it by their reason")
    func oldRuns() throws {
        #expect(try PipelineRun.Purpose(json: nil, reason: "nightly") == .ordinary)
        #expect(
            try PipelineRun.Purpose(json: nil, reason: "reproduce release/e@2").reproduced == Ref("release", "e", "2"))
        let error = #expect(throws: GyreError.self) { try PipelineRun.Purpose(json: ["kind": "odd"], reason: "") }
        #expect(error?.code == .corrupt)
    }

    @Test("a whole number stays one where the compiler writes 3.0, and a text is left as it is")
    func settle() {
        #expect(Written.parameter(.integer).settle(3.0) == 3)
        #expect(Written.parameter(.double).settle(3) == .double(3))
        #expect(Written.parameter(.integer).settle("x") == "x")
        #expect(Written.parameter(.string).settle("3.0") == "3.0")
    }

    @Test("the addresses that float are told before a release is made again, the pinned ones are not")
    func floating() async throws {
        func bring(_ address: String) -> Component {
            Component(
                inputParameters: [:], inputArtifacts: [:], outputParameters: [:],
                outputArtifacts: ["artifact": ArtifactDefinition("system.Dataset")],
                body: .importer(Importer(source: .address(address), type: "system.Dataset", metadata: [:])))
        }
        let world = try PipelineWorld(
            try Written.pipeline(
                [
                    "pinned": bring("dataset/toy@" + String(repeating: "a", count: 12)),
                    "latest": bring("dataset/toy@latest"), "none": bring("https://example.org/data.csv"),
                ],
                Written.graph([
                    "a": Written.task("pinned"), "b": Written.task("latest"), "c": Written.task("none"),
                ])))
        let floating = try await world.pipelines.floatingImports(Pipelines.Request(compiled: Array("p".utf8)))
        #expect(floating == ["dataset/toy@latest", "https://example.org/data.csv"])
    }
}
