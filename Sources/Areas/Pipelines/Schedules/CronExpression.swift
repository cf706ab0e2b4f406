// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase

/// Times as cron writes them: `minute hour day-of-month month day-of-week`, with seconds in front where there are six fields.
///
/// A time that the clocks of the zone leave out, when they are put forward, is left out. One that they show twice counts once where its
/// hour is named, and twice where it stands for every hour.
package struct CronExpression: Sendable, Hashable {
    /// As it was written.
    package let text: String
    /// The zone whose clocks are meant.
    package let zone: String

    private let timeZone: TimeZone
    /// A bit for each value that fits.
    private let seconds: UInt64
    private let minutes: UInt64
    private let hours: UInt64
    private let daysOfMonth: UInt64
    private let months: UInt64
    private let daysOfWeek: UInt64
    private let isEveryHour: Bool
    /// Whether both kinds of days must fit, since one of them is any.
    private let needsBothDays: Bool

    /// Reads an expression; `CRON_TZ=ZONE` in front of it names the zone.
    /// - Throws: `.invalid`, naming the field.
    package init(_ text: String, zone: String = "UTC") throws(GyreError) {
        var words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        var zone = zone
        if let first = words.first, let sign = first.firstIndex(of: "="),
            ["TZ", "CRON_TZ"].contains(String(first[..<sign]))
        {
            zone = String(first[first.index(after: sign)...])
            words.removeFirst()
        }
        guard let timeZone = TimeZone(identifier: zone) else {
            throw GyreError(
                .invalid, "\"\(zone.prefix(60))\" is no time zone.", fix: "Name it as Europe/Berlin or UTC.")
        }
        if words.count == 1, let whole = Self.short[words[0]] { words = whole.split(separator: " ").map(String.init) }
        if words.count == 5 { words.insert("0", at: 0) }
        guard words.count == 6 else {
            throw GyreError(
                .invalid, "\"\(text.prefix(80))\" is no cron expression.",
                why:
                    "It has five fields (minute, hour, day of month, month, day of week), or six with seconds in front."
            )
        }
        self.text = text
        self.zone = zone
        self.timeZone = timeZone
        seconds = try Self.field(words[0], "seconds", 0...59)
        minutes = try Self.field(words[1], "minutes", 0...59)
        hours = try Self.field(words[2], "hours", 0...23)
        daysOfMonth = try Self.field(words[3], "days of the month", 1...31)
        months = try Self.field(words[4], "months", 1...12, names: Self.monthNames, from: 1)
        let days = try Self.field(words[5], "days of the week", 0...7, names: Self.dayNames, from: 0)
        // Sunday is 0 and 7.
        daysOfWeek = (days | (days >> 7 & 1)) & 0x7F
        isEveryHour = Self.isAny(words[2])
        needsBothDays = Self.isAny(words[3]) || Self.isAny(words[5])
    }

    private static let short = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]
    private static let monthNames = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ]
    private static let dayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

    private static func isAny(_ field: String) -> Bool { field == "?" || field.hasPrefix("*") }

    private static func field(
        _ text: String, _ noun: String, _ range: ClosedRange<Int>, names: [String] = [], from first: Int = 0
    ) throws(GyreError) -> UInt64 {
        func wrong() -> GyreError {
            GyreError(
                .invalid, "\"\(text.prefix(40))\" cannot be the \(noun) of a cron expression.",
                why: "They are \(range.lowerBound) to \(range.upperBound), as 5, 1-5, */10, 1,15 or *.")
        }
        func number(_ word: Substring) throws(GyreError) -> Int {
            if let place = names.firstIndex(of: word.uppercased()) { return place + first }
            guard let number = Int(word), range.contains(number) else { throw wrong() }
            return number
        }
        var bits: UInt64 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            var (low, high) = (range.lowerBound, range.upperBound)
            if pieces[0] != "*" && pieces[0] != "?" {
                let ends = pieces[0].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
                low = try number(ends[0])
                // A single value with a step goes on to the end.
                high = ends.count == 2 ? try number(ends[1]) : pieces.count == 2 ? range.upperBound : low
            }
            let step = pieces.count == 2 ? Int(pieces[1]) ?? 0 : 1
            guard step > 0, low <= high else { throw wrong() }
            for value in stride(from: low, through: high, by: step) { bits |= 1 << UInt64(value) }
        }
        return bits
    }

    // MARK: Times

    /// The first time after this one, microseconds since 1970; nil for none within nine years.
    package func next(after microseconds: Int64) -> Int64? {
        var time = microseconds.flooredDivision(by: 1_000_000) + 1
        let end = time + 9 * 366 * 86_400
        while time < end {
            // Until the clocks change, the zone's time is a constant away.
            let date = Date(timeIntervalSince1970: Double(time))
            let offset = Int64(timeZone.secondsFromGMT(for: date))
            let change = timeZone.nextDaylightSavingTimeTransition(after: date).map { Int64($0.timeIntervalSince1970) }
            let segmentEnd = min(end, max(change ?? end, time + 1))
            while let local = firstFitting(from: time + offset, before: segmentEnd + offset) {
                if isEveryHour || !isShownAgain(local, offset) { return (local - offset) * 1_000_000 }
                time = local - offset + 1
            }
            time = segmentEnd
        }
        return nil
    }

    /// Whether the zone's clocks showed this time before already, when they had not been put back.
    private func isShownAgain(_ local: Int64, _ offset: Int64) -> Bool {
        let before = Date(timeIntervalSince1970: Double(local - offset - 4 * 3600))
        let earlier = Int64(timeZone.secondsFromGMT(for: before))
        guard earlier > offset else { return false }
        let first = Date(timeIntervalSince1970: Double(local - earlier))
        return Int64(timeZone.secondsFromGMT(for: first)) == earlier
    }

    private func firstFitting(from start: Int64, before end: Int64) -> Int64? {
        guard start < end else { return nil }
        var day = start.flooredDivision(by: 86_400)
        var time = Int(start - day * 86_400)
        while day * 86_400 < end {
            if fits(day), let found = firstTime(from: time) {
                let local = day * 86_400 + Int64(found)
                return local < end ? local : nil
            }
            day += 1
            time = 0
        }
        return nil
    }

    private func fits(_ day: Int64) -> Bool {
        let date = Timestamp.date(ofDay: day)
        guard months >> UInt64(date.month) & 1 == 1 else { return false }
        let isDayOfMonth = daysOfMonth >> UInt64(date.day) & 1 == 1
        // 1970-01-01 was a Thursday.
        let weekday = ((day + 4) % 7 + 7) % 7
        let isDayOfWeek = daysOfWeek >> UInt64(weekday) & 1 == 1
        return needsBothDays ? isDayOfMonth && isDayOfWeek : isDayOfMonth || isDayOfWeek
    }

    /// The first time of a day that fits, in seconds.
    private func firstTime(from start: Int) -> Int? {
        let (startHour, startMinute, startSecond) = (start / 3600, start / 60 % 60, start % 60)
        for hour in startHour..<24 where hours >> UInt64(hour) & 1 == 1 {
            for minute in (hour == startHour ? startMinute : 0)..<60 where minutes >> UInt64(minute) & 1 == 1 {
                let first = hour == startHour && minute == startMinute ? startSecond : 0
                for second in first..<60 where seconds >> UInt64(second) & 1 == 1 {
                    return hour * 3600 + minute * 60 + second
                }
            }
        }
        return nil
    }
}

extension Int64 {
    fileprivate func flooredDivision(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
