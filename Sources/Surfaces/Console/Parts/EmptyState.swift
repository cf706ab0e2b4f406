// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// What is said where there is nothing to show, and what would bring something there.
struct EmptyState: Part, ExpressibleByStringLiteral {
    /// A whole sentence.
    let message: String
    /// A command or a line of a program that fills the place.
    let command: String?
    /// A place that a live run's script takes away with the first metric.
    let isForMetrics: Bool

    init(_ message: String, command: String? = nil, isForMetrics: Bool = false) {
        self.message = message
        self.command = command
        self.isForMetrics = isForMetrics
    }

    init(stringLiteral message: String) { self.init(message) }

    var html: HTML {
        .element(
            "p", [("class", "empty"), isForMetrics ? ("id", "no-metric") : ("", "")], HTML(message),
            command.map { HTML(" ") + .element("code", [], HTML($0)) } ?? .empty)
    }
}
