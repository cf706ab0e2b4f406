// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreServing
import GyreTestSupport
import Testing

/// What clients and owners may set, and what they may not.
@Suite struct ServingSettingsTests {
    @Test("trace settings are taken one by one, and go back to what is usual without a value")
    func traceSettings() throws {
        var usual = TraceSettings()
        usual.rate = 50
        usual.count = 7
        var settings = usual
        try settings.take(
            ["trace_level": ["TIMESTAMPS"], "trace_rate": ["5"], "trace_count": ["-1"], "log_frequency": ["0"]],
            usual: usual)
        #expect(settings.isOn && settings.rate == 5 && settings.count == nil)
        try settings.take(["trace_count": ["3"]], usual: usual)
        #expect(settings.values.first { $0.name == "trace_count" }?.values == ["3"])
        try settings.take(
            ["trace_level": nil, "trace_rate": nil, "trace_count": nil, "log_frequency": nil], usual: usual)
        #expect(settings == usual)
    }

    @Test(
        "trace settings that are none, or are not the client's to set, are refused",
        arguments: [
            ("trace_level", "TENSORS", GyreError.Code.unsupported), ("trace_rate", "0", .invalid),
            ("trace_rate", "x", .invalid), ("trace_count", "-2", .invalid), ("log_frequency", "5", .unsupported),
            ("trace_file", "/tmp/x", .unsupported), ("unknown", "", .unsupported),
        ])
    func refused(name: String, value: String, code: GyreError.Code) {
        var settings = TraceSettings()
        let error = #expect(throws: GyreError.self) { try settings.take([name: [value]], usual: TraceSettings()) }
        #expect(error?.code == code)
    }

    @Test("a key of shared memory has no slash but one in front, and lengths that can be")
    func regions() throws {
        let region = try TensorRegion(name: "r", key: "key", offset: 8, byteCount: 16)
        #expect(region.key == "/key" && region.offset == 8)
        #expect(try TensorRegion(name: "r", key: "/key", offset: 0, byteCount: 1).key == "/key")
        for key in ["", "/", "/a/b", "..", "/.", "a\u{0}", String(repeating: "k", count: 251)] {
            #expect(throws: GyreError.self, "\(key)") { try TensorRegion(name: "r", key: key, offset: 0, byteCount: 1) }
        }
        let lengths: [(Int64, Int64)] = [(-1, 1), (0, 0), (0, Int64(Limits.tensorBytes) + 1), (.max, 1)]
        for (offset, count) in lengths {
            #expect(throws: GyreError.self) { try TensorRegion(name: "r", key: "k", offset: offset, byteCount: count) }
        }
        #expect(throws: GyreError.self) { try TensorRegion(name: "", key: "k", offset: 0, byteCount: 1) }
        #expect(try TensorRegion.Slice(region: "r", offset: 0, byteCount: 0).byteCount == 0)
        #expect(throws: GyreError.self) { try TensorRegion.Slice(region: "r", offset: -1, byteCount: 1) }
    }

    @Test("the versions that are served are the newest, all, or the ones that are named")
    func policies() {
        let versions = [3, 1, 20, 7]
        #expect(ModelConfiguration.VersionPolicy.latest(2).choose(from: versions) == [7, 20])
        #expect(ModelConfiguration.VersionPolicy.latest(0).choose(from: versions) == [20])
        #expect(ModelConfiguration.VersionPolicy.all.choose(from: versions) == [1, 3, 7, 20])
        #expect(ModelConfiguration.VersionPolicy.specific([7, 9, 1]).choose(from: versions) == [1, 7])
    }

    @Test("a graph whose nodes do not lead anywhere is refused with the place")
    func graphs() {
        func what(_ nodes: [String: InferenceGraph.Node]) -> String {
            let error = #expect(throws: GyreError.self) { try InferenceGraph(name: "g", nodes: nodes) }
            return error?.what ?? ""
        }
        let model = InferenceGraph.Step(name: "0", target: .model("m"))
        let lost = InferenceGraph.Step(name: "0", target: .node("none"))
        #expect(what([:]) == "spec.nodes has no \"root\".")
        #expect(what(["root": InferenceGraph.Node(kind: .sequence, steps: [])]).contains("has 0 steps"))
        #expect(what(["root": InferenceGraph.Node(kind: .sequence, steps: [lost])]).contains("nodeName is \"none\""))
        #expect(what(["root": InferenceGraph.Node(kind: .switch, steps: [model])]).contains("condition is missing"))
        #expect(what(["root": InferenceGraph.Node(kind: .splitter, steps: [model])]).contains("do not sum to 100"))
    }

    @Test("a folder is as large as the files in it, and what is not there has no size")
    func sizes() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("a", "12345")
        _ = try folder.write("b", "123")
        #expect(ModelSource(file: folder.path + "/a", format: .onnx).sizeBytes == 5)
        #expect(ModelSource(file: folder.path, format: .python).sizeBytes >= 8)
        #expect(ModelSource(file: folder.path + "/none", format: .onnx).sizeBytes == 0)
    }
}
