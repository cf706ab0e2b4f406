// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreTracking

/// Reads the bodies of `runs/log-metric` and `runs/log-batch` member by member.
struct LogReader {
    private var parser: JSONParser

    init(_ bytes: [UInt8]) { parser = JSONParser(bytes, refusesNull: true) }

    /// The run and its one point.
    mutating func logMetric() throws(GyreError) -> (run: String, metric: MetricPoint) {
        var run = ""
        let metric = try point(at: "", run: &run)
        try parser.end()
        guard !run.isEmpty else { throw .missingParameter("run_id") }
        return (run, metric)
    }

    /// The run and all that is to be logged.
    mutating func logBatch() throws(GyreError) -> (run: String, entries: RunEntries) {
        var run = ""
        var entries = RunEntries()
        try members { reader, name throws(GyreError) in
            switch name {
            case "run_id", "runId", "run_uuid", "runUuid":
                // Whichever of the two comes filled is meant.
                let text = try reader.text("run_id") ?? ""
                if !text.isEmpty { run = text }
            case "metrics":
                try reader.elements("metrics") { reader, index throws(GyreError) in
                    var ignored = ""
                    entries.metrics.append(try reader.point(at: "metrics[\(index)].", run: &ignored))
                }
            case "params":
                try reader.elements("params") { reader, index throws(GyreError) in
                    entries.params.append(try reader.pair(at: "params[\(index)]."))
                }
            case "tags":
                try reader.elements("tags") { reader, index throws(GyreError) in
                    entries.tags.append(try reader.pair(at: "tags[\(index)]."))
                }
            default: _ = try reader.parser.value()
            }
        }
        try parser.end()
        guard !run.isEmpty else { throw .missingParameter("run_id") }
        return (run, entries)
    }

    // MARK: Parts

    private mutating func point(at path: String, run: inout String) throws(GyreError) -> MetricPoint {
        var key: String?
        var value: Double?
        var timestamp: Int64?
        var step: Int64 = 0
        var about: (model: String?, dataset: String?, digest: String?) = (nil, nil, nil)
        var parent: String?
        try members { reader, name throws(GyreError) in
            switch name {
            case "key": key = try reader.text("\(path)key")
            case "value": value = try reader.number("\(path)value")
            case "timestamp": timestamp = try reader.integer("\(path)timestamp")
            case "step": step = try reader.integer("\(path)step") ?? 0
            case "model_id", "modelId": about.model = try reader.text("\(path)model_id")
            case "dataset_name", "datasetName": about.dataset = try reader.text("\(path)dataset_name")
            case "dataset_digest", "datasetDigest": about.digest = try reader.text("\(path)dataset_digest")
            case "run_id", "runId", "run_uuid", "runUuid":
                let text = try reader.text("run_id") ?? ""
                if !text.isEmpty { parent = text }
            default: _ = try reader.parser.value()
            }
        }
        if let parent { run = parent }
        guard let key, !key.isEmpty else { throw .missingParameter("\(path)key") }
        guard let value else { throw .missingParameter("\(path)value") }
        guard let timestamp else { throw .missingParameter("\(path)timestamp") }
        func filled(_ text: String?) -> String? { text?.isEmpty == false ? text : nil }
        return MetricPoint(
            key: key, value: value, timestampMilliseconds: timestamp, step: step, modelID: filled(about.model),
            datasetName: filled(about.dataset), datasetDigest: filled(about.digest))
    }

    private mutating func pair(at path: String) throws(GyreError) -> KeyValue {
        var key: String?
        var value = ""
        try members { reader, name throws(GyreError) in
            switch name {
            case "key": key = try reader.text("\(path)key")
            case "value": value = try reader.text("\(path)value") ?? ""
            default: _ = try reader.parser.value()
            }
        }
        guard let key, !key.isEmpty else { throw .missingParameter("\(path)key") }
        return KeyValue(key, value)
    }

    private mutating func members(
        _ take: (inout LogReader, String) throws(GyreError) -> Void
    ) throws(GyreError) {
        try parser.expect("{")
        if parser.consume("}") { return }
        repeat {
            let name = try parser.string()
            try parser.expect(":")
            try take(&self, name)
        } while parser.consume(",")
        try parser.expect("}")
    }

    private mutating func elements(
        _ name: String, _ take: (inout LogReader, Int) throws(GyreError) -> Void
    ) throws(GyreError) {
        guard parser.peek() == UInt8(ascii: "[") else {
            let value = try parser.value()
            if value.isNull { return }
            throw .invalidParameter(name, value)
        }
        try parser.expect("[")
        if parser.consume("]") { return }
        var index = 0
        repeat {
            guard parser.peek() == UInt8(ascii: "{") else {
                throw .invalidParameter("\(name)[\(index)]", try parser.value())
            }
            try take(&self, index)
            index += 1
        } while parser.consume(",")
        try parser.expect("]")
    }

    /// A text; nil for null.
    private mutating func text(_ name: @autoclosure () -> String) throws(GyreError) -> String? {
        if parser.peek() == UInt8(ascii: "\"") { return try parser.string() }
        let value = try parser.value()
        if value.isNull { return nil }
        throw .invalidParameter(name(), value)
    }

    /// A number, or a text that is one; nil for null.
    private mutating func number(_ name: @autoclosure () -> String) throws(GyreError) -> Double? {
        if let plain = try parser.plainNumber() { return plain }
        let value = try parser.value()
        if value.isNull { return nil }
        guard let number = Translate.number(value) else { throw .invalidParameter(name(), value) }
        return number
    }

    /// A whole number, or decimal text; nil for null.
    private mutating func integer(_ name: @autoclosure () -> String) throws(GyreError) -> Int64? {
        let value = try parser.value()
        if value.isNull { return nil }
        guard let number = Translate.integer(value) else { throw .invalidParameter(name(), value) }
        return number
    }
}
