// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreTracking

/// Domain values in MLflow's JSON: snake_case, 64-bit integers as numbers, absent instead of null.
///
/// What belongs to one noun stands in the noun's folder.
enum Messages {
    static func pairs(_ pairs: [KeyValue]) -> JSONValue {
        .array(pairs.map { ["key": .string($0.key), "value": .string($0.value)] })
    }

    static func tags(_ tags: [String: String]) -> JSONValue {
        .array(tags.sorted { $0.key < $1.key }.map { ["key": .string($0.key), "value": .string($0.value)] })
    }
}
