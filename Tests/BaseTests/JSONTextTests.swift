// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreTestSupport
import Testing

/// JSON as text: escapes, numbers, and what people read.
@Suite struct JSONTextTests {
    @Test("text for people has one member a line, and is the same document")
    func indented() throws {
        let value: JSONValue = ["a": [1, ["b": .null]], "c": [:], "d": []]
        #expect(
            value.indented() == """
                {
                  "a": [
                    1,
                    {
                      "b": null
                    }
                  ],
                  "c": {},
                  "d": []
                }
                """)
        #expect(try JSONValue(parsing: value.indented()) == value)
    }

    @Test(
        "escapes are read: pairs of surrogates become one character, half of one the replacement character",
        arguments: [
            (#""\ud83d\ude00""#, "😀"), (#""\ud83d""#, "\u{FFFD}"), (#""\ud83dx""#, "\u{FFFD}x"),
            (#""\ude00""#, "\u{FFFD}"), (#""\u00e9\n\t\r\b\f\/\\\"""#, "é\n\t\r\u{8}\u{C}/\\\""),
        ])
    func escapes(text: String, expected: String) throws { #expect(try JSONValue(parsing: text).string == expected) }

    @Test(
        "an escape that is none, or bytes that are no text, are refused",
        arguments: [#""\u12""#, #""\u+123""#, #""\"#, #""\u"#, #""abc"#])
    func refused(text: String) {
        #expect(throws: GyreError.self) { try JSONValue(parsing: text) }
        #expect(throws: GyreError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
        #expect(throws: GyreError.self) { try JSONValue(parsing: [0x22, 0x5C, 0x6E, 0xC0, 0x22]) }
    }

    @Test("what Python writes for numbers that JSON has not is read")
    func notFinite() throws {
        let list = try #require(try JSONValue(parsing: "[NaN, Infinity, -Infinity]").array)
        #expect(list[0].double?.isNaN == true && list[1] == .double(.infinity) && list[2] == .double(-.infinity))
        #expect(throws: GyreError.self) { try JSONValue(parsing: "-NaN") }
    }

    @Test("of a name that comes twice the last value counts, in the first one's place")
    func repeated() throws {
        #expect(try JSONValue(parsing: #"{"a": 1, "b": 2, "a": 3}"#).text == #"{"a":3,"b":2}"#)
        #expect(JSONObject(merging: [("a", 1), ("b", 2), ("a", 3)]).members.map(\.name) == ["a", "b"])
    }

    @Test("a number that is asked for as it lies is given where nothing is lost, and else left where it is")
    func pulled() throws {
        var parser = JSONParser(Array("9007199254740993 9007199254740992 1.5 \"x\"".utf8))
        let tooLong = try parser.plainNumber()
        let whole = try parser.number()
        let exact = try parser.plainNumber()
        let fraction = try parser.plainNumber()
        let text = try parser.plainNumber()
        let last = try parser.string()
        try parser.end()
        #expect(tooLong == nil && whole == .int(9_007_199_254_740_993))
        #expect(exact == 9_007_199_254_740_992 && fraction == 1.5 && text == nil && last == "x")
    }

    @Test("a value that was skipped can be read later, and a missing sign is told")
    func skipped() throws {
        var parser = JSONParser(Array(#"{"a": [1, 2], "b": 3}"#.utf8))
        try parser.expect("{")
        _ = try parser.string()
        try parser.expect(":")
        var later = try parser.skipped()
        let hasComma = parser.consume(",")
        let skipped = try later.value()
        #expect(hasComma && skipped == [1, 2])
        let error = #expect(throws: GyreError.self) { try parser.expect("[") }
        #expect(error?.code == .invalid)
    }

    @Test("bytes that were cut or changed anywhere are read or refused, and never worse", arguments: 0..<30)
    func damaged(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let whole = Array(#"{"a": [1, -2.5e3, "x\u00e9\n", {"b": null}], "c": true, "dé": "\ud83d\ude00"}"#.utf8)
        for _ in 0..<300 {
            var bytes = Array(whole.prefix(Int.random(in: 0...whole.count, using: &random)))
            for _ in 0..<Int.random(in: 0...3, using: &random) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            // What is read is a document: it can be written and read again.
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            #expect((try? JSONValue(parsing: value.bytes))?.text == value.text, "seed \(seed)")
        }
    }

    @Test("members are set, replaced and removed by name, and elements found by place")
    func members() {
        var value: JSONValue = 3
        value["a"] = 1
        value["b"] = [true, "x"]
        value["a"] = nil
        #expect(value == ["b": [true, "x"]] && value["b"]?[1] == "x" && value["b"]?[2] == nil && value["c"] == nil)
        #expect(JSONValue.double(3).int == 3 && JSONValue.double(3.5).int == nil && JSONValue.int(3).double == 3)
        let kinds: [JSONValue] = [.null, true, 1, 1.5, "a", [], [:]]
        #expect(
            kinds.map(\.kindName) == [
                "null", "a boolean", "a number", "a number", "a string", "a list", "an object",
            ])
    }
}
