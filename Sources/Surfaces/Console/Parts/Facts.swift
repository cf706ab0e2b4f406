// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// What is known of one thing: names and what stands for them.
struct Facts: Part {
    let pairs: [(name: String, value: Words)]

    init(_ pairs: [(name: String, value: Words)]) { self.pairs = pairs }

    var html: HTML {
        guard !pairs.isEmpty else { return EmptyState("Nothing is known of it.").html }
        return .element(
            "dl", [],
            pairs.flatMap { [.element("dt", [], Words.short($0.name, 80).html), .element("dd", [], $0.value.html)] })
    }
}
