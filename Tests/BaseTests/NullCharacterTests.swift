// SPDX-License-Identifier: Apache-2.0

import GyreBase
import Testing

@Suite struct NullCharacterTests {
    private static let text = #"{"a":["x\u0000y"]}"#

    @Test("U+0000 in a text is a character like others, and is written escaped")
    func taken() throws {
        let value = try JSONValue(parsing: Self.text)
        #expect(value["a"]?.array?.first == .string("x\u{0}y"))
        #expect(String(decoding: value.canonicalBytes, as: UTF8.self) == Self.text)
        #expect(try JSONValue(parsing: value.bytes) == value)
    }

    @Test(
        "what is kept as texts of a database refuses it, in values and in names", arguments: [text, #"{"\u0000":1}"#])
    func refused(text: String) throws {
        let error = #expect(throws: GyreError.self) { try JSONValue(parsing: Array(text.utf8), refusesNull: true) }
        #expect(error?.code == .invalid && error?.why?.contains("U+0000") == true)
    }

    @Test("an escaped backslash before u0000 is no such character")
    func backslash() throws {
        let value = try JSONValue(parsing: Array(#"["\\u0000"]"#.utf8), refusesNull: true)
        #expect(value.array?.first == .string(#"\u0000"#))
    }
}
