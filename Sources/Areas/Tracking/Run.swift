// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// One tracked run of training code.
package struct Run: Sendable, Hashable {
    /// Its id: 32 hexadecimal digits unless a client chose another.
    package let id: String
    /// The experiment it belongs to.
    package let experimentID: Int64
    /// What people call it.
    package let name: String
    /// Who started it.
    package let userID: String
    /// How it goes.
    package let status: Status
    /// When it began, milliseconds since 1970.
    package let startMilliseconds: Int64
    /// When it ended, milliseconds since 1970.
    package let endMilliseconds: Int64?
    /// Whether it was deleted (and may be restored).
    package let isDeleted: Bool
    /// Where its artifacts are.
    package let artifactURI: String
    /// Its params by key.
    package var params: [KeyValue] = []
    /// The latest point of each metric: greatest step, then time, then value.
    package var metrics: [MetricPoint] = []
    /// Its tags by key.
    package var tags: [KeyValue] = []
    /// The datasets and models it used and made.
    package var links: [RunLink] = []

    /// How a run goes.
    package enum Status: String, Sendable, Hashable, CaseIterable {
        case running = "RUNNING"
        case scheduled = "SCHEDULED"
        case finished = "FINISHED"
        case failed = "FAILED"
        case killed = "KILLED"

        /// Whether nothing more is expected of it.
        package var isEnd: Bool { self == .finished || self == .failed || self == .killed }
    }

    /// A run without its data.
    package init(
        id: String, experimentID: Int64, name: String, userID: String, status: Status, startMilliseconds: Int64,
        endMilliseconds: Int64?, isDeleted: Bool, artifactURI: String
    ) {
        self.id = id
        self.experimentID = experimentID
        self.name = name
        self.userID = userID
        self.status = status
        self.startMilliseconds = startMilliseconds
        self.endMilliseconds = endMilliseconds
        self.isDeleted = isDeleted
        self.artifactURI = artifactURI
    }

    /// `run/<id>`.
    package var ref: Ref { Ref("run", id) }

    /// The value of a tag.
    package func tag(_ key: String) -> String? { tags.first { $0.key == key }?.value }
}

/// One measured point.
package struct MetricPoint: Sendable, Hashable {
    /// What was measured.
    package let key: String
    /// The value; may be NaN.
    ///
    /// Infinities are the greatest finite numbers.
    package let value: Double
    /// When, milliseconds since 1970.
    package let timestampMilliseconds: Int64
    /// At which step of the training; may be negative.
    package let step: Int64
    /// The logged model that it is about, if any.
    package let modelID: String?
    /// The name of the dataset that the model was measured on, if any.
    package let datasetName: String?
    /// The digest of that dataset.
    package let datasetDigest: String?

    /// A point.
    package init(
        key: String, value: Double, timestampMilliseconds: Int64, step: Int64, modelID: String? = nil,
        datasetName: String? = nil, datasetDigest: String? = nil
    ) {
        self.key = key
        self.value = value.isInfinite ? (value < 0 ? -Double.greatestFiniteMagnitude : .greatestFiniteMagnitude) : value
        self.timestampMilliseconds = timestampMilliseconds
        self.step = step
        self.modelID = modelID
        self.datasetName = datasetName
        self.datasetDigest = datasetDigest
    }

    /// Whether it comes after `other`: by step, then time, then value, NaN being the smallest.
    package func isLater(than other: MetricPoint) -> Bool {
        if step != other.step { return step > other.step }
        if timestampMilliseconds != other.timestampMilliseconds {
            return timestampMilliseconds > other.timestampMilliseconds
        }
        if value.isNaN || other.value.isNaN { return !value.isNaN }
        return value > other.value
    }
}

/// A dataset or model that a run used or made.
package struct RunLink: Sendable, Hashable {
    /// Which end of the run it is at.
    package enum Kind: String, Sendable, Hashable {
        case dataset = "dataset"
        case modelInput = "model_input"
        case modelOutput = "model_output"
    }

    /// Which end.
    package let kind: Kind
    /// Unique within run and kind: the model's id, or the dataset's name and digest.
    package let key: String
    /// The particulars as the client sent them.
    package let body: JSONValue

    /// A link.
    package init(kind: Kind, key: String, body: JSONValue) {
        self.kind = kind
        self.key = key
        self.body = body
    }
}
