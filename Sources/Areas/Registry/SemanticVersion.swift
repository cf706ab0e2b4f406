// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// A version that tells what callers have to expect: `2.0.0` after an input that breaks them, `1.5.0` after one that does not,
/// `1.4.1` where the signature is the same.
package struct SemanticVersion: Sendable, Hashable, CustomStringConvertible {
    /// Callers have to change.
    package let major: Int
    /// Callers may use something new.
    package let minor: Int
    /// Nothing that callers see.
    package let patch: Int

    /// A version of these parts.
    package init(_ major: Int, _ minor: Int, _ patch: Int) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// Reads `1.4.0`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let major = parts[0], let minor = parts[1], let patch = parts[2] else { return nil }
        self.init(major, minor, patch)
    }

    /// `1.4.0`.
    package var description: String { "\(major).\(minor).\(patch)" }

    /// What a version with this signature is after `previous`.
    ///
    /// Without a signature on both sides nothing is known to break: a patch.
    static func following(_ previous: ModelVersion?, signature: JSONValue) -> SemanticVersion {
        guard let previous else { return SemanticVersion(1, 0, 0) }
        let base = previous.semantic
        switch change(from: previous.signature, to: signature) {
        case .breaking: return SemanticVersion(base.major + 1, 0, 0)
        case .compatible: return SemanticVersion(base.major, base.minor + 1, 0)
        case .none: return SemanticVersion(base.major, base.minor, base.patch + 1)
        }
    }

    enum Change: Sendable, Hashable {
        case none
        case compatible
        case breaking
    }

    /// What a caller of `old` meets at `new`.
    ///
    /// An input that is gone, has another type or is newly required breaks callers, as does an output that is gone or has another type;
    /// an optional input or an output more does not.
    static func change(from old: JSONValue, to new: JSONValue) -> Change {
        let (oldInputs, newInputs) = (columns(old, "inputs"), columns(new, "inputs"))
        let (oldOutputs, newOutputs) = (columns(old, "outputs"), columns(new, "outputs"))
        guard !oldInputs.isEmpty, !newInputs.isEmpty else { return .none }
        var result = Change.none
        for (name, column) in oldInputs {
            guard let other = newInputs[name], other.type == column.type else { return .breaking }
            if column.isOptional, !other.isOptional { return .breaking }
            if other != column { result = .compatible }
        }
        for (name, column) in newInputs where oldInputs[name] == nil {
            if !column.isOptional { return .breaking }
            result = .compatible
        }
        for (name, column) in oldOutputs {
            guard let other = newOutputs[name] else { return .breaking }
            if other.type != column.type { return .breaking }
        }
        if newOutputs.count > oldOutputs.count { result = .compatible }
        return result
    }

    private struct Column: Hashable {
        let type: String
        let isOptional: Bool
    }

    /// The columns or tensors of one side of a signature, by name or place.
    private static func columns(_ signature: JSONValue, _ side: String) -> [String: Column] {
        var list = signature[side]
        if let text = list?.string { list = try? JSONValue(parsing: text) }  // MLmodel files hold JSON inside of text
        var columns: [String: Column] = [:]
        for (index, json) in (list?.array ?? []).enumerated() {
            var type = json
            type["name"] = nil
            type["required"] = nil
            let isOptional = json["required"]?.bool == false || json["optional"]?.bool == true
            columns[json["name"]?.string ?? "#\(index)"] = Column(
                type: String(decoding: type.canonicalBytes, as: UTF8.self), isOptional: isOptional)
        }
        return columns
    }
}
