// SPDX-License-Identifier: Apache-2.0

import GyreBase
import Testing

@Suite struct NearestTests {
    @Test(
        "a mistyped word finds what was meant",
        arguments: [
            ("modle", "model"), ("lsit", "list"), ("edpoint", "endpoint"), ("MODEL", "model"), ("relase", "release"),
            ("experimen", "experiment"), ("exp", "experiment"),
        ])
    func meant(word: String, name: String) {
        #expect(
            Nearest.name(to: word, among: ["model", "list", "endpoint", "release", "experiment", "ledger"]) == name)
    }

    @Test("nothing is guessed for a word that is near to none", arguments: ["", "xyzzy", "m", "zzzzzzzzzzzz"])
    func unknown(word: String) {
        #expect(Nearest.name(to: word, among: ["model", "monitor", "list"]) == nil)
    }

    @Test("a beginning that several names have means none of them")
    func ambiguous() {
        #expect(Nearest.name(to: "train-a-very", among: ["train-a-very-long-one", "train-a-very-short-one"]) == nil)
    }

    @Test("a long word costs no more than its beginning")
    func long() {
        let word = String(repeating: "a", count: 1_000_000)
        #expect(Nearest.name(to: word, among: [word + "b"]) == word + "b")
    }
}

@Suite struct PercentTests {
    @Test(
        "a name is one part of a path, whatever stands in it", arguments: ["a/b", "a&b=c?d#e", "ä ö", "%41", "..", "+"])
    func parts(name: String) {
        let path = Percent.path("models", name)
        #expect(path.filter { $0 == "/" }.count == 2)
        #expect(Percent.decode(path.dropFirst("/models/".count)) == name)
        #expect(!path.contains("?") && !path.contains("&") && !path.contains("#"))
    }

    @Test("a query holds the values that it is made of, and leaves out those that are not there")
    func query() {
        let text = Percent.query([("a", "1&b=2"), ("c", nil), ("d", "x y+z")])
        #expect(text == "?a=1%26b%3D2&d=x%20y%2Bz")
        #expect(Percent.query(String(text.dropFirst())).map(\.value) == ["1&b=2", "x y+z"])
        #expect(Percent.query([("a", nil)]).isEmpty)
    }
}
