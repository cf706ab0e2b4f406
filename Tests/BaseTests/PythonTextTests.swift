// SPDX-License-Identifier: Apache-2.0

import GyreBase
import Testing

@Suite struct PythonTextTests {
    @Test(
        "numbers are written as Python's repr writes them",
        arguments: [
            (1000.0, "1000.0"), (0.001, "0.001"), (1e-05, "1e-05"), (1e16, "1e+16"),
            (9_007_199_254_740_993, "9007199254740992.0"),
            (1.5e16, "1.5e+16"), (1e20, "1e+20"), (123_456_789_012_345_680, "1.2345678901234568e+17"), (-0.1, "-0.1"),
            (0.0001, "0.0001"),
        ])
    func numbers(number: Double, text: String) { #expect(PythonText.repr(number) == text) }

    @Test(
        "JSON is written as json.dumps writes it: everything outside of ASCII escaped, blanks after commas and colons")
    func json() throws {
        let value = try JSONValue(parsing: #"{"b": [1, 1.0, true, null], "a": "ü\u0001\"\\\u007f😀/\n"}"#)
        #expect(
            String(decoding: PythonText.json(value), as: UTF8.self)
                == #"{"b": [1, 1.0, true, null], "a": "\u00fc\u0001\"\\\u007f\ud83d\ude00/\n"}"#)
        #expect(PythonText.json(value, sorts: true).starts(with: Array(#"{"a": "#.utf8)))
    }

    @Test("values are written as repr writes them")
    func values() throws {
        let value = try JSONValue(parsing: #"[1, "it's", "x", true, null, {"a": 0.5}]"#)
        #expect(PythonText.repr(value) == #"[1, "it's", 'x', True, None, {'a': 0.5}]"#)
    }
}
