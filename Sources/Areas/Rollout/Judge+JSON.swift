// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// How a judge is written: in `gyre.yaml`, in a call that deploys, and with a rollout.
extension Judge {
    /// What `quality` may be.
    private static let qualities = ["labels", "errors_and_latency"]
    private static let members = [
        "minimum_requests", "minimum_labels", "minimum_step_seconds", "quality", "significance", "maximum_error_rate",
        "maximum_latency_ratio", "latency_tolerance_ms", "minimum_agreement", "on_contradiction",
    ]

    /// A judge as `gyre.yaml` and a deployment write it; what is not said is as `base` has it.
    /// - Throws: `.invalid` for a member that there is not, one of another kind or out of its range, and for two that contradict each other.
    package init(json: JSONValue?, over base: Judge = Judge()) throws(GyreError) {
        self = base
        guard let json, !json.isNull else { return }
        guard let object = json.object else {
            throw GyreError(
                .invalid, "The judge of a rollout is no object.", why: "It is \(json.text.prefix(100)).",
                fix: "judge: {minimum_requests: 200, minimum_labels: 200}")
        }
        for member in object.members where !Self.members.contains(member.name) {
            throw GyreError(
                .invalid, "A judge has no member \"\(member.name.prefix(60))\".",
                fix: Nearest.fix(
                    member.name, among: Self.members, otherwise: Self.members.joined(separator: ", ")))
        }
        func number(_ name: String, _ range: ClosedRange<Double>, _ usual: Double) throws(GyreError) -> Double {
            guard let value = json[name], !value.isNull else { return usual }
            if let number = value.double, range.contains(number) { return number }
            throw Self.outOfRange(name, value, range)
        }
        func whole(_ name: String, _ range: ClosedRange<Double>, _ usual: Int) throws(GyreError) -> Int {
            guard let value = json[name], !value.isNull else { return usual }
            if let number = value.int, range.contains(Double(number)) { return Int(number) }
            throw Self.outOfRange(name, value, range, isWhole: true)
        }
        minimumRequests = try whole("minimum_requests", 1...1e9, minimumRequests)
        minimumStepSeconds = try whole("minimum_step_seconds", 0...2_592_000, minimumStepSeconds)
        significance = try number("significance", 1e-9...0.5, significance)
        maximumErrorRate = try number("maximum_error_rate", 0...1, maximumErrorRate)
        maximumLatencyRatio = try number("maximum_latency_ratio", 1...1e6, maximumLatencyRatio)
        latencyToleranceMilliseconds = try number("latency_tolerance_ms", 0...3_600_000, latencyToleranceMilliseconds)
        minimumAgreement = try number("minimum_agreement", 0...1, minimumAgreement)
        let labels = try json["minimum_labels"].flatMap { value throws(GyreError) in
            value.isNull ? nil : try whole("minimum_labels", 0...1e9, 0)
        }
        quality = try Self.quality(labels: labels, word: try Self.word("quality", json, among: Self.qualities), base)
        let contradictions = Contradiction.allCases.map(\.rawValue)
        if let word = try Self.word("on_contradiction", json, among: contradictions) {
            onContradiction = Contradiction(rawValue: word) ?? onContradiction
        }
    }

    /// A judge as it is stored with a rollout: what an earlier version wrote is taken as it is.
    init(stored json: JSONValue?) {
        minimumRequests = json?["minimum_requests"]?.int.map(Int.init) ?? minimumRequests
        minimumStepSeconds = json?["minimum_step_seconds"]?.int.map(Int.init) ?? minimumStepSeconds
        if let labels = json?["minimum_labels"]?.int {
            quality = labels > 0 ? .labels(minimum: Int(labels)) : .errorsAndLatency
        }
        significance = json?["significance"]?.double ?? significance
        maximumErrorRate = json?["maximum_error_rate"]?.double ?? maximumErrorRate
        maximumLatencyRatio = json?["maximum_latency_ratio"]?.double ?? maximumLatencyRatio
        minimumAgreement = json?["minimum_agreement"]?.double ?? minimumAgreement
        latencyToleranceMilliseconds = json?["latency_tolerance_ms"]?.double ?? latencyToleranceMilliseconds
        onContradiction = Contradiction(rawValue: json?["on_contradiction"]?.string ?? "") ?? onContradiction
    }

    /// As stored with a rollout.
    package var json: JSONValue {
        [
            "minimum_requests": .int(Int64(minimumRequests)), "minimum_labels": .int(Int64(minimumLabels)),
            "minimum_step_seconds": .int(Int64(minimumStepSeconds)),
            "quality": .string(Self.qualities[quality == .errorsAndLatency ? 1 : 0]),
            "significance": .double(significance),
            "maximum_error_rate": .double(maximumErrorRate), "maximum_latency_ratio": .double(maximumLatencyRatio),
            "latency_tolerance_ms": .double(latencyToleranceMilliseconds),
            "minimum_agreement": .double(minimumAgreement), "on_contradiction": .string(onContradiction.rawValue),
        ]
    }

    /// What `minimum_labels` and `quality` say together: 0 labels is the same choice as the word for it.
    private static func quality(labels: Int?, word: String?, _ base: Judge) throws(GyreError) -> Quality {
        switch (labels, word) {
        case (nil, nil): return base.quality
        case (let labels?, nil): return labels > 0 ? .labels(minimum: labels) : .errorsAndLatency
        case (nil, qualities[1]), (0, qualities[1]): return .errorsAndLatency
        case (nil, _):
            return .labels(minimum: base.minimumLabels > 0 ? base.minimumLabels : Judge().minimumLabels)
        case (let labels?, qualities[0]) where labels > 0: return .labels(minimum: labels)
        case (let labels?, let word):
            throw GyreError(
                .invalid, "The judge's minimum_labels \(labels) and quality \"\(word ?? "")\" contradict each other.",
                fix: "Say minimum_labels with a number above 0, or quality: errors_and_latency.")
        }
    }

    private static func word(_ name: String, _ json: JSONValue, among words: [String]) throws(GyreError) -> String? {
        guard let value = json[name], !value.isNull else { return nil }
        if let word = value.string, words.contains(word) { return word }
        let given = value.string ?? value.text
        throw GyreError(
            .invalid, "The judge's \(name) \"\(given.prefix(60))\" is none that there is.",
            fix: Nearest.fix(given, among: words, otherwise: words.joined(separator: ", ")))
    }

    private static func outOfRange(
        _ name: String, _ value: JSONValue, _ range: ClosedRange<Double>, isWhole: Bool = false
    ) -> GyreError {
        let (low, high) = (Number.readable(range.lowerBound), Number.readable(range.upperBound))
        let nearest = value.double.map { $0 < range.lowerBound ? low : $0 > range.upperBound ? high : "" } ?? ""
        return GyreError(
            .invalid, "The judge's \(name) is \(value.text.prefix(60)).",
            why: "It is a \(isWhole ? "whole " : "")number from \(low) to \(high).",
            fix: nearest.isEmpty ? nil : "The nearest is \(nearest).")
    }
}
