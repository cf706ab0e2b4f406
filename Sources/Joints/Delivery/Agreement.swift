// SPDX-License-Identifier: Apache-2.0

internal import GyreServing

/// Whether two versions of a model gave the same answer.
enum Agreement {
    /// Share by which numbers may differ.
    private static let tolerance = 0.001

    /// The outputs that both have must be the same: whole numbers and texts exactly, others within a thousandth.
    static func holds(_ one: [NamedTensor], _ other: [NamedTensor]) -> Bool {
        for output in one {
            guard let theirs = other.first(where: { $0.name == output.name })?.tensor else { continue }
            let own = output.tensor
            guard own.shape == theirs.shape, own.datatype == theirs.datatype else { return false }
            if own.storage == theirs.storage { continue }
            guard own.datatype == .fp32 || own.datatype == .fp64 else { return false }
            for index in 0..<own.count {
                let (left, right) = (own.number(at: index) ?? .nan, theirs.number(at: index) ?? .nan)
                if !holds(left, right) { return false }
            }
        }
        return true
    }

    /// Two numbers within a thousandth, or none both.
    static func holds(_ one: Double, _ other: Double) -> Bool {
        abs(one - other) <= tolerance * max(1, abs(one)) || (one.isNaN && other.isNaN)
    }
}
