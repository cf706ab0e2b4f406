// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP
internal import GyreRegistry
internal import GyreTracking

/// Whether a model version may have its files where a client says.
///
/// The source is an address of an artifact store or of another model, never a file of the server and never another run's folder.
struct ModelSource {
    let tracking: Tracking

    func check(_ draft: Registry.VersionDraft, of model: RegisteredModel) async throws(GyreError) {
        let source = draft.source
        // A name of the registry is looked up there, whatever it is made of.
        if Address(source)?.isRegistered != true { try Self.checkAddress(source) }
        if source.hasPrefix("runs:/"), Self.path(source).split(separator: "/").first.map(String.init) != draft.runID {
            throw GyreError(
                .invalid,
                "Invalid model version source: '\(source.prefix(200))'. "
                    + "The run_id request parameter must identify the resource that contains the source.")
        }
        guard draft.modelID.isEmpty, ServedArtifacts.isAddress(source) else { return }
        let run = draft.runID.isEmpty ? nil : try await tracking.store.run(draft.runID)
        let isOfRun = run.map { source == $0.artifactURI || source.hasPrefix($0.artifactURI + "/") } ?? false
        guard isOfRun else {
            throw GyreError(
                .invalid,
                "Invalid model version source: '\(source.prefix(200))'. "
                    + "The run_id request parameter must identify the resource that contains the source.")
        }
    }

    /// What a `models:/` address names.
    ///
    /// Its form alone decides, as in MLflow's client: a registered model may be called like an id, a version or a stage.
    enum Address: Sendable, Hashable {
        /// `models:/ID`.
        case loggedModel(String)
        /// `models:/NAME/1`.
        case version(String, Int)
        /// `models:/NAME@ALIAS`.
        case alias(String, String)
        /// `models:/NAME/latest`.
        case latest(String)
        /// `models:/NAME/STAGE`.
        case stage(String, ModelVersion.Stage)

        /// What `source` names; nil for an address of another kind, or one that names nothing.
        init?(_ source: String) {
            guard source.hasPrefix("models:/") else { return nil }
            let parts = source.dropFirst(8).drop { $0 == "/" }.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count <= 2, let first = parts.first, !first.isEmpty else { return nil }
            guard parts.count == 2 else {
                guard let at = first.lastIndex(of: "@") else {
                    self = .loggedModel(String(first))
                    return
                }
                let (name, alias) = (first[..<at], first[first.index(after: at)...])
                guard !name.isEmpty, !alias.isEmpty else { return nil }
                self = .alias(String(name), String(alias))
                return
            }
            let (name, suffix) = (String(first), String(parts[1]))
            if !suffix.isEmpty, suffix.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(suffix) {
                self = .version(name, number)
            } else if suffix.lowercased() == "latest" {
                self = .latest(name)
            } else if let stage = ModelVersion.Stage.allCases.first(where: {
                $0.rawValue.lowercased() == suffix.lowercased()
            }) {
                self = .stage(name, stage)
            } else {
                return nil
            }
        }

        /// Whether it names a version of a registered model.
        var isRegistered: Bool {
            if case .loggedModel = self { return false }
            return true
        }
    }

    /// The registered version that an address names now.
    /// - Throws: `.notFound` for one that there is not; `.invalid` for an address of no registered model.
    static func version(at address: Address, in registry: Registry) async throws(GyreError) -> ModelVersion {
        switch address {
        case .version(let name, let number): return try await registry.version(name, number)
        case .alias(let name, let alias): return try await registry.version(name, alias: alias)
        case .latest(let name): return try await registry.version(name, alias: "latest")
        case .stage(let name, let stage):
            if let found = try await registry.versions(of: name).last(where: { $0.stage == stage }) { return found }
            throw GyreError(
                .notFound, "No version of the model \"\(name.prefix(200))\" is in the stage \(stage.rawValue).")
        case .loggedModel(let id):
            throw GyreError(.invalid, "\"models:/\(id.prefix(200))\" names no version of a registered model.")
        }
    }

    private static func checkAddress(_ source: String) throws(GyreError) {
        // However often it is encoded, what comes out must be harmless.
        var decoded = source
        for _ in 0..<8 {
            let next = Percent.decode(decoded)
            if next == decoded { break }
            decoded = next
        }
        let scheme = decoded.prefix { $0 != ":" }
        let isAddress =
            decoded.contains(":") && scheme.count > 1
            && scheme.allSatisfy { $0.isLetter || $0.isNumber || "+-.".contains($0) }
        let parts = decoded.split { $0 == "/" || $0 == "\\" }
        let isLocal = scheme.lowercased() == "file"
        let hasTricks =
            decoded.contains("\\") || decoded.contains("#") || decoded.contains("?")
            || decoded.unicodeScalars.contains { $0.value < 0x20 } || decoded.first?.isWhitespace == true
        guard !["http", "https", "ftp"].contains(scheme.lowercased()) else {
            throw GyreError(
                .invalid,
                "'source' cannot use the '\(scheme.lowercased())' scheme: the server would connect to the host named in the URI."
            )
        }
        guard isAddress, !isLocal, !parts.contains(".."), !hasTricks else {
            throw GyreError(
                .invalid, "Invalid model version source: '\(source.prefix(200))'.",
                why:
                    "To use a local path as a model version source, the run_id request parameter has to be specified and the "
                    + "local path has to be contained within the artifact directory of the run specified by the run_id."
            )
        }
        if let store = ["s3", "gs", "wasbs", "abfss", "hdfs", ServedArtifacts.scheme].first(where: {
            $0 == scheme.lowercased()
        }) {
            let rest = path(decoded)
            let hasPath = store == ServedArtifacts.scheme ? !rest.isEmpty : rest.split(separator: "/").count > 1
            guard hasPath else {
                throw GyreError(
                    .invalid, "Invalid model version source: '\(source.prefix(200))'.",
                    why: "An absolute path must be provided without relative path references present.")
            }
        }
    }

    private static func path(_ source: String) -> Substring {
        source.drop { $0 != ":" }.dropFirst().drop { $0 == "/" }
    }
}
