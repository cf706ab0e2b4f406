// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLoop
import Testing

@Suite struct ProjectShapeTests {
    private static let whole: JSONValue = [
        "project": "flights", "model": "delay", "endpoint": "delay",
        "datasets": ["flights": ["suite": ["name": "s", "expectations": []]], "weather": [:]],
        "feature_views": [
            [
                "name": "weather", "dataset": "weather", "entities": ["origin"], "timestamp": "at", "ttl_seconds": 60,
                "features": ["temp"],
            ]
        ],
        "training": ["dataset": "set", "spine": "flights", "timestamp": "at", "views": ["weather"]],
        "pipeline": ["package": "a: b", "training_parameter": "training", "parameters": ["anything": 1]],
        "rollout": ["steps": [10, 100], "judge": [:]],
        "policies": [["name": "p", "when": "psi", "do": "alert", "threshold": 0.2, "column": "score"]],
        "retention": ["deleted_for": "30d"],
    ]

    @Test("all that a project may say is taken")
    func whole() throws {
        #expect(try Project.read(Self.whole).name == "flights")
    }

    @Test(
        "a member that nothing reads is refused with the one that was meant",
        arguments: [
            (["polices"], "policies", "gyre.yaml has"), (["training", "dataste"], "dataset", "gyre.yaml.training"),
            (["rollout", "step"], "steps", "gyre.yaml.rollout"),
            (["pipeline", "parameter"], "parameters", "gyre.yaml.pipeline"),
            (["datasets", "flights", "siute"], "suite", "gyre.yaml.datasets.flights"),
            (["retention", "deleted-for"], "deleted_for", "gyre.yaml.retention"),
        ])
    func unknown(path: [String], meant: String, place: String) {
        let error = #expect(throws: GyreError.self) {
            try Project.read(Self.setting(Self.whole, path[...], to: 1))
        }
        #expect(error?.fix?.contains("\"\(meant)\"") == true, "\(String(describing: error))")
        #expect(error?.what.hasPrefix(place) == true, "\(String(describing: error))")
    }

    @Test("a member in a list is told with its place")
    func inList() {
        var json = Self.whole
        json["policies"] = [["when": "psi", "do": "alert", "treshold": 1]]
        let error = #expect(throws: GyreError.self) { try Project.read(json) }
        #expect(error?.what.hasPrefix("gyre.yaml.policies[0]") == true)
        #expect(error?.fix == "Did you mean \"threshold\"?")
    }

    @Test(
        "a value of another kind is not taken for one that is missing",
        arguments: [
            (["rollout", "steps"], "10,50"), (["training", "views"], "weather"), (["pipeline"], "train.yaml"),
            (["policies"], "none"),
        ])
    func kinds(path: [String], value: String) {
        let error = #expect(throws: GyreError.self) {
            try Project.read(Self.setting(Self.whole, path[...], to: .string(value)))
        }
        #expect(error?.code == .invalid)
    }

    private static func setting(_ json: JSONValue, _ path: ArraySlice<String>, to value: JSONValue) -> JSONValue {
        guard let name = path.first else { return value }
        var changed = json
        changed[name] = setting(json[name] ?? [:], path.dropFirst(), to: value)
        return changed
    }
}
