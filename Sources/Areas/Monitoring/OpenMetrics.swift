// SPDX-License-Identifier: Apache-2.0

/// Text that Prometheus scrapes, in OpenMetrics 1.0 or the older format 0.0.4.
package struct OpenMetrics: Sendable {
    /// Which of the two.
    package enum Format: Sendable, Hashable {
        case openMetrics
        case prometheus

        /// The content type of the answer.
        package var contentType: String {
            switch self {
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            }
        }
    }

    private let format: Format
    private var text = ""

    /// An empty exposition.
    package init(_ format: Format) { self.format = format }

    /// Adds a family of gauges.
    package mutating func gauge(
        _ name: String, _ help: String, _ samples: [(labels: [(String, String)], value: Double)]
    ) {
        head(name, "gauge", help)
        for (labels, value) in samples { sample(name, labels, value) }
    }

    /// Adds a family of counters; `name` has no `_total`.
    package mutating func counter(
        _ name: String, _ help: String, _ samples: [(labels: [(String, String)], value: Double)]
    ) {
        head(format == .openMetrics ? name : name + "_total", "counter", help)
        for (labels, value) in samples { sample(name + "_total", labels, value) }
    }

    /// The whole text.
    package consuming func finish() -> String { format == .openMetrics ? text + "# EOF\n" : text }

    private mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# TYPE \(name) \(type)\n# HELP \(name) \(escape(help, quotes: format == .openMetrics))\n"
    }

    private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
        let list = labels.map { "\($0.0)=\"\(escape($0.1, quotes: true))\"" }.joined(separator: ",")
        text += "\(name)\(list.isEmpty ? "" : "{\(list)}") \(value)\n"
    }

    private func escape(_ text: String, quotes: Bool) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        return quotes ? escaped.replacing("\"", with: "\\\"") : escaped
    }
}
