// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// One row that was predicted, as the prediction log keeps it.
package struct Prediction: Sendable, Hashable {
    /// Its id: the request's, with `#n` for the n-th row after the first.
    package let id: String
    /// Its place among the rows of its request, from 0.
    package let row: Int
    /// The endpoint that was asked.
    package let endpoint: String
    /// The model version that answered.
    package let version: Int
    /// The release that it went out with.
    package let release: Int
    /// When it was answered, microseconds since 1970.
    package let at: Int64
    /// When what it is about happens, microseconds since 1970: the client's word, or `at`.
    package let eventAt: Int64
    /// How long the answer took.
    package let latencyMicroseconds: Int64
    /// The columns of the input, in the model's order.
    package let inputs: [Float]
    /// Texts among the columns, each in its place; empty where there are none.
    package let texts: [String?]
    /// The score: the probability of the positive class, or the one number that came out.
    package let score: Double?
    /// What the score is; nil without one.
    package let scoreKind: ScoreKind?
    /// The outputs by name, this row's share of each.
    package let outputs: JSONValue
    /// Why there is no answer.
    package let error: String?
    /// Why this version answered, and how.
    package let circumstances: Circumstances

    /// Why a version answered, and how.
    package struct Circumstances: Sendable, Hashable {
        /// What chose the version: `alone`, `share`, `key`, `rule NAME`, `bandit`, `mirror`.
        package var chosenBy: String
        /// How likely this version was; nil where that is not known.
        package var probability: Double?
        /// Whether the answer was kept from an equal request.
        package var isCached = false
        /// Microseconds that the request waited for the model.
        package var queueMicroseconds: Int64 = 0
        /// Microseconds that the model ran.
        package var runMicroseconds: Int64 = 0
        /// Rows of the batch that it ran with.
        package var batchRows = 0
        /// The graph and step that asked; nil for a request of its own.
        package var via: String?

        /// A version that was chosen by this.
        package init(chosenBy: String, probability: Double? = nil) {
            self.chosenBy = chosenBy
            self.probability = probability
        }

        func write(to writer: inout JSONWriter) {
            writer.raw("{\"by\":")
            writer.string(chosenBy)
            if let probability {
                writer.raw(",\"p\":")
                writer.double(probability)
            }
            if isCached { writer.raw(",\"cached\":true") }
            writer.raw(",\"queue_us\":")
            writer.integer(queueMicroseconds)
            writer.raw(",\"run_us\":")
            writer.integer(runMicroseconds)
            if batchRows > 0 {
                writer.raw(",\"batch_rows\":")
                writer.integer(Int64(batchRows))
            }
            if let via {
                writer.raw(",\"via\":")
                writer.string(via)
            }
            writer.raw("}")
        }
    }

    /// A prediction.
    package init(
        id: String, endpoint: String, version: Int, release: Int, at: Int64, eventAt: Int64, latencyMicroseconds: Int64,
        inputs: [Float], texts: [String?] = [], score: Double?, scoreKind: ScoreKind? = nil, outputs: JSONValue,
        error: String?, circumstances: Circumstances, row: Int = 0
    ) {
        self.id = id
        self.row = row
        self.endpoint = endpoint
        self.version = version
        self.release = release
        self.at = at
        self.eventAt = eventAt
        self.latencyMicroseconds = latencyMicroseconds
        self.inputs = inputs
        self.texts = texts
        self.score = score
        self.scoreKind = scoreKind
        self.outputs = outputs
        self.error = error
        self.circumstances = circumstances
    }

    /// One line of the journal: `Docs/formats/predictions.md` has the members.
    package var line: [UInt8] {
        var writer = JSONWriter(notFinite: .null, reservingCapacity: 320)
        writer.raw("{\"id\":")
        writer.string(id)
        writer.raw(",\"version\":")
        writer.integer(Int64(version))
        writer.raw(",\"release\":")
        writer.integer(Int64(release))
        writer.raw(",\"at\":")
        writer.integer(at)
        writer.raw(",\"event\":")
        writer.integer(eventAt)
        writer.raw(",\"latency_us\":")
        writer.integer(latencyMicroseconds)
        if row > 0 {
            writer.raw(",\"row\":")
            writer.integer(Int64(row))
        }
        writer.raw(",\"x\":[")
        for (index, value) in inputs.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.float(value)
        }
        writer.raw("]")
        if !texts.isEmpty {
            writer.raw(",\"t\":")
            writer.value(.array(texts.map { .optional($0) }))
        }
        writer.raw(",\"score\":")
        if let score { writer.double(score) } else { writer.raw("null") }
        if let scoreKind {
            writer.raw(",\"kind\":")
            writer.string(scoreKind.rawValue)
        }
        writer.raw(",\"y\":")
        writer.value(outputs)
        writer.raw(",\"error\":")
        if let error { writer.string(error) } else { writer.raw("null") }
        writer.raw(",\"how\":")
        circumstances.write(to: &writer)
        writer.raw("}\n")
        return writer.bytes
    }
}

/// How far an answer was from what turned out to be true.
package enum PredictionLoss {
    /// 0 or 1 for a class, which is right or wrong whatever its number is; the squared difference of anything else.
    package static func of(_ score: Double, _ kind: ScoreKind?, label: Double) -> Double {
        kind == .hardClass ? (score == label ? 0 : 1) : (score - label) * (score - label)
    }
}

/// What turned out to be true of a prediction.
package struct Label: Sendable, Hashable {
    /// The prediction.
    package let id: String
    /// 0 or 1 for a classifier, the number for a regression.
    package let value: Double

    /// A label.
    package init(id: String, value: Double) {
        self.id = id
        self.value = value
    }
}
