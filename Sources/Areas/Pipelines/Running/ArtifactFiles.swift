// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreLedger

/// Moves artifacts between the blob store and the folders of tasks.
struct ArtifactFiles: Sendable {
    let blobs: any BlobStore

    /// Writes an artifact's files to `path`: the file itself, or a folder.
    func place(_ artifact: Artifact, at path: String) async throws(GyreError) {
        for entry in artifact.tree.entries {
            // A copy: a component that writes to its input must not reach the blob.
            try await blobs.copy(entry.blob.digest, to: artifact.isSingleFile ? path : "\(path)/\(entry.path)")
        }
    }

    /// Stores what lies at `path` (a file, a folder, or nothing) as an artifact.
    func store(_ name: String, type: String, at path: String, metadata: JSONValue) async throws(GyreError) -> Artifact {
        var isFolder: ObjCBool = false
        var entries: [Tree.Entry] = []
        if unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            var files = [""]
            if isFolder.boolValue { files = (FileManager.default.subpaths(atPath: path) ?? []).sorted() }
            for file in files {
                let full = file.isEmpty ? path : "\(path)/\(file)"
                guard
                    let kind = (try? FileManager.default.attributesOfItem(atPath: full))?[.type] as? FileAttributeType,
                    // A link could lead out of the folder; folders come with their files.
                    kind == .typeRegular
                else { continue }
                entries.append(
                    Tree.Entry(
                        path: try RelativePath(file.isEmpty ? name : file), blob: try await blobs.add(file: full)))
            }
        }
        return Artifact(name: name, type: type, tree: try Tree(entries), metadata: metadata)
    }
}
