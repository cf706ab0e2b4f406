// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreTestSupport
import Testing

@testable import GyreKFP
@testable import GyrePipelines

/// The placeholders of compiled commands.
@Suite struct KFPTemplateTests {
    private let template = CommandTemplate(
        executorInput: [
            "inputs": [
                "parameterValues": ["n": 3, "text": "hello"],
                "artifacts": ["data": ["artifacts": [["uri": "/in/data", "metadata": ["rows": 5]]]]],
            ],
            "outputs": [
                "parameters": ["out": ["outputFile": "/out/p"]],
                "artifacts": ["model": ["artifacts": [["uri": "/out/model"]]]], "outputFile": "/out/told.json",
            ],
        ],
        run: PipelineRun(
            id: "r1", pipeline: Ref("pipeline", "p", "1"), compiled: .zero, parameters: [:], actor: "a", reason: "",
            purpose: .ordinary, resolved: [:], usesCache: true, startedAt: 1_700_000_000_000_000), path: "loop[0]/train"
    )

    private func fill(_ words: [JSONValue]) throws -> [String] {
        try template.fill(Container(image: "python:3", command: words, arguments: [], environment: [:])).command
    }

    @Test(
        "each placeholder stands for its value",
        arguments: [
            ("n={{$.inputs.parameters['n']}}!", "n=3!"), ("{{$.inputs.parameters['text']}}", "hello"),
            ("{{$.inputs.artifacts['data'].path}}", "/in/data"), ("{{$.inputs.artifacts['data'].uri}}", "/in/data"),
            ("{{$.inputs.artifacts['data'].metadata}}", "{\"rows\":5}"),
            ("{{$.outputs.artifacts['model'].path}}", "/out/model"),
            ("{{$.outputs.parameters['out'].output_file}}", "/out/p"),
            ("{{$.outputs.output_file}}", "/out/told.json"), ("{{$.pipeline_job_uuid}}", "r1"),
            ("{{$.pipeline_task_name}}", "train"), ("{{$.pipeline_job_name}} {{$.pipeline_job_name}}", "p p"),
            ("{{$.inputs.parameters['absent']}}", ""), ("no placeholder {{ here }}", "no placeholder {{ here }}"),
        ])
    func placeholder(text: String, expected: String) throws { #expect(try fill([.string(text)]) == [expected]) }

    @Test("the whole input of the executor is one placeholder")
    func whole() throws {
        let text = try #require(try fill(["{{$}}"]).first)
        #expect(try JSONValue(parsing: text) == template.executorInput)
        #expect(try fill(["{{$.pipeline_job_create_time_utc}}"]) == ["2023-11-14T22:13:20Z"])
    }

    @Test("what is there is written, what is not is left out, and parts are joined")
    func structures() throws {
        #expect(
            try fill(["{\"IfPresent\": {\"InputName\": \"n\", \"Then\": [\"--n\", \"{{$.inputs.parameters['n']}}\"]}}"])
                == ["--n", "3"])
        #expect(
            try fill(["{\"IfPresent\": {\"InputName\": \"no\", \"Then\": [\"--n\"], \"Else\": \"--none\"}}"]) == [
                "--none"
            ])
        #expect(try fill(["{\"IfPresent\": {\"InputName\": \"no\", \"Then\": [\"--n\"]}}"]) == [])
        #expect(try fill(["{\"IfPresent\": {\"InputName\": \"data\", \"Then\": \"has data\"}}"]) == ["has data"])
        #expect(
            try fill(["{\"Concat\": [\"a\", {\"IfPresent\": {\"InputName\": \"n\", \"Then\": \"b\"}}, \"c\"]}"]) == [
                "abc"
            ])
        #expect(try fill([7]) == ["7"])
    }

    @Test(
        "a placeholder that nobody knows is refused, not left standing",
        arguments: ["{{$.secrets['x']}}", "{{$.inputs.other['x']}}", "{\"Concat\": [{\"Unknown\": 1}]}"])
    func unknown(text: String) {
        let error = #expect(throws: GyreError.self) { try fill([.string(text)]) }
        #expect(error?.code == .unsupported)
    }

    @Test("the packages that a component's shell would install become requirements, and the rest the command")
    func requirements() throws {
        let script = """
            if ! [ -x "$(command -v pip)" ]; then python3 -m ensurepip; fi
            PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet 'kfp==2.14.6' '--no-deps' && \
            python3 -m pip install 'pandas' && "$0" "$@"
            """
        let filled = try template.fill(
            Container(
                image: "python:3", command: ["sh", "-c", .string(script), "sh", "-ec"], arguments: ["code"],
                environment: [:]))
        #expect(filled.command == ["sh", "-ec", "code"])
        #expect(filled.requirements == [["kfp==2.14.6", "--no-deps"], ["pandas"]])
        #expect(CommandTemplate.requirements(in: "echo pip") == [])
    }
}
