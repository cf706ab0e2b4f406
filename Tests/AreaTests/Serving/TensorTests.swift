// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreServing
import GyreTestSupport
import Testing

/// Tensors of every type, as bytes, as JSON, in parts and together.
@Suite struct TensorTests {
    private static let fixed = Tensor.Datatype.allCases.filter { $0 != .bytes }

    private func tensor(_ datatype: Tensor.Datatype, _ shape: [Int], _ random: inout SplitMix) throws -> Tensor {
        let count = shape.reduce(1, *)
        var bytes: [UInt8] = []
        if let size = datatype.elementBytes {
            bytes = (0..<count * size).map { _ in
                datatype == .bool ? UInt8.random(in: 0...1, using: &random) : UInt8.random(in: 0...255, using: &random)
            }
        } else {
            for _ in 0..<count {
                let text = String(Int.random(in: 0...99999, using: &random))
                bytes += [UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8)
            }
        }
        return try Tensor("x", datatype, shape, bytes: bytes[...])
    }

    @Test(
        "a tensor of any type is the same after its bytes, and after it was cut into rows and joined", arguments: 1...10
    )
    func roundTrips(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        for datatype in Tensor.Datatype.allCases {
            let shape = [Int.random(in: 1...5, using: &random), Int.random(in: 1...4, using: &random)]
            let tensor = try tensor(datatype, shape, &random)
            #expect(tensor.count == shape[0] * shape[1] && tensor.bytes.count == tensor.byteCount)
            let again = try Tensor("x", datatype, shape, bytes: tensor.bytes[...])
            #expect(again.bytes == tensor.bytes, "\(datatype), seed \(seed)")
            let cut = Int.random(in: 0...shape[0], using: &random)
            let joined = Tensor.joined([tensor.rows(0..<cut), tensor.rows(cut..<shape[0])])
            #expect(joined.bytes == tensor.bytes && joined.shape == shape, "\(datatype), seed \(seed)")
        }
    }

    @Test("a tensor of any type that has a JSON form is the same after it", arguments: 1...10)
    func json(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        for datatype in Tensor.Datatype.allCases where ![.fp16, .bf16].contains(datatype) {
            let shape = [3, 2]
            var tensor = try tensor(datatype, shape, &random)
            if datatype == .fp32 {
                tensor = Tensor(
                    datatype: .fp32, shape: shape,
                    storage: .floats((0..<6).map { _ in Float.random(in: -1e6...1e6, using: &random) }))
            } else if datatype == .fp64 {
                let bytes = (0..<6).flatMap { _ in
                    let pattern = Double.random(in: -1e9...1e9, using: &random).bitPattern
                    return (0..<8).map { UInt8(truncatingIfNeeded: pattern >> UInt64(8 * $0)) }
                }
                tensor = try Tensor("x", .fp64, shape, bytes: bytes[...])
            }
            for nested in [true, false] {
                var writer = JSONWriter()
                try NamedTensor(name: "x", tensor: tensor).write(nested: nested, to: &writer)
                var parser = JSONParser(writer.bytes)
                var elements = TensorElements("x", datatype)
                if nested { #expect(try elements.readShaped(&parser) == shape) } else { try elements.readList(&parser) }
                #expect(try elements.tensor(shape).bytes == tensor.bytes, "\(datatype), seed \(seed)")
            }
        }
    }

    @Test(
        "types that JSON has no form for are refused, and say how to send them",
        arguments: [Tensor.Datatype.fp16, .bf16])
    func noForm(datatype: Tensor.Datatype) throws {
        var parser = JSONParser(Array("[1]".utf8))
        var elements = TensorElements("x", datatype)
        let read = #expect(throws: GyreError.self) { try elements.readList(&parser) }
        #expect(read?.fix == "Send it as a binary tensor.")
        let tensor = try Tensor("x", datatype, [1], bytes: [0, 1])
        var writer = JSONWriter()
        let written = #expect(throws: GyreError.self) {
            try NamedTensor(name: "x", tensor: tensor).write(nested: false, to: &writer)
        }
        #expect(written?.fix == "Ask for it as a binary tensor.")
        #expect(tensor.number(at: 0) == nil && tensor.integer(at: 0) == nil)
    }

