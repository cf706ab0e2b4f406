// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import GyreBase
internal import GyreYAML

/// What stages wrote for which commands, dependencies and parameters: a stage that ran so before does not run again.
package enum RunCache {
    /// The files below `runs/` of a cache or remote, by their paths there.
    package static func files(below root: String) -> [String] {
        var found: [String] = []
        for group in Files.names("\(root)/runs") {
            for key in Files.names("\(root)/runs/\(group)") {
                for value in Files.names("\(root)/runs/\(group)/\(key)") { found.append("\(group)/\(key)/\(value)") }
            }
        }
        return found
    }

    /// Whether a path below `runs/` has the form that such paths have.
    package static func isPath(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0].utf8.count == 2 && parts[1].hasPrefix(parts[0])
            && parts.allSatisfy { $0.utf8.allSatisfy { ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 102) } }
            && parts[1].utf8.count == 64 && parts[2].utf8.count == 64
    }

    /// The key of what a stage is about to do: its entry with the outputs' paths alone.
    static func key(_ entry: JSONObject) -> String {
        var plain = entry
        plain["outs"] = .array((entry["outs"]?.array ?? []).compactMap { $0["path"] })
        return digest(.object(plain))
    }

    private static func digest(_ value: JSONValue) -> String {
        Digest(of: PythonText.json(stripped(value), sorts: true)).hex
    }

    private static func stripped(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object):
            .object(
                JSONObject(
                    object.members.filter { $0.name != "size" && $0.name != "nfiles" }.map {
                        ($0.name, stripped($0.value))
                    }))
        case .array(let elements): .array(elements.map(stripped))
        default: value
        }
    }

    /// Keeps what a stage did.
    static func save(_ entry: JSONObject, in cache: ObjectFolder) throws(GyreError) {
        let key = key(entry)
        let folder = "\(cache.root)/runs/\(key.prefix(2))/\(key)"
        let file = "\(folder)/\(digest(.object(entry)))"
        guard Files.kind(file) == nil else { return }
        try Files.makeFolder(folder)
        try Files.replace(file, with: BlockText.text(.object(entry)))
    }

    /// What a stage did last when it was the same; nil where it never was.
    static func find(_ entry: JSONObject, in cache: ObjectFolder) -> JSONObject? {
        let key = key(entry)
        let folder = "\(cache.root)/runs/\(key.prefix(2))/\(key)"
        let files = Files.names(folder).map { name in
            var status = stat()
            unsafe stat("\(folder)/\(name)", &status)
            return (path: "\(folder)/\(name)", at: status.modified)
        }
        for file in files.sorted(by: { $0.at > $1.at }) {
            // One that cannot be read is as good as none: the stage runs.
            guard let text = try? Files.text(file.path), let found = try? YAML.coreDocument(text).object else {
                continue
            }
            return found
        }
        return nil
    }
}
