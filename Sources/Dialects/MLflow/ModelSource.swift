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
        try Self.checkAddress(source)
        if source.hasPrefix("runs:/"), Self.path(source).split(separator: "/").first.map(String.init) != draft.runID {
            throw GyreError(
                .invalid,
                "Invalid model version source: '\(source.prefix(200))'. "
                    + "The run_id request parameter must identify the resource that contains the source.")
        }
        guard draft.modelID.isEmpty, source.hasPrefix("mlflow-artifacts:/") else { return }
        let run = draft.runID.isEmpty ? nil : try await tracking.store.run(draft.runID)
        let isOfRun = run.map { source == $0.artifactURI || source.hasPrefix($0.artifactURI + "/") } ?? false
        guard isOfRun else {
            throw GyreError(
                .invalid,
                "Invalid model version source: '\(source.prefix(200))'. "
                    + "The run_id request parameter must identify the resource that contains the source.")
        }
    }

    /// The model and the number or alias behind `models:/name/1` and `models:/name@alias`.
    static func model(_ source: String) -> (name: String, selector: String)? {
        guard source.hasPrefix("models:/") else { return nil }
        let rest = source.dropFirst(8)
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty { return (String(parts[0]), String(parts[1])) }
        let named = rest.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 1, named.count == 2, !named[0].isEmpty, !named[1].isEmpty else { return nil }
        return (String(named[0]), String(named[1]))
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
        if let store = ["s3", "gs", "wasbs", "abfss", "hdfs", "mlflow-artifacts"].first(where: {
            $0 == scheme.lowercased()
        }) {
            let rest = path(decoded)
            let hasPath = store == "mlflow-artifacts" ? !rest.isEmpty : rest.split(separator: "/").count > 1
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
