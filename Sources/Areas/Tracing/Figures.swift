// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Which figures over many traces are asked for.
package struct FigureQuery: Sendable, Hashable {
    /// What is counted or measured.
    package enum View: String, Sendable, Hashable {
        case traces = "TRACES"
        case spans = "SPANS"
        case assessments = "ASSESSMENTS"
    }

    /// One condition: a column equals a text.
    package struct Condition: Sendable, Hashable {
        /// `trace`, `span` or `assessment`.
        package let entity: String
        /// `status`, `tag`, `metadata`, `name`, `type`.
        package let column: String
        /// The key of a tag or of metadata.
        package let key: String?
        /// What it equals.
        package let value: String

        /// A condition.
        package init(entity: String, column: String, key: String?, value: String) {
            self.entity = entity
            self.column = column
            self.key = key
            self.value = value
        }
    }

    /// In these experiments.
    package var experimentIDs: [Int64]
    /// What is counted or measured.
    package var view: View
    /// `trace_count`, `latency` and more.
    package var metric: String
    /// What the figures are told apart by.
    package var dimensions: [String] = []
    /// What must hold.
    package var conditions: [Condition] = []
    /// Requests from here on, milliseconds since 1970.
    package var startMilliseconds: Int64?
    /// Requests up to here, milliseconds since 1970.
    package var endMilliseconds: Int64?
    /// The length of the stretches that time is cut into.
    package var intervalSeconds: Int64?

    /// Figures over all traces of these experiments.
    package init(experimentIDs: [Int64], view: View, metric: String) {
        self.experimentIDs = experimentIDs
        self.view = view
        self.metric = metric
    }

    /// What a view can tell.
    package struct Offer: Sendable, Hashable {
        /// What is counted or measured.
        package let view: View
        /// Which number of it.
        package let metric: String
        /// How it may be summed up.
        package let aggregations: [String]
        /// What it may be told apart by.
        package let dimensions: [String]
    }

    /// All that can be asked for.
    package static let offered: [Offer] = {
        let spread = ["AVG", "MIN", "MAX", "PERCENTILE"]
        let tokens = [
            "input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
        ]
        let spans = ["span_name", "span_type", "span_status", "span_model_name", "span_model_provider"]
        let models = ["span_model_name", "span_model_provider"]
        var offers = [
            Offer(
                view: .traces, metric: "trace_count", aggregations: ["COUNT"],
                dimensions: ["trace_name", "trace_status"]),
            Offer(view: .traces, metric: "session_count", aggregations: ["COUNT"], dimensions: []),
            Offer(view: .traces, metric: "latency", aggregations: spread, dimensions: ["trace_name"]),
            Offer(view: .spans, metric: "span_count", aggregations: ["COUNT"], dimensions: spans),
            Offer(view: .spans, metric: "latency", aggregations: spread, dimensions: ["span_name", "span_status"]),
            Offer(
                view: .assessments, metric: "assessment_count", aggregations: ["COUNT"],
                dimensions: ["assessment_name", "assessment_value"]),
            Offer(
                view: .assessments, metric: "assessment_value", aggregations: spread, dimensions: ["assessment_name"]),
        ]
        for metric in tokens {
            offers.append(
                Offer(view: .traces, metric: metric, aggregations: ["SUM"] + spread, dimensions: ["trace_name"]))
        }
        for metric in ["input_cost", "output_cost", "total_cost"] {
            offers.append(Offer(view: .spans, metric: metric, aggregations: ["SUM"] + spread, dimensions: models))
        }
        return offers
    }()
}

/// One row that figures are made from.
package struct Figure: Sendable, Hashable {
    /// The begin of its stretch of time, seconds since 1970; nil where time is not cut.
    package let bucketSeconds: Int64?
    /// The values of the dimensions.
    package let dimensions: [String]
    /// The measured value.
    package let value: Double

    /// A row.
    package init(bucketSeconds: Int64?, dimensions: [String], value: Double) {
        self.bucketSeconds = bucketSeconds
        self.dimensions = dimensions
        self.value = value
    }
}

extension Tracing {
    /// How figures are summed up.
    package enum Aggregation: Sendable, Hashable {
        case count
        case sum
        case average
        case minimum
        case maximum
        /// From 0 to 100, between neighbours where it falls there.
        case percentile(Double)

        /// The value for the sorted, not empty `values`.
        package func value(_ values: [Double]) -> Double {
            switch self {
            case .count: return Double(values.count)
            case .sum: return values.reduce(0, +)
            case .average: return values.reduce(0, +) / Double(values.count)
            case .minimum: return values.first ?? .nan
            case .maximum: return values.last ?? .nan
            case .percentile(let percent):
                let place = percent / 100 * Double(values.count - 1)
                let low = Int(place)
                let high = min(low + 1, values.count - 1)
                return values[low] + (values[high] - values[low]) * (place - Double(low))
            }
        }
    }

    /// How strongly two filters find the same traces: pointwise mutual information from -1 to 1; nil where nothing can be told.
    package static func correlation(
        _ first: Int, _ second: Int, joint: Int, total: Int
    ) -> (plain: Double?, smoothed: Double?) {
        func information(_ joint: Double, _ first: Double, _ second: Double, _ total: Double) -> Double {
            let certainty = -log(joint / total)
            if certainty == 0 { return 1 }
            return min(1, max(-1, log(joint * total / (first * second)) / certainty))
        }
        guard first > 0, second > 0, total > 0 else { return (nil, nil) }
        let smoothed = information(
            Double(joint) + 0.5, Double(first) + 1, Double(second) + 1, Double(total) + 2)
        guard joint > 0 else { return (-1, smoothed) }
        return (information(Double(joint), Double(first), Double(second), Double(total)), smoothed)
    }
}
