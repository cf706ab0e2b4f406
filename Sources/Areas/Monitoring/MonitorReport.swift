// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What a window of an endpoint's traffic looked like, held against the training data of the release that answered.
package struct MonitorReport: Sendable, Hashable {
    /// The name of the endpoint that was asked.
    package let endpoint: String
    /// The model version.
    package let version: Int
    /// The number of the release that answered.
    package let release: Int
    /// The window's name: `2013-04`.
    package let window: String
    /// Predictions in it.
    package let rows: Int
    /// Drift by column, and of the `score`.
    package let drift: [ColumnDrift]
    /// How good the scores were; nil without labels.
    package let performance: Performance?
    /// When it was computed, microseconds since 1970.
    package let at: Int64

    /// How far one column moved.
    package struct ColumnDrift: Sendable, Hashable {
        /// The feature, or `score`.
        package let column: String
        /// Population stability index.
        package let psi: Double
        /// `ks` or `chisquare`.
        package let test: String
        /// The test's statistic.
        package let statistic: Double
        /// The test's p-value.
        package let p: Double

        var json: JSONValue {
            [
                "column": .string(column), "psi": .double(psi), "test": .string(test), "statistic": .double(statistic),
                "p": .double(p),
            ]
        }
    }

    /// Compares a window with the reference, column by column.
    ///
    /// `reference`: values by column, and the scores under `score`. `features`: the columns in the order of the rows'
    /// inputs.
    package static func make(
        endpoint: String, version: Int, release: Int, window: String, rows: [LoggedRow], features: [String],
        reference: [String: [Double]], at: Int64
    ) throws(GyreError) -> MonitorReport {
        var drift: [ColumnDrift] = []
        for (index, feature) in features.enumerated() {
            let current = rows.compactMap { $0.inputs.indices.contains(index) ? $0.inputs[index] : nil }.filter(
                \.isFinite)
            if let column = try compare(feature, reference[feature] ?? [], current) { drift.append(column) }
        }
        if let column = try compare("score", reference["score"] ?? [], rows.compactMap(\.score)) {
            drift.append(column)
        }
        var (scores, labels): ([Double], [Double]) = ([], [])
        for row in rows {
            guard let score = row.score, let label = row.label else { continue }
            scores.append(score)
            labels.append(label)
        }
        return MonitorReport(
            endpoint: endpoint, version: version, release: release, window: window, rows: rows.count, drift: drift,
            performance: Performance(scores: scores, labels: labels, kind: kind(of: rows)), at: at)
    }

    /// What the scores of a window are: a word of all rows that have one, else what their values leave open.
    private static func kind(of rows: [LoggedRow]) -> ScoreKind {
        let scored = rows.filter { $0.score != nil }
        let kinds = Set(scored.map(\.scoreKind))
        if let only = kinds.first, let only, kinds.count == 1 { return only }
        // Earlier versions did not write it down.
        return scored.allSatisfy { $0.score == 0 || $0.score == 1 } ? .hardClass : .number
    }

    private static func compare(
        _ column: String, _ reference: [Double], _ current: [Double]
    ) throws(GyreError) -> ColumnDrift? {
        let reference = reference.filter(\.isFinite)
        guard !reference.isEmpty, !current.isEmpty else { return nil }
        let psi = try DriftStatistics.populationStabilityIndex(reference: reference, current: current)
        if Set(reference).count <= 20 {
            let (statistic, p) = try DriftStatistics.chiSquare(reference: reference, current: current)
            return ColumnDrift(column: column, psi: psi, test: "chisquare", statistic: statistic, p: p)
        }
        let (distance, p) = try DriftStatistics.kolmogorovSmirnov(reference: reference, current: current)
        return ColumnDrift(column: column, psi: psi, test: "ks", statistic: distance, p: p)
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        [
            "endpoint": .string(endpoint), "version": .int(Int64(version)), "release": .int(Int64(release)),
            "window": .string(window),
            "rows": .int(Int64(rows)), "drift": .array(drift.map(\.json)),
            "performance": performance.map(\.json) ?? .null,
            "at": .int(at),
        ]
    }
}
