// SPDX-License-Identifier: Apache-2.0

package import GyreBase

extension Ref {
    /// Why this ref may mean something else tomorrow; nil for one that always means the same thing.
    ///
    /// A name that floats (`@latest`, an alias, the first digits of an id) is resolved when the work starts; what a fact says is
    /// what was read.
    package var floating: String? {
        switch kind {
        case "dataset":
            guard let version else { return "it names no version" }
            return Self.isHexadecimal(version, 12...64) ? nil : "\"\(version)\" is no id of a version"
        case "model", "release":
            guard let version else { return nil }
            return !version.isEmpty && version.utf8.allSatisfy { (48...57).contains($0) }
                ? nil : "\"\(version)\" is no number"
        case "pipeline-run":
            return Self.isHexadecimal(name, 32...32) ? nil : "\"\(name)\" is no whole id"
        default:
            return version == "latest" || version == "accepted" || version?.isEmpty == true
                ? "\"\(version ?? "")\" moves" : nil
        }
    }

    private static func isHexadecimal(_ text: String, _ lengths: ClosedRange<Int>) -> Bool {
        lengths.contains(text.utf8.count)
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}

extension Fact {
    /// Refuses a fact that says what went in or came out by a name that floats: tomorrow it would tell of something else.
    /// - Throws: `.internal`, since whoever records a fact resolves names before.
    package func checkIsPinned() throws(GyreError) {
        for ref in inputs + outputs {
            guard let why = ref.floating else { continue }
            throw GyreError(.internal, "The fact \(kind) cannot name \(ref).", why: "The name floats: \(why).")
        }
    }
}
