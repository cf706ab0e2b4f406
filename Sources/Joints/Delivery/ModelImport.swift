// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger
package import GyreRegistry
package import GyreServing
package import GyreTracking

/// Registers models whose files come from a disk, and says how versions are served.
package struct ModelImport: Sendable {
    private let registry: Registry
    private let tracking: Tracking
    private let blobs: any BlobStore
    private let surroundings: Surroundings
    private let readConfiguration: @Sendable (String) throws(GyreError) -> ModelConfiguration

    /// The tag of a version that holds its `config.pbtxt`.
    package static let tag = "gyre.config"
    private static let mostFiles = 10_000

    /// Over these services.
    ///
    /// `readConfiguration`: reads a `config.pbtxt`.
    package init(
        registry: Registry, tracking: Tracking, blobs: any BlobStore, surroundings: Surroundings,
        readConfiguration: @escaping @Sendable (String) throws(GyreError) -> ModelConfiguration
    ) {
        self.registry = registry
        self.tracking = tracking
        self.blobs = blobs
        self.surroundings = surroundings
        self.readConfiguration = readConfiguration
    }

    /// Registers the next version of a model, which is made where it is not there; its files are blobs already.
    ///
    /// `configuration`: a `config.pbtxt`; nil for none.
    /// - Throws: `.notFound` for a file that was not sent; `.invalid` for a configuration that is none.
    package func add(
        _ name: String, files: [(path: String, digest: Digest)], configuration: String?, description: String,
        by actor: String
    ) async throws(GyreError) -> ModelVersion {
        guard (1...Self.mostFiles).contains(files.count) else {
            throw GyreError(.invalid, "A version has from 1 to \(Self.mostFiles) files, and this has \(files.count).")
        }
        if let configuration { _ = try readConfiguration(configuration) }
        var placed: [(RelativePath, StoredBlob)] = []
        let folder = "imports/\(surroundings.newID())"
        for file in files {
            guard await blobs.contains(file.digest) else {
                throw GyreError(.notFound, "The file \(file.path.prefix(200)) was not sent.")
            }
            let path = try RelativePath("\(folder)/\(try RelativePath(file.path))")
            placed.append((path, StoredBlob(digest: file.digest, sizeBytes: try await blobs.size(file.digest))))
        }
        do throws(GyreError) { _ = try await registry.model(name) } catch  where error.code == .notFound {
            do throws(GyreError) { _ = try await registry.createModel(name, by: actor) } catch
                where error.code == .alreadyExists
            {
                // Somebody was first.
            }
        }
        for (path, blob) in placed { try await tracking.putArtifact(path, blob, by: actor) }
        var draft = Registry.VersionDraft(source: ServedArtifacts.address(of: "\(folder)"))
        draft.location = draft.source
        draft.description = description
        if let configuration { draft.tags[Self.tag] = configuration }
        var digests: JSONValue = [:]
        for file in files { digests[file.path] = .string(file.digest.hex) }
        draft.files = digests
        return try await registry.createVersion(of: name, draft, by: actor)
    }

    /// - Throws: `.invalid` for a configuration that is none; nil is one.
    package func check(_ configuration: String?) throws(GyreError) {
        if let configuration { _ = try readConfiguration(configuration) }
    }

    /// Says how a version is served from its next deployment on; nil takes that back.
    package func configure(_ version: ModelVersion, _ configuration: String?, by actor: String) async throws(GyreError)
    {
        if let configuration { _ = try readConfiguration(configuration) }
        try await registry.tagVersion(version.name, version.number, Self.tag, configuration, by: actor)
    }
}
