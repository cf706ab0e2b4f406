// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreYAML

/// A `NAME.dvc` file: what somebody added or imported.
package struct Metafile: Sendable {
    /// Where it is, from the root.
    package var path: String
    /// Its text as it was read; nil for a new one.
    package let text: String?
    /// Its members.
    package var document: JSONObject
    /// What it tracks.
    package var outs: [Output]
    /// Where that came from, for what was imported.
    package var deps: [Output]

    /// A new file that tracks one path beside it.
    package init(path: String, tracking output: Output) {
        self.path = path
        text = nil
        document = JSONObject()
        outs = [output]
        deps = []
    }

    /// Reads the file at a path.
    /// - Throws: `.invalid` with file and place.
    package init(path: String, text: String) throws(GyreError) {
        self.path = path
        self.text = text
        let value: JSONValue
        do { value = try YAML.coreDocument(text) } catch {
            let hasMarks = text.contains("<<<<<<<") || text.contains(">>>>>>>")
            throw GyreError(
                .invalid, "\"\(path)\" cannot be read.", why: error.why ?? error.what,
                fix: hasMarks ? "A merge left its marks in it; settle them." : "Compare it with what git has.")
        }
        guard let document = value.object ?? (value.isNull ? JSONObject() : nil) else {
            throw GyreError(.invalid, "\"\(path)\" is damaged: it holds \(value.kindName).", why: "It has members.")
        }
        self.document = document
        outs = try (document["outs"]?.array ?? []).map { entry throws(GyreError) in try Output(entry: entry, file: path)
        }
        deps = try (document["deps"]?.array ?? []).map { entry throws(GyreError) in
            try Output(entry: Self.withPath(entry), file: path)
        }
    }

    /// An import from a repository has no `path` beside `repo` in some versions.
    private static func withPath(_ entry: JSONValue) -> JSONValue {
        guard entry["path"] == nil, entry["repo"] != nil || entry["db"] != nil || entry["dataset"] != nil else {
            return entry
        }
        var entry = entry
        entry["path"] = "."
        return entry
    }

    /// The folder that its paths start from.
    package var folder: String {
        Paths.absolute(document["wdir"]?.string ?? ".", from: Paths.parent(path))
    }

    /// The path of one of its outputs, from the root.
    package func path(of output: Output) -> String { Paths.absolute(output.path, from: folder) }

    /// Whether its data comes from elsewhere.
    package var isImport: Bool { !deps.isEmpty && document["cmd"] == nil }

    /// The text to write: members and remarks that were read keep their places.
    package var newText: String {
        var document = self.document
        if !deps.isEmpty { document["deps"] = .array(deps.map { .object($0.entry) }) }
        document["outs"] = .array(outs.map { .object($0.metafileEntry) })
        if isImport || document["md5"] != nil { document = StageDigest.signed(document) }
        // The text was read once already; without one there is nothing to keep the form of.
        guard let text, let old = try? YAML.coreDocument(text).object else { return BlockText.text(.object(document)) }
        if old == document { return text }
        if let patched = CommentedText.patched(text, from: .object(old), to: .object(document)) { return patched }
        return BlockText.text(.object(document))
    }
}

/// The `md5` that stages in a file of their own have of themselves.
enum StageDigest {
    private static let left: Set = [
        "desc", "type", "labels", "meta", "locked", "frozen", "metric", "persist", "isexec", "size", "nfiles",
    ]

    /// The document with its `md5`, which stands first where it is new.
    static func signed(_ document: JSONObject) -> JSONObject {
        var plain = document
        plain["md5"] = nil
        if plain["wdir"]?.string == "." { plain["wdir"] = nil }
        let digest = ObjectHash.of(PythonText.json(cleaned(.object(plain)), sorts: true)).hex
        if document["md5"] != nil {
            plain = document
            plain["md5"] = .string(digest)
            return plain
        }
        return JSONObject([("md5", .string(digest))] + document.members.map { ($0.name, $0.value) })
    }

    private static func cleaned(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object):
            .object(
                JSONObject(object.members.filter { !left.contains($0.name) }.map { ($0.name, cleaned($0.value)) }))
        case .array(let elements): .array(elements.map(cleaned))
        default: value
        }
    }
}
