// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreServing
import Testing

@Suite struct TensorElementsTests {
    @Test("rows of different lengths form no tensor", arguments: ["[[1,2],[3]]", "[[1],2]", "[1,[2]]", "[[[1]],[2]]"])
    func ragged(text: String) {
        var parser = JSONParser(Array(text.utf8))
        var elements = TensorElements("x", .fp32)
        #expect(throws: GyreError.self) { try elements.readShaped(&parser) }
    }

    @Test("whole numbers of 64 bits keep every digit", arguments: ["18446744073709551615", "9223372036854775808", "0"])
    func unsigned(text: String) throws {
        var parser = JSONParser(Array("[\(text)]".utf8))
        var elements = TensorElements("x", .uint64)
        try elements.readList(&parser)
        var writer = JSONWriter()
        try NamedTensor(name: "x", tensor: try elements.tensor([1])).write(nested: false, to: &writer)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "[\(text)]")
    }
}
