// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A file or folder that a metafile or a lock speaks of.
package struct Output: Sendable {
    /// The path as it is written, relative to the folder of its stage; a URL for what lies elsewhere.
    package var path: String
    /// What it held when it was written down; nil where that is not known.
    package var id: ObjectID?
    /// The bytes of all its files.
    package var sizeBytes: Int64?
    /// How many files it has; nil for a file.
    package var fileCount: Int64?
    /// Whether its owner may run it.
    package var isExecutable = false
    /// Whether it was hashed as DVC 2 did, which the entry does not say a hash for.
    package var isLegacy = false
    /// False for `cache: false`: its content is not kept.
    package var isCached = true
    /// False for `push: false`.
    package var isPushed = true
    /// Whether it stays before a stage runs.
    package var isPersistent = false
    /// The remote it goes to; nil for the usual one.
    package var remote: String?
    /// The whole entry as it was read.
    package var entry: JSONObject

    /// An output that is new.
    package init(path: String) {
        self.path = path
        entry = JSONObject()
    }

    /// An entry of `outs` or `deps`; `file` is said in errors.
    /// - Throws: `.invalid` with the place.
    package init(entry: JSONValue, file: String) throws(GyreError) {
        guard let object = entry.object else {
            throw GyreError(.invalid, "\"\(file)\" is damaged: an output is \(entry.kindName).", why: "It has members.")
        }
        guard let path = object["path"]?.string, !path.isEmpty, !path.utf8.contains(0) else {
            throw GyreError(.invalid, "\"\(file)\" is damaged: an output has no path.")
        }
        self.entry = object
        self.path = path
        if let text = object["md5"]?.string ?? object["md5"]?.int.map({ String($0) }) {
            guard let id = ObjectID(text) else {
                throw GyreError(
                    .invalid, "\"\(file)\" is damaged: the md5 of \"\(path)\" is \"\(text.prefix(80))\".",
                    why: "32 hexadecimal digits are needed, with .dir after them for a folder.",
                    fix: "Look whether a merge left its marks in the file.")
            }
            self.id = id
        }
        sizeBytes = object["size"]?.int
        fileCount = object["nfiles"]?.int
        isExecutable = object["isexec"]?.bool ?? false
        isLegacy = object["hash"] == nil && id != nil
        isCached = object["cache"]?.bool ?? true
        isPushed = object["push"]?.bool ?? true
        isPersistent = object["persist"]?.bool ?? false
        remote = object["remote"]?.string
    }

    /// What was found in the workspace becomes what is written down.
    package mutating func take(_ found: Measured) {
        id = found.id
        sizeBytes = found.sizeBytes
        fileCount = found.fileCount
        isExecutable = found.isExecutable
        isLegacy = false
    }

    /// The entry as a metafile has it: what was read stays in its place, what is new comes after it.
    package var metafileEntry: JSONObject {
        var entry = self.entry
        let isNew = entry.isEmpty
        entry["md5"] = id.map { .string($0.text) }
        entry["size"] = sizeBytes.map { .int($0) }
        entry["nfiles"] = fileCount.map { .int($0) }
        entry["isexec"] = isExecutable ? true : nil
        if !isLegacy { entry["hash"] = "md5" }
        if isNew || entry["path"]?.string != path { entry["path"] = .string(path) }
        return entry
    }

    /// The entry as `dvc.lock` has it.
    package var lockEntry: JSONObject {
        var entry = JSONObject()
        entry["path"] = .string(path)
        if !isLegacy { entry["hash"] = "md5" }
        entry["md5"] = id.map { .string($0.text) }
        entry["size"] = sizeBytes.map { .int($0) }
        entry["nfiles"] = fileCount.map { .int($0) }
        entry["isexec"] = isExecutable ? true : nil
        return entry
    }
}

/// What a path of the workspace holds.
package struct Measured: Sendable {
    /// Its object.
    package let id: ObjectID
    /// The bytes of all its files.
    package let sizeBytes: Int64
    /// How many files it has; nil for a file.
    package let fileCount: Int64?
    /// Whether its owner may run it; never for a folder.
    package let isExecutable: Bool
    /// Its files with their objects; one with an empty path for a file.
    package let table: FileTable
}
