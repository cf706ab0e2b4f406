// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Which requests to predict are traced, as Triton's trace extension has it.
package struct TraceSettings: Sendable, Hashable {
    /// Whether any are.
    package var isOn = false
    /// One of so many is.
    package var rate = 1000
    /// How many more are; nil for any number.
    package var count: Int?

    /// None are traced.
    package init() {}

    /// Takes what a client sets; a setting without values goes back to what `usual` has.
    /// - Throws: `.invalid` for a value that is none; `.unsupported` for what cannot be set here.
    package mutating func take(_ settings: [String: [String]?], usual: TraceSettings) throws(GyreError) {
        for (name, values) in settings.sorted(by: { $0.key < $1.key }) {
            let value = values?.first ?? ""
            switch name {
            case "trace_level":
                guard let values else {
                    isOn = usual.isOn
                    continue
                }
                if let wrong = values.first(where: { !["OFF", "TIMESTAMPS"].contains($0) }) {
                    throw GyreError(
                        .unsupported, "The trace level \(wrong.prefix(40)) is not spoken here.",
                        fix: "Set TIMESTAMPS or OFF.")
                }
                isOn = values.contains("TIMESTAMPS")
            case "trace_rate": rate = values == nil ? usual.rate : try Self.number(name, value, least: 1)
            case "trace_count":
                let number = values == nil ? nil : try Self.number(name, value, least: -1)
                count = values == nil ? usual.count : number == -1 ? nil : number
            case "log_frequency":
                guard values == nil || value == "0" else { throw Self.fixed(name) }
            default: throw Self.fixed(name)
            }
        }
    }

    private static func number(_ name: String, _ text: String, least: Int) throws(GyreError) -> Int {
        if let number = Int(text), number >= least { return number }
        throw GyreError(
            .invalid, "The trace setting \(name) is \"\(text.prefix(40))\".", why: "It is a whole number from \(least)."
        )
    }

    private static func fixed(_ name: String) -> GyreError {
        GyreError(
            .unsupported, "The trace setting \"\(name.prefix(80))\" cannot be set here.",
            why: "Traces go to the experiment that is made for them, where MLflow's clients read them.")
    }

    /// As the extension tells it.
    package var values: [(name: String, values: [String])] {
        [
            ("log_frequency", ["0"]), ("trace_count", ["\(count ?? -1)"]), ("trace_file", [""]),
            ("trace_level", [isOn ? "TIMESTAMPS" : "OFF"]), ("trace_mode", ["opentelemetry"]),
            ("trace_rate", ["\(rate)"]),
        ]
    }
}
