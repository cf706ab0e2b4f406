// SPDX-License-Identifier: Apache-2.0

/// The console's own style and script, part by part.
enum Assets {
    /// The style of all parts.
    static let style = [frameStyle, textStyle, tableStyle, formStyle, pictureStyle, narrowStyle].joined(separator: "\n")

    /// What runs in the browser: every page is whole without it, and it only adds what moves.
    static let script = [numbers, curves, comparison, refreshing].joined(separator: "\n")
}
