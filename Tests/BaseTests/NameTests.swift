// SPDX-License-Identifier: Apache-2.0

import GyreBase
import Testing

@Suite struct NameTests {
    @Test(
        "a path that could leave its root is refused",
        arguments: ["../x", "a/../b", "/etc/passwd", "a//b", "", ".", "a/.", "C:/x", "a\\..\\b", "a\u{0}b", "a/"])
    func paths(text: String) {
        #expect(throws: GyreError.self) { try RelativePath(text) }
    }

    @Test("ordinary paths are taken", arguments: ["a", "a/b.txt", "notes/a b.txt", "ü/é", "..a/b.."])
    func goodPaths(text: String) throws {
        #expect(try RelativePath(text).description == text)
    }

    @Test(
        "times are read and written", arguments: [("2013-03-01T10:22:07Z", 1_362_133_327_000_000), ("1970-01-01", 0)])
    func times(text: String, microseconds: Int64) throws {
        #expect(try Timestamp.parse(text) == microseconds)
        #expect(try Timestamp.parse(Timestamp.text(microseconds)) == microseconds)
    }

    @Test("an offset is taken off")
    func offset() throws {
        #expect(try Timestamp.parse("2013-03-01T12:22:07+02:00") == Timestamp.parse("2013-03-01T10:22:07Z"))
    }

    @Test("a ref is read back", arguments: ["dataset/flights@3f2a", "endpoint/delay", "check/weather/weather@1-2"])
    func refs(text: String) throws {
        #expect(try Ref(parsing: text).description == text)
    }
}
