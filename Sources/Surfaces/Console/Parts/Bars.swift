// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTML

/// A bar in parts, true to scale, and below it what each part is and has.
struct Bars: Part {
    enum Kind: String, Sendable {
        case stable, canary
    }

    struct Share: Sendable {
        let name: String
        let kind: Kind
        /// Of a hundred.
        let percent: Double
    }

    let shares: [Share]
    /// What is told instead of the shares where they are not fixed.
    let words: String?

    init(_ shares: [Share], words: String? = nil) {
        self.shares = shares
        self.words = words
    }

    var html: HTML {
        guard !shares.isEmpty else { return EmptyState("Nothing has a share.").html }
        let bar = shares.map { share in
            HTML.element(
                "span",
                [("class", "part \(share.kind.rawValue)"), ("style", "flex-grow:\(max(0, min(100, share.percent)))")],
                .empty)
        }
        let legend =
            words.map { [HTML($0)] }
            ?? shares.map { share in
                HTML.element(
                    "span", [("class", "share")],
                    .element("span", [("class", "swatch \(share.kind.rawValue)")], .empty),
                    HTML(" "), Words.name(share.name), HTML(" · \(Number.readable(share.percent)) %"))
            }
        return .element("div", [("class", "split"), ("aria-hidden", "true")], bar)
            + .element("p", [("class", "shares")], legend)
    }
}
