// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger
package import GyreTables

/// Feature views: joined to the past for training, read by key for serving.
package struct Features: Sendable {
    private let store: any LedgerStore
    private let blobs: any BlobStore
    private let tables: any TableEngine
    private let online: any OnlineStore
    private let surroundings: Surroundings

    /// Features over these stores.
    package init(
        store: any LedgerStore, blobs: any BlobStore, tables: any TableEngine, online: any OnlineStore,
        surroundings: Surroundings
    ) {
        self.store = store
        self.blobs = blobs
        self.tables = tables
        self.online = online
        self.surroundings = surroundings
    }

    /// A dataset version as this area needs it: its ref and its files with their names.
    package struct Source: Sendable {
        /// Which version it is.
        package let ref: Ref
        /// The files.
        package let tree: Tree

        /// A source.
        package init(ref: Ref, tree: Tree) {
            self.ref = ref
            self.tree = tree
        }
    }

    // MARK: Views

    /// Defines or redefines a view.
    package func apply(_ view: FeatureView, by actor: String) async throws(GyreError) {
        if try await find(view.name) == view { return }
        try await store.commit(
            [.put(Document("feature-view", view.name, view.json))],
            recording: [Fact("features.view.applied", view.ref, by: actor, outputs: [view.ref], body: view.json)])
    }

    /// All views by name.
    package func views() async throws(GyreError) -> [FeatureView] {
        try await store.documents("feature-view").map { document throws(GyreError) in
            try FeatureView(json: document.body)
        }
    }

    /// A view.
    /// - Throws: `.notFound`.
    package func view(_ name: String) async throws(GyreError) -> FeatureView {
        if let view = try await find(name) { return view }
        throw GyreError(.notFound, "No feature view is named \"\(name)\".", fix: "gyre feature list")
    }

    private func find(_ name: String) async throws(GyreError) -> FeatureView? {
        guard let found = try await store.document("feature-view", name) else { return nil }
        return try FeatureView(json: found.body)
    }

    // MARK: Training

    /// Joins views to the rows of a spine, each as it was known at the row's time; the result is one Parquet file.
    ///
    /// `spine`: rows with the entities' columns, the time and whatever else the training needs, such as the label.
    /// `query`: a query over `source`, the spine's rows; nil takes them as they are. `sources`: the dataset version
    /// of each view, by the dataset's name. Returns the stored file and what it was made from.
    package func join(
        spine: Source, query: String?, timestampColumn: String, views names: [String], sources: [String: Source]
    ) async throws(GyreError) -> (blob: StoredBlob, rows: Int64, madeFrom: [Ref]) {
        var pairs: [(view: FeatureView, source: String)] = []
        var madeFrom = [spine.ref]
        for name in names {
            let view = try await view(name)
            guard let source = sources[view.dataset] else {
                throw GyreError(
                    .invalid,
                    "The view \"\(name)\" reads the dataset \"\(view.dataset)\", of which no version was given.")
            }
            pairs.append((view, try await select(view, source)))
            madeFrom += [view.ref, source.ref]
        }
        let source = "SELECT * FROM \(try await reader(spine.tree))"
        let spineSQL = query.map { "WITH source AS (\(source)) \($0)" } ?? source
        let statement = PointInTimeJoin(spine: spineSQL, timestampColumn: timestampColumn, views: pairs).sql
        let session = try await tables.open()
        let path = blobs.makeTemporaryPath()
        try await session.run("COPY (\(statement)) TO \(SQL.text(path)) (FORMAT parquet, COMPRESSION zstd)")
        let rows = try await session.run("SELECT count(*) FROM read_parquet(\(SQL.text(path)))").scalar?.int ?? 0
        return (try await blobs.adopt(temporaryPath: path), rows, Array(Set(madeFrom)).sorted())
    }

    private func select(_ view: FeatureView, _ source: Source) async throws(GyreError) -> String {
        let reader = try await reader(source.tree)
        guard let query = view.query else { return "SELECT * FROM \(reader)" }
        return "WITH source AS (SELECT * FROM \(reader)) \(query)"
    }

    private func reader(_ tree: Tree) async throws(GyreError) -> String {
        try TableFile.reader(try await blobs.tableFiles(of: tree))
    }

    // MARK: Serving

    /// The pointer at the generation of a view that is read online.
    package static func onlinePointer(_ view: String) -> Pointer.Name { "feature-view/\(view)#online" }

    /// Brings the latest values of a view, as known at `asOf`, into the online store; readers see all of them at
    /// once.
    ///
    /// `asOf`: microseconds since 1970; nil takes all rows. Returns how many entities there are.
    package func materialize(
        _ name: String, from source: Source, asOf: Int64?, by actor: String
    ) async throws(GyreError) -> Int {
        let view = try await view(name)
        let session = try await tables.open()
        let time = SQL.name(view.timestampColumn)
        let entity = Self.keySQL(view.entities)
        let values = view.features.map { "\(SQL.text($0)), \(SQL.name($0))" }.joined(separator: ", ")
        let known = asOf == nil ? "true" : "\(time) <= make_timestamp(CAST(? AS BIGINT))"
        let result = try await session.run(
            """
            SELECT \(entity), epoch_us(\(time)), CAST(json_object(\(values)) AS VARCHAR)
            FROM (\(try await select(view, source))) WHERE \(known)
            QUALIFY row_number() OVER (PARTITION BY \(entity) ORDER BY \(time) DESC) = 1
            """, asOf.map { [.int($0)] } ?? [])
        var rows: [OnlineRow] = []
        for row in result.rows {
            rows.append(
                OnlineRow(
                    entity: row[0].string ?? "", eventMicroseconds: row[1].int ?? 0,
                    values: try JSONValue(parsing: row[2].string ?? "{}")))
        }
        let before = try await store.pointer(Self.onlinePointer(name))
        let old = before?["generation"]?.int ?? 0
        // Two at the same time have generations of their own; the second to move the pointer is refused.
        let generation = max(old + 1, surroundings.now())
        try await online.write(rows, view: name, generation: generation)
        let digest = Digest(of: JSONValue.array(rows.map { [.string($0.entity), $0.values] }).canonicalBytes)
        try await store.commit(
            [
                .moveIf(
                    Self.onlinePointer(name), expecting: before,
                    to: [
                        "generation": .int(generation), "source": .string(source.ref.description),
                        "keys": .string(Self.keyForm),
                    ])
            ],
            recording: [
                Fact(
                    "features.view.materialized", Ref("feature-view", name), by: actor, inputs: [view.ref, source.ref],
                    body: [
                        "rows": .int(Int64(rows.count)), "rows_sha256": .string(digest.hex), "as_of": .optional(asOf),
                    ])
            ])
        // The one before stays for readers that have its number, and for the way back.
        try await online.prune(view: name, before: old)
        return rows.count
    }

    /// How keys of several entities are written; what an earlier version wrote would be found by no key of this one.
    private static let keyForm = "list"

    /// The key of an entity: its value where it is one, else the list of its values as JSON, which no other list has.
    static func key(_ values: [String]) -> String {
        values.count == 1 ? values[0] : JSONValue.strings(values).text
    }

    /// The same of a row's columns.
    private static func keySQL(_ entities: [String]) -> String {
        let values = entities.map { "CAST(\(SQL.name($0)) AS VARCHAR)" }
        return values.count == 1 ? values[0] : "CAST(to_json([\(values.joined(separator: ", "))]) AS VARCHAR)"
    }

    /// The latest values of an entity that are not too old at `now`; nil values where there are none.
    package func read(_ name: String, entity: [String], now: Int64? = nil) async throws(GyreError) -> JSONValue {
        let view = try await view(name)
        guard entity.count == view.entities.count else {
            throw GyreError(
                .invalid, "The view \"\(name)\" is read by \(view.entities.joined(separator: ", ")).",
                why: "\(entity.count) values were given.")
        }
        var answer: JSONValue = ["view": .string(name), "entity": .strings(entity), "status": "NOT_FOUND"]
        var empty: JSONValue = [:]
        for feature in view.features { empty[feature] = .null }
        answer["values"] = empty
        let online = try await store.pointer(Self.onlinePointer(name))
        if let online, view.entities.count > 1, online["keys"]?.string != Self.keyForm {
            throw GyreError(
                .conflict,
                "The online values of the view \"\(name)\" were written by an earlier version, under other keys.",
                fix: "gyre feature materialize \(name)")
        }
        guard let generation = online?["generation"]?.int,
            let row = try await self.online.read(view: name, generation: generation, entity: Self.key(entity))
        else { return answer }
        answer["event_timestamp"] = .string(Timestamp.text(row.eventMicroseconds))
        if let ttl = view.ttlSeconds, (now ?? surroundings.now()) - row.eventMicroseconds > ttl * 1_000_000 {
            answer["status"] = "OUTSIDE_MAX_AGE"
            return answer
        }
        answer["status"] = "PRESENT"
        answer["values"] = row.values
        return answer
    }
}
