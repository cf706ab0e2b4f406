// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLoop
import Testing

@Suite struct ProjectTests {
    private static func project(_ changes: [String: JSONValue?]) throws -> Project {
        var json: JSONValue = ["project": "p", "model": "m", "pipeline": ["package": "compiled"]]
        for (name, value) in changes { json[name] = value }
        return try Project.read(json)
    }

    @Test("a small project has the usual steps, an endpoint of its model's name, and keeps what was deleted")
    func usual() throws {
        let project = try Self.project([:])
        #expect(project.endpoint == "m" && project.steps == [10, 50, 100] && project.trainingParameter == "training")
        #expect(project.retentionSeconds == nil && project.policies.isEmpty && project.training == nil)
    }

    @Test(
        "a stretch of time is a number with its unit",
        arguments: [("45s", 45), ("2m", 120), ("12h", 43_200), ("30d", 2_592_000), ("0d", 0)])
    func times(text: String, seconds: Int64) throws {
        let project = try Self.project(["retention": ["deleted_for": .string(text)]])
        #expect(project.retentionSeconds == seconds)
    }

    @Test("anything else is no stretch of time", arguments: ["", "30", "d", "-1d", "30 d", "1w", "9999999999d"])
    func noTimes(text: String) {
        #expect(throws: GyreError.self) { try Self.project(["retention": ["deleted_for": .string(text)]]) }
    }

    @Test("what a project cannot be without is asked for by its name", arguments: ["project", "model", "pipeline"])
    func missing(member: String) {
        let error = #expect(throws: GyreError.self) { try Self.project([member: nil as JSONValue?]) }
        #expect(error?.what.contains(member) == true)
    }

    @Test("a training set needs its dataset, its spine and its time")
    func training() {
        #expect(throws: GyreError.self) { try Self.project(["training": ["dataset": "set", "spine": "s"]]) }
    }

    @Test("each policy that can be carried out is taken, and no other is promised")
    func policies() throws {
        let possible: Set = [
            "check_failed stop", "model_trained roll_out", "canary_worse roll_back", "auc_fell retrain",
            "auc_fell alert", "psi retrain", "psi alert",
        ]
        for trigger in Project.Policy.Trigger.allCases {
            for action in Project.Policy.Action.allCases {
                let policy: JSONValue = ["when": .string(trigger.rawValue), "do": .string(action.rawValue)]
                let pair = "\(trigger.rawValue) \(action.rawValue)"
                if possible.contains(pair) {
                    let project = try Self.project(["policies": [policy]])
                    #expect(project.policies(trigger).map(\.action) == [action])
                } else {
                    #expect(throws: GyreError.self, "\(pair)") { try Self.project(["policies": [policy]]) }
                }
            }
        }
        let unknown = #expect(throws: GyreError.self) {
            try Self.project(["policies": [["when": "moon_full", "do": "alert"]]])
        }
        #expect(unknown?.why?.contains("psi") == true)
    }

    @Test("the same project always has the same ref, and a changed one another")
    func refs() throws {
        #expect(try Self.project([:]).ref == Self.project([:]).ref)
        #expect(try Self.project([:]).ref != Self.project(["endpoint": "other"]).ref)
    }
}