    @Test("numbers that a type does not have are refused, and its borders are taken")
    func borders() throws {
        let borders: [(Tensor.Datatype, JSONValue, JSONValue, JSONValue)] = [
            (.int8, -128, 127, 128), (.uint8, 0, 255, 256), (.int16, -32768, 32767, 32768), (.uint16, 0, 65535, -1),
            (.int32, -2_147_483_648, 2_147_483_647, 2_147_483_648), (.uint32, 0, 4_294_967_295, -1),
            (.int64, .int(.min), .int(.max), 1.5), (.bool, 0, 1, 2),
        ]
        for (datatype, least, greatest, wrong) in borders {
            var elements = TensorElements("x", datatype)
            try elements.take(least)
            try elements.take(greatest)
            let tensor = try elements.tensor([2])
            #expect(tensor.integer(at: 0) == least.int && tensor.integer(at: 1) == greatest.int, "\(datatype)")
            #expect(tensor.number(at: 1) == greatest.double, "\(datatype)")
            #expect(throws: GyreError.self, "\(datatype)") { try elements.take(wrong) }
        }
        var elements = TensorElements("x", .int32)
        try elements.take(3.0)
        #expect(throws: GyreError.self) { try elements.take("3") }
    }

    @Test("texts come as they are, or as base64 where they are no text")
    func texts() throws {
        var elements = TensorElements("x", .bytes)
        try elements.take("ä")
        try elements.take(["b64": "/wA="])
        #expect(throws: GyreError.self) { try elements.take(["b64": "!"]) }
        #expect(throws: GyreError.self) { try elements.take(5) }
        let tensor = try Tensor("x", .bytes, [1], bytes: [2, 0, 0, 0, 0xFF, 0])
        var writer = JSONWriter()
        let error = #expect(throws: GyreError.self) {
            try NamedTensor(name: "x", tensor: tensor).write(row: 0, to: &writer)
        }
        #expect(error?.why == "They cannot be written as JSON.")
    }

    @Test("bytes that are too few, too many or cut short are no tensor")
    func wrongBytes() {
        let wrong: [(Tensor.Datatype, [Int], [UInt8])] = [
            (.int32, [2], [0, 0, 0, 0]), (.fp32, [1], [0, 0, 0, 0, 0]), (.bytes, [1], [5, 0, 0, 0, 1]),
            (.bytes, [1], [1, 0]), (.bytes, [2], [1, 0, 0, 0, 65]), (.uint8, [-1], []), (.fp64, [.max, 2], []),
            (.uint8, Array(repeating: 1, count: 17), [1]), (.fp64, [.max / 2], []),
        ]
        for (datatype, shape, bytes) in wrong {
            let error = #expect(throws: GyreError.self) { try Tensor("x", datatype, shape, bytes: bytes[...]) }
            #expect(error?.code == .invalid, "\(datatype) \(shape)")
        }
    }

    @Test("numbers go from single to double precision and back, other types stay as they are")
    func converted() throws {
        let floats = Tensor(datatype: .fp32, shape: [2], storage: .floats([1.5, -2]))
        let doubles = floats.converted(to: .fp64)
        #expect(doubles.datatype == .fp64 && (0..<2).map { doubles.number(at: $0) } == [1.5, -2])
        #expect(doubles.converted(to: .fp32) == floats)
        let whole = try Tensor("x", .int16, [2], bytes: [1, 0, 0xFF, 0xFF])
        #expect(whole.converted(to: .fp32).storage == .floats([1, -1]))
        #expect(floats.converted(to: .int8) == floats)
    }

    @Test("the highest numbers of each row are told as classes, with their names")
    func classes() throws {
        let output = NamedTensor(
            name: "y", tensor: Tensor(datatype: .fp32, shape: [2, 3], storage: .floats([0.1, 0.7, 0.2, 5, 5, 4])))
        let classes = try output.classes(2, labels: ["a", "b"])
        #expect((0..<4).map { classes.tensor.text(at: $0) } == ["0.7:1:b", "0.2:2", "5.0:0:a", "5.0:1:b"])
        #expect(classes.tensor.shape == [2, 2])
        let flat = NamedTensor(name: "y", tensor: try Tensor("y", .int8, [2], bytes: [1, 9]))
        #expect(try flat.classes(5, labels: []).tensor.text(at: 0) == "9:1")
        #expect(throws: GyreError.self) { try classes.classes(1, labels: []) }
    }

    @Test("data nested deeper than a tensor may be is refused")
    func deep() {
        var parser = JSONParser(
            Array((String(repeating: "[", count: 18) + "1" + String(repeating: "]", count: 18)).utf8))
        var elements = TensorElements("x", .fp32)
        var (again, others) = (parser, elements)
        #expect(throws: GyreError.self) { try elements.readList(&parser) }
        #expect(throws: GyreError.self) { try others.readShaped(&again) }
    }
}
