// SPDX-License-Identifier: Apache-2.0

/// Microseconds since 1970 in UTC, as text and back.
public enum Timestamp {
    /// `2026-03-01T10:22:07.123456Z`; the fraction is left out where it is zero.
    public static func text(_ microseconds: Int64) -> String {
        let (date, time) = parts(microseconds)
        let fraction = time % 1_000_000
        let seconds = time / 1_000_000
        let clock = "\((seconds / 3600).digits(2)):\((seconds / 60 % 60).digits(2)):\((seconds % 60).digits(2))"
        return "\(date)T\(clock)" + (fraction == 0 ? "" : ".\(fraction.digits(6))") + "Z"
    }

    /// `2026-03-01 10:22:07`, for tables that people read; UTC.
    public static func readable(_ microseconds: Int64) -> String {
        let text = text(microseconds / 1_000_000 * 1_000_000)
        return String(text.dropLast()).replacing("T", with: " ")
    }

    /// Reads `YYYY-MM-DD`, or that with `T` or a space and `HH:MM[:SS[.f]]`, and `Z` or an offset `±HH:MM`.
    /// - Throws: `.invalid` for anything else.
    public static func parse(_ text: String) throws(GyreError) -> Int64 {
        guard let value = read(Array(text.utf8)) else {
            throw GyreError(
                .invalid, "\"\(text.prefix(60))\" is no time.", fix: "Write it as 2026-03-01 or 2026-03-01T10:22:07Z.")
        }
        return value
    }

    private static func read(_ text: [UInt8]) -> Int64? {
        guard text.count >= 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            let year = digits(text[0..<4]), let month = digits(text[5..<7]), let day = digits(text[8..<10]),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var result = days(year, month, day) * 86_400_000_000
        guard text.count > 10 else { return result }
        guard text.count >= 16, let hour = digits(text[11..<13]), let minute = digits(text[14..<16]), hour < 24,
            minute < 60
        else { return nil }
        result += (hour * 3600 + minute * 60) * 1_000_000
        var rest = text[16...]
        if rest.first == UInt8(ascii: ":") {
            guard rest.count >= 3, let second = digits(rest.dropFirst().prefix(2)), second < 61 else { return nil }
            result += second * 1_000_000
            rest = rest.dropFirst(3)
        }
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            guard !fraction.isEmpty, let value = digits((Array(fraction) + Array("000000".utf8)).prefix(6)) else {
                return nil
            }
            result += value
            rest = rest.dropFirst(1 + fraction.count)
        }
        return offset(rest).map { result - $0 }
    }

    /// Microseconds east of UTC; nothing means UTC.
    private static func offset(_ text: ArraySlice<UInt8>) -> Int64? {
        if text.isEmpty || Array(text) == [UInt8(ascii: "Z")] { return 0 }
        let bytes = Array(text)
        guard bytes.count == 6, bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-"),
            let hours = digits(bytes[1..<3]), let minutes = digits(bytes[4..<6])
        else { return nil }
        return (hours * 3600 + minutes * 60) * 1_000_000 * (bytes[0] == UInt8(ascii: "-") ? -1 : 1)
    }

    private static func digits(_ text: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        for byte in text {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        return text.isEmpty ? nil : value
    }

    /// Days since 1970-01-01 of a date in the proleptic Gregorian calendar (Howard Hinnant's `days_from_civil`).
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The date as text and the microseconds since its midnight.
    private static func parts(_ microseconds: Int64) -> (date: String, time: Int64) {
        let dayLength: Int64 = 86_400_000_000
        let time = (microseconds % dayLength + dayLength) % dayLength
        let (year, month, day) = date(ofDay: (microseconds - time) / dayLength)
        return ("\(year.digits(4))-\(month.digits(2))-\(day.digits(2))", time)
    }

    /// The date of a day that is counted from 1970-01-01 (Howard Hinnant's `civil_from_days`).
    public static func date(ofDay number: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = number + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
