// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase

/// Times and durations as Go's programs write them.
enum GoTime {
    /// A time by a layout that shows how it writes 2 January 2006, 15:04:05.
    static func text(_ microseconds: Int64, layout: String) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let date = Date(timeIntervalSince1970: Double(microseconds) / 1_000_000)
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second, .weekday], from: date)
        let (year, month, day) = (parts.year ?? 1970, parts.month ?? 1, parts.day ?? 1)
        let (hour, minute, second) = (parts.hour ?? 0, parts.minute ?? 0, parts.second ?? 0)
        let weekday = weekdays[((parts.weekday ?? 1) - 1) % 7]
        let words: [(String, String)] = [
            ("January", months[month - 1]), ("Monday", weekday), ("2006", year.digits(4)), ("-0700", "+0000"),
            ("Z07:00", "Z"), ("-07:00", "+00:00"), ("MST", "UTC"), ("Jan", String(months[month - 1].prefix(3))),
            ("Mon", String(weekday.prefix(3))), ("01", month.digits(2)), ("02", day.digits(2)),
            ("03", ((hour + 11) % 12 + 1).digits(2)),
            ("04", minute.digits(2)), ("05", second.digits(2)), ("06", (year % 100).digits(2)), ("15", hour.digits(2)),
            ("PM", hour < 12 ? "AM" : "PM"), ("pm", hour < 12 ? "am" : "pm"), ("1", String(month)), ("2", String(day)),
            ("3", String((hour + 11) % 12 + 1)), ("4", String(minute)), ("5", String(second)),
        ]
        var result = ""
        var rest = Substring(layout)
        while !rest.isEmpty {
            if let word = words.first(where: { rest.hasPrefix($0.0) }) {
                result += word.1
                rest = rest.dropFirst(word.0.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    /// The time of what an expression gives: a text, or seconds since 1970.
    static func microseconds(_ value: JSONValue) throws(GyreError) -> Int64 {
        if let seconds = value.double {
            // Up to the year 9999.
            guard abs(seconds) < 253_402_300_800 else { throw GyreError(.invalid, "\(seconds) is no time.") }
            return Int64(seconds * 1_000_000)
        }
        return try Timestamp.parse(value.string ?? "")
    }

    /// The seconds of `90`, `1m30s`, `2h`, `1d`; nil for anything else.
    static func seconds(_ text: String) -> Double? {
        if let number = Double(text) { return (0...Limits.waitSeconds).contains(number) ? number : nil }
        var rest = Substring(text)
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isNumber || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter || $0 == "µ" }
            rest = rest.dropFirst(unit.count)
            guard let number = Double(digits), let factor = units[String(unit)] else { return nil }
            total += number * factor
        }
        return total <= Limits.waitSeconds ? total : nil
    }

    private static let units: [String: Double] = [
        "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86_400,
    ]
}
