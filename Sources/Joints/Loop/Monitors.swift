// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreDelivery
package import GyreLedger
package import GyreMonitoring
package import GyreReleases
internal import GyreRollout
package import GyreServing
package import GyreTables
package import GyreVersioning

/// Holds windows of traffic against the training data of the release that answered.
package actor Monitors {
    private let store: any LedgerStore
    private let blobs: any BlobStore
    private let tables: any TableEngine
    private let log: any PredictionLog
    private let releases: Releases
    private let versioning: Versioning
    private let host: ModelHost
    private let now: @Sendable () -> Int64
    /// Training values by column for the releases that were asked for; a few are kept.
    private var references: [Ref: [String: [Double]]] = [:]
    private static let sampleRows = 20_000

    /// Monitors over these services; reports are kept in `store`.
    package init(
        store: any LedgerStore, blobs: any BlobStore, tables: any TableEngine, log: any PredictionLog,
        releases: Releases,
        versioning: Versioning, host: ModelHost, surroundings: Surroundings
    ) {
        self.store = store
        self.blobs = blobs
        self.tables = tables
        self.log = log
        self.releases = releases
        self.versioning = versioning
        self.host = host
        now = surroundings.now
    }

    /// Computes the report of one window.
    ///
    /// `target`: the deployment whose predictions are looked at. `from`: start of the window in event time,
    /// microseconds since 1970. `to`: its end, not included.
    func report(
        _ endpoint: String, _ target: TrafficSplit.Target, window: String, from: Int64, to: Int64
    ) async throws(GyreError) -> MonitorReport {
        let release = try await releases.release(endpoint, target.release)
        let rows = try await log.rows(PredictionQuery(endpoint: endpoint, from: from, to: to, version: target.version))
        guard !rows.isEmpty else {
            throw GyreError(
                .conflict, "The window \"\(window)\" of \"\(endpoint)\" cannot be judged.",
                why: "Version \(target.version) answered nothing in it.", fix: "Choose another window.")
        }
        let reference = try await reference(of: release)
        let at = now()
        return try await Background.run { () throws(GyreError) in
            try MonitorReport.make(
                endpoint: endpoint, version: target.version, release: target.release, window: window, rows: rows,
                features: release.pins.features, reference: reference, at: at)
        }
    }

    /// Keeps a report, in place of an earlier one of the same window.
    func record(_ report: MonitorReport, by actor: String) async throws(GyreError) {
        let release = try await releases.release(report.endpoint, report.release)
        let key = "\(report.endpoint)/\(report.window)@\(report.version)"
        try await store.commit(
            [.put(Document("monitor-report", key, report.json))],
            recording: [
                Fact(
                    "monitoring.report.computed", Ref("endpoint", report.endpoint), by: actor, inputs: [release.ref],
                    body: [
                        "window": .string(report.window), "rows": .int(Int64(report.rows)),
                        "performance": report.performance.map(\.json) ?? .null,
                        "psi": .object(JSONObject(report.drift.map { ($0.column, .double($0.psi)) })),
                    ])
            ])
    }

    /// The reports of an endpoint by window.
    package func reports(_ endpoint: String) async throws(GyreError) -> [JSONValue] {
        try await store.documents("monitor-report", prefix: "\(endpoint)/").map(\.body)
    }

    private func reference(of release: Release) async throws(GyreError) -> [String: [Double]] {
        if let known = references[release.ref] { return known }
        guard let training = release.pins.training, !release.pins.features.isEmpty else { return [:] }
        let version = try await versioning.version(training)
        let session = try await tables.open()
        let columns = release.pins.features.map { "CAST(\(SQL.name($0)) AS DOUBLE)" }.joined(separator: ", ")
        let source = try TableFile.reader(try await blobs.tableFiles(of: version.tree))
        // The same rows each time, spread over the whole set.
        let sampled = try await session.run(
            "SELECT \(columns) FROM \(source) USING SAMPLE reservoir(\(Self.sampleRows) ROWS) REPEATABLE (7)")
        var reference: [String: [Double]] = [:]
        for (index, feature) in release.pins.features.enumerated() {
            reference[feature] = sampled.rows.compactMap { $0[index].double }.filter(\.isFinite)
        }
        reference["score"] = try await scores(of: release, sampled.rows)
        if references.count >= 8 { references = [:] }
        references[release.ref] = reference
        return reference
    }

    private func scores(of release: Release, _ rows: [[JSONValue]]) async throws(GyreError) -> [Double] {
        // An old release is not loaded: then there are no reference scores.
        guard let hosted = try? host.model(release.endpoint, Int(release.pins.model.version ?? "")),
            let input = hosted.model.inputs.first, !rows.isEmpty,
            hosted.form.isLenient || hosted.form.hasColumns
                || hosted.model.inputs.count == 1 && input.datatype == .fp32
        else { return [] }
        let values = rows.flatMap { row in row.map { Float($0.double ?? .nan) } }
        let tensor = Tensor(
            datatype: .fp32, shape: [rows.count, release.pins.features.count], storage: .floats(values))
        let answer = try await hosted.answer(
            .tensors([NamedTensor(name: input.name, tensor: tensor)], parameters: [:]))
        return rows.indices.compactMap {
            PredictedScore(answer.outputs, probabilities: answer.probabilities, row: $0)?.value
        }
    }
}
