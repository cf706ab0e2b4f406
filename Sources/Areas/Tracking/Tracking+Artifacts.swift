// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

extension Tracking {
    /// Names a blob; where another blob had the name, a fact tells what was replaced.
    package func putArtifact(_ path: RelativePath, _ blob: StoredBlob, by actor: String) async throws(GyreError) {
        try await store.putArtifact(path, blob) { old in
            Fact(
                "tracking.artifact.replaced", Self.artifact(path), by: actor,
                body: [
                    "path": .string(path.description), "old_sha256": .string(old.hex),
                    "new_sha256": .string(blob.digest.hex),
                ])
        }
    }

    /// Removes a file or a folder; nothing happens if there is none.
    package func deleteArtifacts(_ path: RelativePath, by actor: String) async throws(GyreError) {
        _ = try await store.deleteArtifacts(
            path,
            recording: Fact(
                "tracking.artifact.deleted", Self.artifact(path), by: actor, body: ["path": .string(path.description)]))
    }

    private static func artifact(_ path: RelativePath) -> Ref { Ref("tracked-artifact", path.description) }
}
