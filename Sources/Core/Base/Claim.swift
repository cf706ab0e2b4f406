// SPDX-License-Identifier: Apache-2.0

/// What a caller says it is called, which nobody has proved.
///
/// A claim never passes for something that only Gyre itself is: its own actors keep their names to themselves.
public struct Claim: Sendable, Hashable {
    /// The name as the ledger may have it: the caller's word, marked where it could be mistaken.
    public let actor: String

    /// The claim to be called `name`.
    ///
    /// `isMarked`: marks it whatever it is, as is right where anybody may have made it.
    public init(_ name: String, isMarked: Bool = false) {
        let short = String(String.UnicodeScalarView(name.unicodeScalars.filter { $0.value >= 0x20 }.prefix(200)))
        let mustBeMarked = isMarked || short.isEmpty || short == "gyre" || short.contains("/")
        actor = mustBeMarked && !short.hasPrefix("claimed/") ? "claimed/" + short : short
    }
}
