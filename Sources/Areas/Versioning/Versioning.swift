// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger
package import GyreTables

/// Datasets and their versions.
package struct Versioning: Sendable {
    private let store: any LedgerStore
    private let blobs: any BlobStore
    private let tables: any TableEngine
    private let surroundings: Surroundings

    /// Versioning over these stores.
    package init(store: any LedgerStore, blobs: any BlobStore, tables: any TableEngine, surroundings: Surroundings) {
        self.store = store
        self.blobs = blobs
        self.tables = tables
        self.surroundings = surroundings
    }

    /// The pointer at the newest version of a dataset.
    package static func latest(_ name: String) -> Pointer.Name { "dataset/\(name)#latest" }
    /// The pointer at the newest version whose checks passed.
    package static func accepted(_ name: String) -> Pointer.Name { "dataset/\(name)#accepted" }

    /// Records what a dataset holds now.
    ///
    /// Content that is the newest version already is no new version; where it was made from other things this time, a fact says so.
    /// - Throws: `.notFound` if a blob of the tree was not stored before.
    package func add(
        _ name: Name, _ tree: Tree, message: String = "", madeFrom: [Ref] = [], by actor: String
    ) async throws(GyreError) -> (version: DatasetVersion, isNew: Bool) {
        guard !tree.entries.isEmpty else {
            throw GyreError(.invalid, "The dataset \"\(name)\" would be empty.", why: "No file was given.")
        }
        guard tree.entries.count <= Limits.datasetFiles else {
            throw GyreError(
                .limitExceeded,
                "The dataset \"\(name)\" has \(tree.entries.count) files; \(Limits.datasetFiles) is the most.")
        }
        for entry in tree.entries {
            guard try await blobs.size(entry.blob.digest) == entry.blob.sizeBytes else {
                throw GyreError(.invalid, "The size of \"\(entry.path)\" is not that of its blob.")
            }
        }
        let version = DatasetVersion(
            name: name, tree: tree, message: message, at: surroundings.now(), actor: actor, madeFrom: madeFrom)
        return try await store.transact { ledger throws(GyreError) in
            let latest = Self.latest(version.name)
            let previous = try ledger.pointer(latest)?.string
            let key = "\(version.name)@\(version.id)"
            let known = try ledger.document("dataset-version", key).map { document throws(GyreError) in
                try DatasetVersion(json: document.body)
            }
            let isNewest = previous == version.id
            if isNewest, let known, Set(madeFrom).isSubset(of: known.madeFrom) { return Proposal((known, false)) }
            // What was said of this content when it came first stays as it was said.
            var changes: [Change] = known == nil ? [.put(Document("dataset-version", key, version.json))] : []
            if !isNewest { changes.append(.move(latest, to: .string(version.id))) }
            return Proposal(
                (known ?? version, !isNewest), changes,
                recording: [
                    Fact(
                        isNewest ? "versioning.dataset.made-again" : "versioning.dataset.added", version.ref, by: actor,
                        inputs: madeFrom, outputs: [version.ref],
                        body: [
                            "message": .string(message), "previous": .optional(previous),
                            "files": .int(Int64(tree.entries.count)), "size_bytes": .int(tree.sizeBytes),
                            "tree_sha256": .string(tree.digest.hex),
                        ])
                ])
        }
    }

    /// A version by its id (or the first digits of it), `latest` or `accepted`.
    /// - Throws: `.notFound`; `.invalid` where several versions begin with these digits.
    package func version(_ name: String, _ selector: String = "latest") async throws(GyreError) -> DatasetVersion {
        var id = selector
        if selector == "latest" || selector == "accepted" {
            let pointer = selector == "latest" ? Self.latest(name) : Self.accepted(name)
            guard let target = try await store.pointer(pointer)?.string else {
                throw GyreError(
                    .notFound, "The dataset \"\(name)\" has no \(selector) version.",
                    why: selector == "latest" ? "Nothing was added to it." : "No version passed its checks yet.",
                    fix: "gyre data list")
            }
            id = target
        }
        let found = try await store.documents("dataset-version", prefix: "\(name)@\(id)")
        guard let first = found.first else {
            throw GyreError(
                .notFound, "The dataset \"\(name)\" has no version \"\(id)\".", fix: "gyre data log \(name)")
        }
        guard found.count == 1 else {
            throw GyreError(.invalid, "Several versions of \"\(name)\" begin with \"\(id)\".", fix: "Give more digits.")
        }
        return try DatasetVersion(json: first.body)
    }

    /// The version that a ref `dataset/name[@version]` names.
    package func version(_ ref: Ref) async throws(GyreError) -> DatasetVersion {
        guard ref.kind == "dataset" else { throw GyreError(.invalid, "\(ref) is no dataset.") }
        return try await version(ref.name, ref.version ?? "latest")
    }

    /// The versions of a dataset, newest first; of all datasets for nil.
    package func log(_ name: String?) async throws(GyreError) -> [DatasetVersion] {
        let documents = try await store.documents("dataset-version", prefix: name.map { "\($0)@" } ?? "")
        return try documents.map { document throws(GyreError) in try DatasetVersion(json: document.body) }.sorted {
            $0.at > $1.at
        }
    }

    /// Moves the pointer at the version that passed its checks.
    package func accept(_ version: DatasetVersion, reason: JSONValue, by actor: String) async throws(GyreError) {
        try await store.commit(
            [.move(Self.accepted(version.name), to: .string(version.id))],
            recording: [
                Fact(
                    "versioning.dataset.accepted", Ref("dataset", version.name), by: actor, inputs: [version.ref],
                    body: ["reason": reason])
            ])
    }

    // MARK: Diff

    /// What changed between two versions.
    package struct Diff: Sendable, Hashable {
        /// One file that differs.
        package struct FileChange: Sendable, Hashable {
            /// Where the file lies in the dataset.
            package let path: String
            /// `added`, `removed` or `changed`.
            package let kind: String
            /// Its bytes before; 0 where it was not.
            package let oldBytes: Int64
            /// Its bytes after; 0 where it is not.
            package let newBytes: Int64
            /// Rows only the new one has; nil where the file is no table.
            package let addedRows: Int64?
            /// Rows only the old one has; nil where the file is no table.
            package let removedRows: Int64?
        }

        /// The files that differ, by path.
        package let files: [FileChange]

        /// As the native API tells it.
        package var json: JSONValue {
            [
                "files": .array(
                    files.map {
                        [
                            "path": .string($0.path), "kind": .string($0.kind), "old_bytes": .int($0.oldBytes),
                            "new_bytes": .int($0.newBytes),
                            "added_rows": .optional($0.addedRows), "removed_rows": .optional($0.removedRows),
                        ]
                    }),
                "added_rows": .int(files.compactMap(\.addedRows).reduce(0, +)),
                "removed_rows": .int(files.compactMap(\.removedRows).reduce(0, +)),
            ]
        }
    }

    /// Compares two versions file by file, and the rows of the files that differ.
    package func diff(_ old: DatasetVersion, _ new: DatasetVersion) async throws(GyreError) -> Diff {
        var before: [RelativePath: StoredBlob] = [:]
        for entry in old.tree.entries { before[entry.path] = entry.blob }
        var after: [RelativePath: StoredBlob] = [:]
        for entry in new.tree.entries { after[entry.path] = entry.blob }
        var changes: [Diff.FileChange] = []
        for path in Set(before.keys).union(after.keys).sorted() where before[path] != after[path] {
            let (one, other) = (before[path], after[path])
            let added = try await rows(in: other, butNotIn: one, named: path)
            let removed = try await rows(in: one, butNotIn: other, named: path)
            changes.append(
                Diff.FileChange(
                    path: path.description, kind: one == nil ? "added" : other == nil ? "removed" : "changed",
                    oldBytes: one?.sizeBytes ?? 0, newBytes: other?.sizeBytes ?? 0, addedRows: added,
                    removedRows: removed))
        }
        return Diff(files: changes)
    }

    private func rows(
        in one: StoredBlob?, butNotIn other: StoredBlob?, named path: RelativePath
    ) async throws(GyreError) -> Int64? {
        let ending = path.description.split(separator: ".").last.map { $0.lowercased() } ?? ""
        guard ["parquet", "csv", "tsv"].contains(ending) else { return nil }
        guard let one else { return 0 }
        let session = try await tables.open()
        func reader(_ blob: StoredBlob) async throws(GyreError) -> String {
            let file = SQL.text(try await blobs.file(blob.digest))
            return ending == "parquet" ? "read_parquet(\(file))" : "read_csv(\(file), all_varchar = true)"
        }
        guard let other else {
            return try await session.run("SELECT count(*) FROM \(try await reader(one))").scalar?.int
        }
        let (left, right) = (try await reader(one), try await reader(other))
        do {
            return try await session.run(
                "SELECT count(*) FROM (SELECT * FROM \(left) EXCEPT ALL SELECT * FROM \(right))"
            ).scalar?.int
        } catch {
            // Other columns or types: then every row is another one.
            return try await session.run("SELECT count(*) FROM \(left)").scalar?.int
        }
    }
}
