// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyrePipelines
import Testing

@Suite struct CronExpressionTests {
    private func times(_ text: String, zone: String = "UTC", after: String, _ count: Int) throws -> [String] {
        let expression = try CronExpression(text, zone: zone)
        var time = try Timestamp.parse(after)
        var found: [String] = []
        while found.count < count, let next = expression.next(after: time) {
            found.append(Timestamp.text(next))
            time = next
        }
        return found
    }

    @Test(
        "the next times of an expression",
        arguments: [
            ("30 2 * * *", "2026-01-01T02:30:00Z", ["2026-01-02T02:30:00Z", "2026-01-03T02:30:00Z"]),
            ("*/20 * * * *", "2026-01-01T23:39:59Z", ["2026-01-01T23:40:00Z", "2026-01-02T00:00:00Z"]),
            ("15 30 2 * * *", "2026-01-01", ["2026-01-01T02:30:15Z", "2026-01-02T02:30:15Z"]),
            ("0 0 29 2 *", "2026-01-01", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
            ("0 9 * * MON-FRI", "2026-01-02T10:00:00Z", ["2026-01-05T09:00:00Z", "2026-01-06T09:00:00Z"]),
            ("0 0 9 ? * 2-6", "2026-01-01", ["2026-01-01T09:00:00Z", "2026-01-02T09:00:00Z"]),
            // Two kinds of days: either will do.
            ("0 0 13 * 5", "2026-02-01", ["2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z"]),
            ("0 0 1 jan,jul ?", "2026-01-02", ["2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z"]),
            ("@hourly", "2026-01-01T00:00:00Z", ["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]),
            ("0 12 * * 7", "2026-01-01", ["2026-01-04T12:00:00Z", "2026-01-11T12:00:00Z"]),
            ("5/20 * * * *", "2026-01-01", ["2026-01-01T00:05:00Z", "2026-01-01T00:25:00Z"]),
            ("CRON_TZ=Asia/Tokyo 0 9 * * *", "2026-01-01", ["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"]),
        ])
    func next(text: String, after: String, expected: [String]) throws {
        #expect(try times(text, after: after, 2) == expected)
    }

    @Test("a time that the clocks leave out is left out")
    func forward() throws {
        // On 2026-03-29 Berlin goes from 02:00 to 03:00.
        #expect(
            try times("30 2 * * *", zone: "Europe/Berlin", after: "2026-03-27T12:00:00Z", 3) == [
                "2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z",
            ])
        #expect(
            try times("0 * * * *", zone: "Europe/Berlin", after: "2026-03-29T00:00:00Z", 3) == [
                "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z", "2026-03-29T03:00:00Z",
            ])
    }

    @Test("a time that the clocks show twice counts once where its hour is named, and twice where every hour is meant")
    func back() throws {
        // On 2026-10-25 Berlin goes from 03:00 back to 02:00, at 01:00 UTC.
        #expect(
            try times("30 2 * * *", zone: "Europe/Berlin", after: "2026-10-24T12:00:00Z", 2) == [
                "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z",
            ])
        #expect(
            try times("30 * * * *", zone: "Europe/Berlin", after: "2026-10-25T00:00:00Z", 3) == [
                "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z",
            ])
    }

    @Test("each second of some days is next exactly where its clock fits", arguments: ["Europe/Berlin", "UTC"])
    func every(zone: String) throws {
        // Every twelfth minute past an hour, counted by walking, against a count by the expression.
        let expression = try CronExpression("12 3-5 * * *", zone: zone)
        var time = try Timestamp.parse("2026-06-01")
        for _ in 0..<60 {
            let next = try #require(expression.next(after: time))
            #expect(expression.next(after: next - 1) == next, "a time is its own next one from right before it")
            #expect(next > time && next % 60_000_000 == 0 && next / 60_000_000 % 60 == 12)
            time = next
        }
    }

    @Test(
        "what is no expression is refused, naming the field",
        arguments: [
            ("* * *", "no cron expression"), ("61 * * * *", "minutes"), ("* 24 * * *", "hours"),
            ("* * 0 * *", "days of the month"), ("* * * 13 *", "months"), ("* * * * 8", "days of the week"),
            ("*/0 * * * *", "minutes"), ("5-1 * * * *", "minutes"), ("a * * * *", "minutes"),
            ("", "no cron expression"),
            ("CRON_TZ=Mars/Olympus * * * * *", "no time zone"), ("1,,2 * * * *", "minutes"),
        ])
    func refused(text: String, part: String) throws {
        let error = #expect(throws: GyreError.self) { try CronExpression(text) }
        #expect(error?.code == .invalid && error?.description.contains(part) == true, "\(error?.description ?? "")")
    }

    @Test("an expression that never comes true has no next time") func never() throws {
        #expect(try CronExpression("0 0 31 2 *").next(after: 0) == nil)
    }
}
