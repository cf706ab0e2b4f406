// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreKFP
import GyrePipelines
import Testing

@Suite struct KFPTests {
    private static func package(_ tasks: String, components: String = "") -> [UInt8] {
        Array(
            """
            pipelineInfo: {name: p}
            components:
              comp-a: {executorLabel: exec-a}
            \(components)
            deploymentSpec: {executors: {exec-a: {container: {image: "python:3.11", command: [echo], args: [x]}}}}
            root: {dag: {tasks: {\(tasks)}}}
            schemaVersion: 2.1.0
            """.utf8)
    }

    @Test("a graph is read with its dependencies")
    func graph() throws {
        let pipeline = try KFPPackage.read(
            Self.package(
                "one: {componentRef: {name: comp-a}}, two: {componentRef: {name: comp-a}, dependentTasks: [one]}"))
        guard case .graph(let graph) = pipeline.root.body else { throw GyreError(.internal, "no graph") }
        #expect(graph.tasks["two"]?.upstream == ["one"])
    }

    @Test("a cycle is refused and named")
    func cycle() {
        let error = #expect(throws: GyreError.self) {
            try KFPPackage.read(
                Self.package(
                    "one: {componentRef: {name: comp-a}, dependentTasks: [two]}, two: {componentRef: {name: comp-a}, dependentTasks: [one]}"
                ))
        }
        #expect(error?.code == .invalid)
        #expect(error?.why?.contains("one, two") == true)
    }

    @Test("an unknown component, a missing task and a component within itself are refused")
    func broken() {
        #expect(throws: GyreError.self) { try KFPPackage.read(Self.package("one: {componentRef: {name: comp-z}}")) }
        #expect(throws: GyreError.self) {
            try KFPPackage.read(Self.package("one: {componentRef: {name: comp-a}, dependentTasks: [zero]}"))
        }
        #expect(throws: GyreError.self) {
            try KFPPackage.read(
                Self.package(
                    "one: {componentRef: {name: comp-b}}",
                    components: "  comp-b: {dag: {tasks: {in: {componentRef: {name: comp-b}}}}}"))
        }
    }

    @Test("what is no pipeline is refused", arguments: ["", "a: 1", "- 1", "pipelineInfo: {name: p", "x: &a [*a]"])
    func noPipeline(text: String) {
        let error = #expect(throws: GyreError.self) { try KFPPackage.read(Array(text.utf8)) }
        #expect(error?.code == .invalid || error?.code == .unsupported)
    }
}
