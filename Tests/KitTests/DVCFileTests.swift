// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreDVC
import GyreYAML
import Testing

@Suite struct DVCFileTests {
    // MARK: YAML

    @Test(
        "plain words mean what YAML 1.2 means by them",
        arguments: [
            ("yes", JSONValue.string("yes")), ("0777", .int(777)), ("0o17", .int(15)), ("1e3", .double(1000)),
            ("1_000", .int(1000)),
            ("0b11", .int(3)), ("12:30:45", .string("12:30:45")), ("~", .null), ("True", .bool(true)),
            ("0x1F", .int(31)), ("-", .string("-")),
            (".5", .double(0.5)), ("1.", .double(1)), ("+-1", .string("+-1")), ("e5", .string("e5")),
            (".inf", .double(.infinity)),
        ])
    func words(word: String, value: JSONValue) { #expect(CoreSchema.value(word) == value) }

    @Test("values are written as ruamel writes them, and read back as they were")
    func blocks() throws {
        let value: JSONValue = [
            "schema": "2.0",
            "stages": ["a": ["cmd": "python x.py # no", "deps": [["path": "d", "size": 1]], "outs": []]],
            "words": ["yes", "1", "1e5", "", "it's", "a: b", "- x", "2020-01-01", "two\nlines", "#", " lead"],
            "none": .null, "number": 1e-05,
        ]
        let text = BlockText.text(value)
        #expect(
            text == """
                schema: '2.0'
                stages:
                  a:
                    cmd: 'python x.py # no'
                    deps:
                    - path: d
                      size: 1
                    outs: []
                words:
                - yes
                - '1'
                - '1e5'
                - ''
                - it's
                - 'a: b'
                - '- x'
                - '2020-01-01'
                - "two\\nlines"
                - '#'
                - ' lead'
                none:
                number: 1e-05

                """)
        #expect(try YAML.coreDocument(text) == value)
    }

    @Test("long lines are folded after 80 columns") func folding() {
        let words = Array(repeating: "word", count: 30).joined(separator: " ")
        let lines = BlockText.text(["cmd": .string(words)]).split(separator: "\n")
        #expect(lines.count == 2 && lines[1].hasPrefix("  word"))
    }

    // MARK: Listings

    @Test("a listing is written byte for byte as DVC writes it, and read back") func listing() throws {
        var table = FileTable()
        for (path, digit) in [("b.txt", "b"), ("a/ü", "a"), ("a.b", "c"), ("a-b", "d")] {
            table.append(path.utf8, id: ObjectID(String(repeating: digit, count: 32)))
        }
        table.sort()
        let bytes = Listing.bytes(table)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "["
                + [("d", "a-b"), ("c", "a.b"), ("a", "a/\\u00fc"), ("b", "b.txt")].map {
                    "{\"md5\": \"\(String(repeating: $0.0, count: 32))\", \"relpath\": \"\($0.1)\"}"
                }.joined(separator: ", ") + "]")
        let read = try Listing.files(bytes, name: "it")
        #expect(read.entries.map { read.text($0) } == ["a-b", "a.b", "a/ü", "b.txt"])
        #expect(
            ObjectHash.of(Listing.bytes(FileTable()), isFolder: true).text == "d751713988987e9331980363e24189ce.dir")
    }

    @Test(
        "a listing that leads out of its folder, or says a thing twice, is refused",
        arguments: ["../x", "/etc/passwd", "a/../../x", "", "a//b", ".", "a/./b"])
    func hostileListing(path: String) throws {
        let bytes = Array("[{\"md5\": \"\(String(repeating: "0", count: 32))\", \"relpath\": \"\(path)\"}]".utf8)
        #expect(throws: GyreError.self) { try Listing.files(bytes, name: "it") }
        let twice = ["a", "a"]
        let nested = ["a", "a/b"]
        for names in [twice, nested] {
            let text = names.map { "{\"md5\": \"\(String(repeating: "0", count: 32))\", \"relpath\": \"\($0)\"}" }
            #expect(throws: GyreError.self) {
                try Listing.files(Array("[\(text.joined(separator: ","))]".utf8), name: "it")
            }
        }
    }

    // MARK: Rules

    @Test(
        "rules of .dvcignore are read as git reads them",
        arguments: [
            ("*.csv", "a/b.csv", true), ("/a", "b/a", false), ("/a", "a", true), ("a/*", "a/b", true),
            ("**/x", "a/b/x", true), ("a/**", "a", false),
            ("a/**", "a/b/c", true), ("x?z", "xyz", true), ("[a-c]d", "bd", true), ("[!a-c]d", "bd", false),
            ("\\#x", "#x", true), ("# x", "x", false),
            ("*.csv\n!keep.csv", "keep.csv", false), ("a/**/z", "a/z", true), ("*x*y*", "axbyc", true),
            ("d/", "d", false),
        ])
    func rules(text: String, path: String, isIgnored: Bool) {
        var rules = IgnoreRules()
        rules.add(text, base: "")
        #expect(rules.ignores(path, isFolder: false) == isIgnored)
    }

    // MARK: Metafiles

    @Test("remarks of a metafile stay when what it says changes") func remarks() throws {
        let text = """
            # the raw data
            outs:
            - md5: \(String(repeating: "a", count: 32))  # March
              size: 1
              hash: md5
              path: x

            meta:
              owner: ann
            """
        var metafile = try Metafile(path: "/r/x.dvc", text: text)
        metafile.outs[0].id = ObjectID(String(repeating: "b", count: 32))
        metafile.outs[0].sizeBytes = 22
        #expect(
            metafile.newText
                == text.replacing(String(repeating: "a", count: 32), with: String(repeating: "b", count: 32)).replacing(
                    "size: 1", with: "size: 22"))
    }

    @Test("the files in one body come out as they went in, however the body was cut") func frames() throws {
        let contents = [[UInt8]("one".utf8), [], [UInt8](repeating: 7, count: 5000)]
        var body: [UInt8] = []
        for content in contents {
            body += ObjectFrames.name(ObjectHash.of(content)) + ObjectFrames.length(.content(content)) + content
        }
        for step in [1, 7, 4096] {
            var frames = ObjectFrames()
            var found: [[UInt8]] = []
            for start in stride(from: 0, to: body.count, by: step) {
                frames.take(body[start..<min(start + step, body.count)])
                while let frame = try frames.next() {
                    if case .content(let bytes) = frame.answer { found.append(bytes) }
                }
            }
            #expect(found == contents && frames.isAtEnd)
        }
    }
}
