// SPDX-License-Identifier: Apache-2.0

import GyreAPI
import GyreBase
import Testing

@testable import GyreNative

@Suite struct APITests {
    @Test("a request is read with its words, numbers and lists, and a version may be a number or a word")
    func reads() throws {
        let request = try API.DeployRequest(
            request: [
                "model": "delay", "version": 4, "strategy": "blue-green", "steps": [1, 50, 100], "dry_run": true,
                "judge": ["minimum_labels": 7], "reason": .null,
            ], extra: ["dry_run"])
        #expect(request.version?.text == "4" && request.strategy == .blueGreen && request.steps == [1, 50, 100])
        #expect(request.judge == ["minimum_labels": 7] && request.reason == nil)
        #expect(try API.DeployRequest(request: [:]).version == nil)
    }

    /// A body that is refused, and what the error says.
    struct Refused: Sendable {
        let body: JSONValue
        let why: String
        var fix = ""

        static let all = [
            Refused(body: ["verison": "2"], why: "no member \"verison\"", fix: "\"version\""),
            Refused(body: ["strategy": "canry"], why: "one of canary", fix: "\"canary\""),
            Refused(body: ["steps": [1, "x"]], why: "\"steps.1\" is a whole number"),
            Refused(body: ["steps": 1], why: "\"steps\" is a list"),
            Refused(body: ["version": true], why: "number, an alias"),
            Refused(body: ["reason": 1.5], why: "\"reason\" is a text"),
            Refused(body: [1], why: "The body is an object"),
        ]
    }

    @Test("what does not fit is refused with its place and what is expected", arguments: Refused.all)
    func refuses(_ refused: Refused) throws {
        let error = try #require(throws: GyreError.self) { try API.DeployRequest(request: refused.body) }
        #expect(error.code == .invalid && error.why?.contains(refused.why) == true, "\(error)")
        #expect(refused.fix.isEmpty || error.fix?.contains(refused.fix) == true, "\(error)")
    }

    @Test("a member that is missing is named with its place")
    func missing() throws {
        let error = try #require(throws: GyreError.self) { try API.RulesRequest(request: ["rules": [["values": []]]]) }
        #expect(error.why == "\"rules.0.attribute\" is missing.")
    }

    @Test("an answer is read with all that it holds, and what is new in it does no harm")
    func answers() throws {
        let answer: JSONValue = [
            "bytes": 7, "damaged": [["sha256": "ab", "what": "It is damaged.", "why": "x"]],
        ]
        var longer = answer
        longer["later"] = 1
        let read = try API.BlobsRead(answer: longer)
        #expect(read.bytes == 7 && read.damaged.count == 1)
        #expect(read.damaged.first?.sha256 == "ab" && read.damaged.first?.what == "It is damaged.")
        #expect(read.damaged.first?.why == "x")
        #expect(try API.LogShareSample(answer: ["share": 1]).share == 1)
        let error = try #require(throws: GyreError.self) { try API.BlobsRead(answer: ["bytes": "7"]) }
        #expect(error.code == .internal && error.why?.contains("\"bytes\" is a whole number") == true)
    }

    @Test("numbers at the ends of their ranges are read as they are, and larger ones are refused")
    func ranges() throws {
        for seq in [Int64.min, -1, 0, .max] { #expect(try API.UndoRequest(request: ["seq": .int(seq)]).seq == seq) }
        #expect(throws: GyreError.self) {
            try API.UndoRequest(request: JSONValue(parsing: "{\"seq\": 9223372036854775808}"))
        }
    }

    @Test("schemas tell what is needed, what may be null, what words there are, and refer to objects by name")
    func schemas() throws {
        var schema = APISchema()
        #expect(schema.schema(of: API.DeployRequest.self) == ["$ref": "#/components/schemas/DeployRequest"])
        let deploy = try #require(schema.components["DeployRequest"])
        #expect(deploy["required"] == nil && deploy["properties"]?["steps"]?["type"] == ["array", "null"])
        #expect(
            deploy["properties"]?["strategy"]?["anyOf"]?.array?.first?["enum"]
                == ["canary", "shadow", "blue-green", "all-at-once"])
        #expect(deploy["properties"]?["version"]?["anyOf"]?.array?.first == API.VersionSelector.schema)
        _ = schema.schema(of: API.Endpoint.self)
        let endpoint = try #require(schema.components["Endpoint"])
        #expect(endpoint["required"]?.strings.contains("canary_percent") == true)
        #expect(endpoint["properties"]?["stable"] == ["$ref": "#/components/schemas/Side"])
        #expect(endpoint["properties"]?["rollouts"]?["items"] == ["$ref": "#/components/schemas/Rollout"])
        #expect(schema.components["VersionCounts"]?["properties"]?["latency_us_p50"]?["type"] == ["number", "null"])
    }
}

extension API {
    /// The half of an answer that a test looks at.
    struct LogShareSample: APIObject {
        var share: Double
    }
}
