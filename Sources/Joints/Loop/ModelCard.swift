// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A model card as people read it.
package enum ModelCard {
    /// The card as Markdown: one section for each part, and what is missing at the end.
    package static func markdown(_ card: JSONValue) -> String {
        var text = "# \(card["model"]?.string ?? "Model")\n"
        let titles = [
            ("purpose", "Purpose"), ("description", "Description"), ("training_data", "Training data"),
            ("datasets", "Datasets"), ("checks", "Checks"), ("feature_views", "Feature views"),
            ("features", "Features"),
            ("metrics", "Metrics"), ("limits", "Limits"), ("signature", "Signature"), ("code", "Code"),
            ("environment", "Environment"), ("run", "Run"),
        ]
        if let version = card["semantic_version"]?.string { text += "\nVersion \(version)" }
        if let digest = card["model_sha256"]?.string { text += ", sha256 `\(digest)`" }
        text += "\n"
        for (name, title) in titles {
            guard let value = card[name], !value.isNull else { continue }
            let body = section(value)
            if !body.isEmpty { text += "\n## \(title)\n\n\(body)\n" }
        }
        let missing = card["missing"]?.strings ?? []
        if !missing.isEmpty {
            text +=
                "\n## Missing\n\n" + missing.map { "- \($0.replacing("_", with: " "))" }.joined(separator: "\n") + "\n"
        }
        return text
    }

    private static func section(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): escaped(text)
        case .array(let elements): elements.map { "- \(escaped($0.string ?? $0.text))" }.joined(separator: "\n")
        case .object(let object):
            object.isEmpty
                ? ""
                : "| | |\n| --- | --- |\n"
                    + object.members.map { "| \(cell($0.name)) | \(cell($0.value.string ?? $0.value.text)) |" }
                    .joined(separator: "\n")
        default: value.text
        }
    }

    /// Text that Markdown takes for nothing else.
    private static func escaped(_ text: String) -> String {
        text.replacing("<", with: "&lt;").replacing("`", with: "\\`").replacing("*", with: "\\*")
    }

    private static func cell(_ text: String) -> String {
        escaped(String(text.prefix(500))).replacing("|", with: "\\|").replacing("\n", with: " ")
    }
}
