// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreTestSupport
import Testing

@Suite struct JSONTests {
    @Test(
        "64-bit integers come back as they were", arguments: ["9223372036854775807", "-9223372036854775808", "0", "-1"])
    func integers(text: String) throws {
        #expect(try JSONValue(parsing: text).text == text)
    }

    @Test("the canonical form does not depend on the order of members")
    func canonical() throws {
        let one = try JSONValue(parsing: #"{"b": [1, 2.5], "a": {"y": null, "x": "é\n"}}"#)
        let other = try JSONValue(parsing: #"{"a": {"x": "é\n", "y": null}, "b": [1, 2.5]}"#)
        #expect(one.canonicalBytes == other.canonicalBytes)
        #expect(String(decoding: one.canonicalBytes, as: UTF8.self) == #"{"a":{"x":"é\n","y":null},"b":[1,2.5]}"#)
    }

    @Test(
        "text that is not JSON is refused with the place",
        arguments: ["", "{", "[1,]", "{\"a\" 1}", "01", "tru", "\"\\x\"", "1 2", "\"\u{1}\""])
    func refused(text: String) {
        let error = #expect(throws: GyreError.self) { try JSONValue(parsing: text) }
        #expect(error?.code == .invalid)
    }

    @Test("a single-precision number is the one nearest to its text")
    func floats() throws {
        var random = SplitMix(seed: 7)
        for round in 0..<20_000 {
            let pattern = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            guard pattern.isFinite else { continue }
            // As Python writes a float32, as a short decimal, and just beside the middle between two floats.
            let middle = (Double(pattern) + Double(pattern.nextUp)) / 2
            let numbers = [
                Double(pattern), Double(Int64(random.next() % 2_000_000) - 1_000_000) / 1000, middle, middle.nextUp,
                middle.nextDown,
            ]
            let text = "\(numbers[round % numbers.count])"
            var parser = JSONParser(Array(text.utf8))
            if let found = try parser.plainFloat() { #expect(found == Float(text), "\(text)") }
        }
    }

    @Test("nesting has a limit")
    func nesting() {
        let deep = String(repeating: "[", count: 500)
        #expect(throws: GyreError.self) { try JSONValue(parsing: deep) }
    }

    @Test("any document survives writing and reading", arguments: 0..<50)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let value = Self.document(&random, depth: 0)
        #expect(try JSONValue(parsing: value.bytes) == value, "seed \(seed)")
    }

    private static func document(_ random: inout SplitMix, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 3 ? 5 : 7), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int64.random(in: .min ... .max, using: &random))
        case 3: return .double(Double.random(in: -1e9...1e9, using: &random) + 0.5)
        case 4: return .string(String((0..<5).map { _ in "aé\"\\\n\u{7F}€😀".randomElement(using: &random) ?? "a" }))
        case 5: return .array((0..<3).map { _ in document(&random, depth: depth + 1) })
        default:
            var object = JSONObject()
            for name in ["z", "a", "m"] { object[name] = document(&random, depth: depth + 1) }
            return .object(object)
        }
    }
}
