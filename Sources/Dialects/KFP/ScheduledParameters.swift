// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyrePipelines

/// What `[[…]]` stands for in the parameters of a recurring run.
package enum ScheduledParameters {
    /// The parameters of the run for one time: `[[ScheduledTime]]`, `[[CurrentTime]]`, `[[Index]]` and `[[RunUUID]]` are filled in.
    ///
    /// A time may have a layout behind a dot, as Go writes it: `[[ScheduledTime.2006-01-02]]`.
    package static func filled(_ parameters: [String: JSONValue], _ tick: Schedules.Tick) -> [String: JSONValue] {
        parameters.mapValues { value in
            guard let text = value.string, text.contains("[[") else { return value }
            return .string(filled(text, tick))
        }
    }

    private static func filled(_ text: String, _ tick: Schedules.Tick) -> String {
        var filled = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "[["), let end = rest[start.upperBound...].firstRange(of: "]]") {
            let name = rest[start.upperBound..<end.lowerBound]
            filled += rest[..<start.lowerBound]
            filled += value(String(name), tick) ?? String(rest[start.lowerBound..<end.upperBound])
            rest = rest[end.upperBound...]
        }
        return filled + rest
    }

    private static func value(_ name: String, _ tick: Schedules.Tick) -> String? {
        switch name {
        case "RunUUID": return tick.run
        case "Index": return String(tick.index)
        default: break
        }
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        guard let time = ["ScheduledTime": tick.scheduledAt, "CurrentTime": tick.now][parts.first ?? ""] else {
            return nil
        }
        return written(time, parts.count == 2 ? parts[1] : "20060102150405")
    }

    /// A time in a layout that shows how the second of January 2006, 15:04:05, is written.
    private static func written(_ time: Int64, _ layout: String) -> String {
        let text = Timestamp.text(time)
        func part(_ start: Int, _ count: Int) -> String { String(text.dropFirst(start).prefix(count)) }
        let parts = [
            ("2006", part(0, 4)), ("01", part(5, 2)), ("02", part(8, 2)), ("15", part(11, 2)), ("04", part(14, 2)),
            ("05", part(17, 2)), ("06", part(2, 2)),
        ]
        var written = ""
        var rest = layout[...]
        while let first = rest.first {
            if let (mark, value) = parts.first(where: { rest.hasPrefix($0.0) }) {
                written += value
                rest = rest.dropFirst(mark.count)
            } else {
                written.append(first)
                rest = rest.dropFirst()
            }
        }
        return written
    }
}
