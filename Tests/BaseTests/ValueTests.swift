// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreTestSupport
import Testing

/// Claims, digests, refs, URLs and times.
@Suite struct ValueTests {
    @Test(
        "a claim never passes for Gyre's own actors",
        arguments: [
            ("ann", false, "ann"), ("gyre", false, "claimed/gyre"), ("policy/canary", false, "claimed/policy/canary"),
            ("", false, "claimed/"), ("ann", true, "claimed/ann"), ("claimed/ann", true, "claimed/ann"),
            ("a\u{0}b\nc", false, "abc"),
        ])
    func claims(name: String, isMarked: Bool, actor: String) {
        #expect(Claim(name, isMarked: isMarked).actor == actor)
    }

    @Test("a claim is cut, so that it cannot fill the ledger")
    func longClaim() { #expect(Claim(String(repeating: "x", count: 10_000)).actor.count == 200) }

    @Test("a digest is read with or without its kind, in any case, and written in lower case")
    func digests() throws {
        let digest = Digest(of: Array("abc".utf8))
        #expect(digest.hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(try Digest(hex: "sha256:" + digest.hex.uppercased()) == digest)
        #expect(try Digest(bytes: digest.bytes) == digest)
        for text in ["", "ba", digest.hex + "0", String(repeating: "g", count: 64)] {
            #expect(throws: GyreError.self, "\(text)") { try Digest(hex: text) }
        }
        #expect(throws: GyreError.self) { try Digest(bytes: [1, 2]) }
    }

    @Test("a digest of pieces is that of the whole, however it was cut", arguments: 0..<10)
    func pieces(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let whole = (0..<1000).map { _ in UInt8.random(in: 0...255, using: &random) }
        var stream = DigestStream()
        var rest = whole[...]
        while !rest.isEmpty {
            let count = Int.random(in: 0...100, using: &random)
            stream.update(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        #expect(stream.finish() == Digest(of: whole), "seed \(seed)")
    }

    @Test(
        "what names nothing is no ref", arguments: ["", "model", "/x", "model/", String(repeating: "a/", count: 600)])
    func noRefs(text: String) {
        let error = #expect(throws: GyreError.self) { try Ref(parsing: text) }
        #expect(error?.fix != nil)
    }

    @Test("any text survives being put into a URL", arguments: 0..<30)
    func percent(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let text = String((0..<20).map { _ in "aZ09-._~/ %+&=?#é😀\n".randomElement(using: &random) ?? "a" })
        #expect(Percent.decode(Percent.encode(text)) == text, "seed \(seed)")
        #expect(!Percent.encode(text).contains("/"))
        let query = Percent.query([("a", text), ("b", nil), ("c", "x")])
        let read = Percent.query(String(query.dropFirst()))
        #expect(read.map(\.name) == ["a", "c"] && read.first?.value == text, "seed \(seed)")
    }

    @Test("a form is read as browsers post it, and the first of two counts")
    func form() {
        #expect(Percent.form(Array("a=1+2&b=%41&a=3&c".utf8)) == ["a": "1 2", "b": "A", "c": ""])
        #expect(Percent.decode("%zz%4") == "%zz%4", "a broken escape stays as it stands")
        #expect(Percent.path("models", "a/b") == "/models/a%2Fb")
    }

    @Test("any time survives being written and read", arguments: 0..<40)
    func times(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let time = Int64.random(in: -60_000_000_000_000_000...250_000_000_000_000_000, using: &random)
        #expect(try Timestamp.parse(Timestamp.text(time)) == time, "seed \(seed): \(Timestamp.text(time))")
    }

    @Test(
        "what is no time is refused",
        arguments: [
            "", "2020", "2020-13-01", "2020-00-01", "2020-01-32", "2020-01-01T24:00", "2020-01-01T10:60",
            "2020-01-01T10:00:61", "2020-01-01T10:00:00+2", "2020-01-01T10:00:00.Z", "2020-01-01T10", "today",
        ])
    func noTimes(text: String) {
        #expect(throws: GyreError.self) { try Timestamp.parse(text) }
    }

    @Test("a time for people has no fraction and no zone")
    func readable() { #expect(Timestamp.readable(1_362_133_327_999_999) == "2013-03-01 10:22:07") }

    @Test("an error of anybody's is told as one of ours, and a cancelled task stays cancelled")
    func wrapping() {
        struct Foreign: Error {}
        let own = GyreError(.conflict, "A.", why: "B.", fix: "C.")
        #expect(GyreError.wrapping(own, "Doing") == own)
        #expect(own.description == "A. Why: B. Fix: C.")
        #expect(GyreError.wrapping(CancellationError(), "Doing").code == .cancelled)
        let foreign = GyreError.wrapping(Foreign(), "Doing")
        #expect(foreign.code == .unavailable && foreign.what == "Doing failed.")
    }
}
