// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Dataset versions, checks and features.
extension API {
    /// One state of the files of a dataset, for good.
    package struct DatasetVersion: APIObject {
        /// The dataset.
        package var name: String
        /// The version: digits of its content's digest.
        package var id: String
        /// `dataset/NAME@ID`.
        package var ref: String
        /// What was said of it.
        package var message: String
        /// When it was added.
        package var at: Int64
        /// Who added it.
        package var actor: String
        /// What it was made of.
        package var madeFrom: [String]
        /// How many files it has.
        package var files: Int
        /// Bytes of all of them.
        package var sizeBytes: Int64
        /// The files, where one version is asked for.
        package var tree: [BlobFile]?
        /// Results of its checks, where one version is asked for.
        package var checks: [CheckOutcome]?
        /// Whether adding made it.
        package var isNew: Bool?
        /// What the project's check said of it as it was added.
        package var check: CheckOutcome?
    }

    /// Dataset versions.
    package struct DatasetList: APIObject {
        /// Newest first.
        package var versions: [DatasetVersion]
        /// The version that passed its checks last.
        package var accepted: String?
    }

    /// Files that become a version.
    package struct AddRequest: APIObject {
        /// What was sent as blobs.
        package var tree: [BlobFile]
        /// What is said of it.
        package var message: String?
    }

    /// What adding would make.
    package struct AddPlan: APIObject {
        /// The version.
        package var ref: String
        /// How many files it would have.
        package var files: Int
        /// Bytes of all of them.
        package var sizeBytes: Int64
        /// Whether it differs from the newest one.
        package var isNew: Bool
        /// The project whose suite would check it.
        package var checkedBy: String?
        /// True.
        package var dryRun: Bool
    }

    /// A file that differs.
    package struct FileChange: APIObject {
        /// Where it stands among the others, parts joined by `/`.
        package var path: String
        /// `added`, `removed` or `changed`.
        package var kind: String
        /// Bytes before.
        package var oldBytes: Int64
        /// Bytes after.
        package var newBytes: Int64
        /// Rows that are new, in tables.
        package var addedRows: Int64?
        /// Rows that are gone, in tables.
        package var removedRows: Int64?
    }

    /// What changed between two versions.
    package struct DatasetDiff: APIObject {
        /// File by file.
        package var files: [FileChange]
        /// Rows that are new in all.
        package var addedRows: Int64
        /// Rows that are gone in all.
        package var removedRows: Int64
        /// The older version.
        package var from: String
        /// The newer one.
        package var to: String
    }

    /// A check of a dataset version.
    package struct CheckRequest: APIObject {
        /// NAME or NAME@VERSION.
        package var dataset: String
        /// An expectation suite of Great Expectations.
        package var suite: JSONValue
    }

    /// What came of a check, as it was recorded.
    package struct CheckOutcome: APIObject {
        /// `check/DATASET/SUITE@…`.
        package var ref: String
        /// The dataset version.
        package var dataset: String
        /// The suite that was asked, `suite/NAME@…`.
        package var suite: String
        /// When it was made.
        package var at: Int64
        /// Whether everything holds.
        package var success: Bool
        /// Whether the version must not be used.
        package var blocking: Bool
        /// `passed`, `warned` or `failed`; nil in what earlier versions recorded.
        package var state: String?
        /// Expectations that do not hold, in words.
        package var failures: [String]
        /// The result as Great Expectations writes it.
        package var result: JSONValue
    }

    /// A check's result in short.
    package struct CheckSummary: APIObject {
        /// The check's reference; nil in a dry run.
        package var check: String?
        /// The dataset version.
        package var dataset: String
        /// Whether the version must not be used.
        package var blocking: Bool
        /// `passed`, `warned` or `failed`.
        package var state: String
        /// Expectations that do not hold, in words.
        package var failures: [String]
    }

    /// How many expectations there were.
    package struct CheckStatistics: APIObject {
        /// All that were looked at.
        package var evaluatedExpectations: Int
    }

    /// A check's result as Great Expectations writes it, and in short.
    package struct CheckAnswer: APIObject {
        /// Whether everything holds.
        package var success: Bool
        /// In numbers.
        package var statistics: CheckStatistics
        /// In short.
        package var gyre: CheckSummary
        /// Whether nothing was recorded.
        package var dryRun: Bool?
    }

    /// How features are read out of a dataset.
    package struct FeatureView: APIObject {
        /// What users call it.
        package var name: String
        /// The dataset it reads.
        package var dataset: String
        /// Columns that tell entities apart.
        package var entities: [String]
        /// The column of the event's time.
        package var timestamp: String
        /// How long a value stays good.
        package var ttlSeconds: Int64?
        /// Columns that are features.
        package var features: [String]
        /// SQL over the dataset that makes them.
        package var query: String?
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// Feature views.
    package struct FeatureViewList: APIObject {
        /// By name.
        package var views: [FeatureView]
    }

    /// Values that come online.
    package struct MaterializeRequest: APIObject {
        /// The dataset version; the newest where it is left out.
        package var version: String?
        /// Only what was known then (ISO 8601).
        package var asOf: String?
    }

    /// Values that are online.
    package struct Materialized: APIObject {
        /// The features, by the name of their definition.
        package var view: String
        /// How many entities there are.
        package var rows: Int?
        /// The dataset version.
        package var source: String
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// The latest values of an entity.
    package struct OnlineRow: APIObject {
        /// The features, by the name of their definition.
        package var view: String
        /// The values that tell one thing apart from others.
        package var entity: [String]
        /// `PRESENT`, `NOT_FOUND` or `OUTSIDE_MAX_AGE`.
        package var status: String
        /// By feature.
        package var values: JSONValue
        /// When the values were measured (ISO 8601).
        package var eventTimestamp: String?
    }
}
