// SPDX-License-Identifier: Apache-2.0

internal import GyreHTML

/// Something that a page shows: the page says what, the part knows how it looks.
protocol Part: Sendable {
    /// The part as markup; text in it is escaped.
    var html: HTML { get }
}

/// Puts parts one below the other; those behind an `if` may be missing.
@resultBuilder
enum PartBuilder {
    static func buildExpression(_ part: any Part) -> [any Part] { [part] }
    static func buildExpression(_ parts: [any Part]) -> [any Part] { parts }
    static func buildBlock(_ parts: [any Part]...) -> [any Part] { parts.flatMap { $0 } }
    static func buildOptional(_ parts: [any Part]?) -> [any Part] { parts ?? [] }
    static func buildEither(first parts: [any Part]) -> [any Part] { parts }
    static func buildEither(second parts: [any Part]) -> [any Part] { parts }
    static func buildArray(_ parts: [[any Part]]) -> [any Part] { parts.flatMap { $0 } }
}

/// How something stands: a colour and a sign; the words beside it say the same.
enum Tone: String, Sendable, CaseIterable {
    case plain, good, busy, bad
}
