// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreFeatures
package import GyreLedger
package import GyreQuality
internal import GyreTables
package import GyreVersioning

/// Takes data in: checks what was added, accepts it or stops it, and makes training sets of what was accepted.
package struct Ingest: Sendable {
    let store: any LedgerStore
    let blobs: any BlobStore
    let versioning: Versioning
    let checker: Checker
    let features: Features
    let readSuite: @Sendable (JSONValue) throws(GyreError) -> Suite
    let writeResult: @Sendable (CheckResult) -> JSONValue

    /// Over these services.
    ///
    /// `readSuite`: reads a suite in the format it was written in. `writeResult`: a result in that format.
    package init(
        store: any LedgerStore, blobs: any BlobStore, versioning: Versioning, checker: Checker, features: Features,
        readSuite: @escaping @Sendable (JSONValue) throws(GyreError) -> Suite,
        writeResult: @escaping @Sendable (CheckResult) -> JSONValue
    ) {
        self.store = store
        self.blobs = blobs
        self.versioning = versioning
        self.checker = checker
        self.features = features
        self.readSuite = readSuite
        self.writeResult = writeResult
    }

    /// Runs a suite over a dataset version and records the result.
    package func check(
        _ version: DatasetVersion, _ suiteJSON: JSONValue, by actor: String
    ) async throws(GyreError) -> (result: CheckResult, ref: Ref) {
        let (suite, result) = try await evaluate(version, suiteJSON)
        let ref = Ref("check", "\(version.name)/\(suite.name)", "\(version.id)-\(suite.digest.short.prefix(6))")
        let failures = result.failures.map(\.summary)
        try await store.commit(
            [
                .put(
                    Document(
                        "check-result", "\(version.name)@\(version.id)/\(suite.name)",
                        [
                            "ref": .string(ref.description), "dataset": .string(version.ref.description),
                            "suite": .string(suite.ref.description),
                            "at": .int(result.at), "success": .bool(result.isSuccess),
                            "blocking": .bool(result.isBlocking), "state": .string(result.state.rawValue),
                            "failures": .strings(failures), "result": writeResult(result),
                        ]))
            ],
            recording: [
                Fact(
                    Self.kind(result.state), ref, by: actor,
                    inputs: [version.ref, suite.ref],
                    outputs: [ref],
                    body: [
                        "expectations": .int(Int64(result.results.count)), "failures": .strings(failures),
                        "severity": .optional(result.worstFailure?.rawValue),
                    ])
            ])
        return (result, ref)
    }

    /// Runs a suite over a dataset version; nothing is recorded.
    package func evaluate(
        _ version: DatasetVersion, _ suiteJSON: JSONValue
    ) async throws(GyreError) -> (suite: Suite, result: CheckResult) {
        let suite = try readSuite(suiteJSON)
        return (suite, try await checker.run(suite, files: try await blobs.tableFiles(of: version.tree)))
    }

    private static func kind(_ state: CheckResult.State) -> String {
        switch state {
        case .passed: "quality.check.passed"
        case .warned: "quality.check.warned"
        case .failed: "quality.check.failed"
        }
    }

    /// A result in the format that its suite was written in.
    package func result(_ result: CheckResult) -> JSONValue { writeResult(result) }

    /// The results of the checks of a dataset version.
    package func checks(of version: Ref) async throws(GyreError) -> [JSONValue] {
        try await store.documents("check-result", prefix: "\(version.name)@\(version.version ?? "")/").map(\.body)
    }

    /// Makes the training set of a project from the accepted versions of its datasets.
    ///
    /// `madeFrom`: what it was made of this time, which may differ from the first time its content came about.
    func makeTrainingSet(
        _ project: Project, by actor: String
    ) async throws(GyreError) -> (version: DatasetVersion, madeFrom: [Ref]) {
        let (training, views) = try Self.training(of: project)
        for view in views { try await features.apply(view, by: actor) }
        var sources: [String: Features.Source] = [:]
        for version in try await trainingSources(project) {
            sources[version.name] = Features.Source(ref: version.ref, tree: version.tree)
        }
        guard let spine = sources[training.spine] else { throw GyreError(.internal, "The spine was not read.") }
        let joined = try await features.join(
            spine: spine, query: training.query, timestampColumn: training.timestamp, views: training.views,
            sources: sources)
        let tree = try Tree([Tree.Entry(path: try RelativePath("\(training.dataset).parquet"), blob: joined.blob)])
        let added = try await versioning.add(
            try Name(training.dataset, of: "dataset"), tree,
            message: "\(joined.rows) rows joined as of \(training.timestamp)",
            madeFrom: joined.madeFrom, by: actor)
        return (added.version, joined.madeFrom)
    }

    /// The versions that a training set of a project would be made from now, by name.
    /// - Throws: `.notFound` where one of its datasets has no accepted version.
    func trainingSources(_ project: Project) async throws(GyreError) -> [DatasetVersion] {
        let (training, views) = try Self.training(of: project)
        var names: Set<String> = [training.spine]
        for view in views where training.views.contains(view.name) { names.insert(view.dataset) }
        var versions: [DatasetVersion] = []
        for name in names.sorted() { versions.append(try await accepted(name, project)) }
        return versions
    }

    private static func training(
        of project: Project
    ) throws(GyreError) -> (training: Project.Training, views: [FeatureView]) {
        guard let training = project.training else {
            throw GyreError(
                .invalid, "The project \"\(project.name)\" says nothing about its training set.",
                fix: "Add training: to gyre.yaml")
        }
        return (training, try project.featureViews.map { json throws(GyreError) in try FeatureView(json: json) })
    }

    /// Only data that passed its checks is trained on; a dataset without a suite is taken as it is.
    private func accepted(_ name: String, _ project: Project) async throws(GyreError) -> DatasetVersion {
        try await versioning.version(name, project.suites[name] == nil ? "latest" : "accepted")
    }
}
