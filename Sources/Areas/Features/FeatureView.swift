// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Features of an entity over time, read from a dataset.
package struct FeatureView: Sendable, Hashable {
    /// What it is read and joined by.
    package let name: String
    /// The dataset it reads.
    package let dataset: String
    /// The columns that name the entity.
    package let entities: [String]
    /// The column that tells from when on a row was known.
    package let timestampColumn: String
    /// How long a row stays true, in seconds; nil for ever.
    package let ttlSeconds: Int64?
    /// The columns that are features.
    package let features: [String]
    /// A query over `source` that computes these columns; nil where the dataset has them.
    package let query: String?

    /// A view as JSON or YAML has it.
    /// - Throws: `.invalid` naming what is missing.
    package init(json: JSONValue) throws(GyreError) {
        func missing(_ what: String) -> GyreError {
            GyreError(
                .invalid, "The feature view \"\(json["name"]?.string ?? "")\" has no \(what).",
                why: "It is \(json.text.prefix(300)).")
        }
        name = try Name(json["name"]?.string ?? "", of: "feature view").text
        guard let dataset = json["dataset"]?.string else { throw missing("dataset") }
        guard let timestamp = json["timestamp"]?.string else { throw missing("timestamp") }
        self.dataset = dataset
        timestampColumn = timestamp
        entities = json["entities"]?.strings ?? []
        features = json["features"]?.strings ?? []
        ttlSeconds = json["ttl_seconds"]?.int
        query = json["query"]?.string
        if entities.isEmpty { throw missing("entities") }
        if features.isEmpty { throw missing("features") }
        if let ttlSeconds, ttlSeconds <= 0 { throw missing("positive ttl_seconds") }
    }

    /// As stored.
    package var json: JSONValue {
        [
            "name": .string(name), "dataset": .string(dataset), "entities": .strings(entities),
            "timestamp": .string(timestampColumn),
            "ttl_seconds": .optional(ttlSeconds), "features": .strings(features), "query": .optional(query),
        ]
    }

    /// The same definition always has the same one.
    package var digest: Digest { Digest(of: json.canonicalBytes) }
    /// `feature-view/<name>@<digest>`.
    package var ref: Ref { Ref("feature-view", name, digest.short) }
}
