// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// Pipelines that were registered to be run by name, with their versions.
package struct PipelineCatalog: Sendable {
    private let ledger: any LedgerStore
    private let blobs: any BlobStore
    private let surroundings: Surroundings
    private let read: @Sendable ([UInt8]) throws(Failure) -> Pipeline
    /// What reading a package may fail with.
    package typealias Failure = GyreError

    private static let kind = "registered-pipeline"
    private static let versionKind = "pipeline-version"

    /// A catalog over these stores; `read` checks packages.
    package init(
        ledger: any LedgerStore, blobs: any BlobStore, surroundings: Surroundings,
        read: @escaping @Sendable ([UInt8]) throws(Failure) -> Pipeline
    ) {
        self.ledger = ledger
        self.blobs = blobs
        self.surroundings = surroundings
        self.read = read
    }

    /// What a version or a pipeline is said to be.
    package struct Description: Sendable {
        /// What it is registered under.
        package var name: String
        /// What people call it; nil for its name.
        package var displayName: String?
        /// What it does, or what is new.
        package var text = ""
        /// Labels.
        package var tags: [String: String] = [:]
        /// Where its code is said to be.
        package var codeSource = ""

        /// A description.
        package init(name: String) { self.name = name }
    }

    // MARK: Pipelines

    /// Registers a pipeline, with its first version where there is a package.
    /// - Throws: `.alreadyExists` for a name that is taken; `.invalid` for a package that is none.
    package func register(
        _ description: Description, version: (description: Description, package: [UInt8])? = nil, by actor: String
    ) async throws(GyreError) -> (pipeline: RegisteredPipeline, version: PipelineVersion?) {
        let name = try Self.checked(description.name, "pipeline")
        let pipeline = RegisteredPipeline(
            id: surroundings.newID(), name: name, displayName: description.displayName ?? name,
            description: description.text, tags: description.tags, createdAt: surroundings.now())
        var first: PipelineVersion?
        if let version { first = try await made(version.description, version.package, of: pipeline) }
        let facts =
            [Fact("pipelines.pipeline.registered", pipeline.ref, by: actor, body: pipeline.json)]
            + [first.map { Self.fact($0, of: pipeline, by: actor) }].compactMap(\.self)
        let added = first
        return try await ledger.transact { store throws(GyreError) in
            if try Self.all(store).contains(where: { $0.name == name }) {
                throw GyreError(
                    .alreadyExists, "There is a pipeline \"\(name.prefix(80))\" already.",
                    fix: "Add a version to it, or choose another name.")
            }
            var changes: [Change] = [.create(Document(Self.kind, pipeline.id, pipeline.json))]
            if let added { changes.append(.create(Document(Self.versionKind, Self.key(added), added.json))) }
            return Proposal((pipeline, added), changes, recording: facts)
        }
    }

    /// A pipeline by its id.
    /// - Throws: `.notFound`.
    package func pipeline(_ id: String) async throws(GyreError) -> RegisteredPipeline {
        guard let document = try await ledger.document(Self.kind, id) else {
            throw GyreError(.notFound, "There is no pipeline with the id \"\(id.prefix(80))\".")
        }
        return try RegisteredPipeline(json: document.body)
    }

    /// A pipeline by its name.
    /// - Throws: `.notFound`.
    package func pipeline(named name: String) async throws(GyreError) -> RegisteredPipeline {
        let all = try await pipelines()
        guard let found = all.first(where: { $0.name == name }) else {
            throw GyreError(
                .notFound, "There is no pipeline \"\(name.prefix(80))\".",
                fix: Nearest.fix(name, among: all.map(\.name), otherwise: "gyre pipeline registered"))
        }
        return found
    }

    /// All pipelines, in the order of their ids.
    package func pipelines() async throws(GyreError) -> [RegisteredPipeline] {
        try await ledger.documents(Self.kind).map { document throws(GyreError) in
            try RegisteredPipeline(json: document.body)
        }
    }

    /// Changes what a pipeline is said to be.
    package func update(
        _ id: String, by actor: String, _ change: @escaping @Sendable (inout RegisteredPipeline) -> Void
    ) async throws(GyreError) -> RegisteredPipeline {
        try await ledger.transact { store throws(GyreError) in
            guard let document = try store.document(Self.kind, id) else {
                throw GyreError(.notFound, "There is no pipeline with the id \"\(id.prefix(80))\".")
            }
            var pipeline = try RegisteredPipeline(json: document.body)
            change(&pipeline)
            return Proposal(
                pipeline, [.put(Document(Self.kind, id, pipeline.json))],
                recording: [Fact("pipelines.pipeline.changed", pipeline.ref, by: actor, body: pipeline.json)])
        }
    }

    /// Removes a pipeline from the catalog; runs of it stay.
    ///
    /// `cascading`: with its versions; else it is an error that it has any.
    package func remove(_ id: String, cascading: Bool, by actor: String) async throws(GyreError) {
        try await ledger.transact { store throws(GyreError) in
            guard let document = try store.document(Self.kind, id) else {
                throw GyreError(.notFound, "There is no pipeline with the id \"\(id.prefix(80))\".")
            }
            let pipeline = try RegisteredPipeline(json: document.body)
            let versions = try store.documents(Self.versionKind, prefix: id + "/")
            guard cascading || versions.isEmpty else {
                throw GyreError(
                    .conflict, "The pipeline \"\(pipeline.name)\" has \(versions.count) versions.",
                    fix: "Remove its versions first, or all of it with cascade=true.")
            }
            let changes = versions.map { Change.remove(kind: Self.versionKind, key: $0.key) }
            return Proposal(
                (), changes + [.remove(kind: Self.kind, key: id)],
                recording: [
                    Fact(
                        "pipelines.pipeline.removed", pipeline.ref, by: actor,
                        body: ["versions": .array(versions.map(\.body))])
                ])
        }
    }

    // MARK: Versions

    /// Adds a version.
    /// - Throws: `.alreadyExists` for a name that another version has; `.invalid` for a package that is none.
    package func add(
        _ description: Description, package: [UInt8], to id: String, by actor: String
    ) async throws(GyreError) -> PipelineVersion {
        let pipeline = try await self.pipeline(id)
        let version = try await made(description, package, of: pipeline)
        return try await ledger.transact { store throws(GyreError) in
            guard try store.document(Self.kind, id) != nil else {
                throw GyreError(.notFound, "There is no pipeline with the id \"\(id.prefix(80))\" any more.")
            }
            for other in try store.documents(Self.versionKind, prefix: id + "/")
            where other.body["name"]?.string == version.name {
                throw GyreError(
                    .alreadyExists,
                    "The pipeline \"\(pipeline.name)\" has a version \"\(version.name.prefix(80))\" already.",
                    fix: "Choose another name.")
            }
            return Proposal(
                version, [.create(Document(Self.versionKind, Self.key(version), version.json))],
                recording: [Self.fact(version, of: pipeline, by: actor)])
        }
    }

    /// A version by its id; nil for the newest.
    /// - Throws: `.notFound`.
    package func version(_ version: String?, of id: String) async throws(GyreError) -> PipelineVersion {
        guard let version else {
            let newest = try await versions(of: id).max { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
            if let newest { return newest }
            throw GyreError(.notFound, "The pipeline \"\(try await pipeline(id).name)\" has no version.")
        }
        guard let document = try await ledger.document(Self.versionKind, "\(id)/\(version)") else {
            throw GyreError(
                .notFound, "The pipeline \"\(id.prefix(80))\" has no version with the id \"\(version.prefix(80))\".")
        }
        return try PipelineVersion(json: document.body)
    }

    /// All versions of a pipeline.
    package func versions(of id: String) async throws(GyreError) -> [PipelineVersion] {
        try await ledger.documents(Self.versionKind, prefix: id + "/").map { document throws(GyreError) in
            try PipelineVersion(json: document.body)
        }
    }

    /// The compiled package of a version.
    package func package(_ version: PipelineVersion) async throws(GyreError) -> [UInt8] {
        try await blobs.bytes(version.compiled)
    }

    /// Changes what a version is said to be.
    package func updateVersion(
        _ version: String, of id: String, by actor: String,
        _ change: @escaping @Sendable (inout PipelineVersion) -> Void
    ) async throws(GyreError) -> PipelineVersion {
        let (pipeline, found) = (try await self.pipeline(id), try await self.version(version, of: id))
        return try await ledger.transact { store throws(GyreError) in
            guard let document = try store.document(Self.versionKind, Self.key(found)) else {
                throw GyreError(.notFound, "The version \"\(found.name)\" was removed meanwhile.")
            }
            var changed = try PipelineVersion(json: document.body)
            change(&changed)
            return Proposal(
                changed, [.put(Document(Self.versionKind, Self.key(found), changed.json))],
                recording: [Fact("pipelines.version.changed", pipeline.ref, by: actor, body: changed.json)])
        }
    }

    /// Removes a version; runs of it stay.
    package func removeVersion(_ version: String, of id: String, by actor: String) async throws(GyreError) {
        let pipeline = try await self.pipeline(id)
        let found = try await self.version(version, of: id)
        try await ledger.commit(
            [.remove(kind: Self.versionKind, key: Self.key(found))],
            recording: [Fact("pipelines.version.removed", pipeline.ref, by: actor, body: found.json)])
    }

    // MARK: Parts

    private func made(
        _ description: Description, _ package: [UInt8], of pipeline: RegisteredPipeline
    ) async throws(GyreError) -> PipelineVersion {
        let name = try Self.checked(description.name, "version")
        let compiled = try read(package)
        return PipelineVersion(
            id: surroundings.newID(), pipeline: pipeline.id, name: name, displayName: description.displayName ?? name,
            description: description.text, tags: description.tags, codeSource: description.codeSource,
            compiled: try await blobs.put(package).digest, ref: compiled.ref, createdAt: surroundings.now())
    }

    private static func fact(_ version: PipelineVersion, of pipeline: RegisteredPipeline, by actor: String) -> Fact {
        Fact(
            "pipelines.version.added", pipeline.ref, by: actor, inputs: [version.ref], outputs: [pipeline.ref],
            body: version.json)
    }

    private static func key(_ version: PipelineVersion) -> String { "\(version.pipeline)/\(version.id)" }

    private static func all(_ store: any LedgerTransaction) throws(GyreError) -> [RegisteredPipeline] {
        try store.documents(kind, prefix: "").map { document throws(GyreError) in
            try RegisteredPipeline(json: document.body)
        }
    }

    /// A name as people write it: any text of one line.
    static func checked(_ text: String, _ noun: String) throws(GyreError) -> String {
        let isBlank = text.allSatisfy(\.isWhitespace)
        guard !isBlank, text.utf8.count <= 200, !text.unicodeScalars.contains(where: { $0.value < 32 }) else {
            throw GyreError(
                .invalid, "\"\(text.prefix(80))\" cannot be the name of a \(noun).",
                why: "A name has 1 to 200 bytes of text in one line.", fix: "Choose another name.")
        }
        return text
    }
}
