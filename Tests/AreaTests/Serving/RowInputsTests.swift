// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreServing
import GyreTestSupport
import Testing

/// Rows, columns and tables of JSON, as a model takes them.
@Suite struct RowInputsTests {
    private let matrix = InputForm(
        "m", [TensorSpec(name: "x", datatype: .fp32, shape: [-1, 2])], features: ["a", "b"], isLenient: true)
    private let two = InputForm(
        "m",
        [
            TensorSpec(name: "a", datatype: .fp32, shape: [-1, 1]),
            TensorSpec(name: "words", datatype: .bytes, shape: [-1]),
        ])
    private let text = InputForm("m", [TensorSpec(name: "t", datatype: .bytes, shape: [-1])])

    private func rows(_ form: InputForm, _ json: String, takesNull: Bool = false) throws -> [NamedTensor] {
        var parser = JSONParser(Array(json.utf8))
        return try RowInputs(form, takesNull: takesNull).rows(&parser)
    }

    private func columns(_ form: InputForm, _ json: String) throws -> [NamedTensor] {
        var parser = JSONParser(Array(json.utf8))
        return try RowInputs(form).columns(&parser)
    }

    @Test("rows are lists of all columns, or objects of them, and mean the same")
    func forms() throws {
        let expected = try two.tensors(rows(two, #"[{"a": 1, "words": "x"}, {"words": "y", "a": 2}]"#))
        #expect(try two.tensors(rows(two, #"[[1, "x"], [2, "y"]]"#)) == expected)
        #expect(try two.tensors(columns(two, #"{"a": [1, 2], "words": ["x", "y"]}"#)) == expected)
        #expect(try two.tensors(columns(two, #"[[1, "x"], [2, "y"]]"#)) == expected)
        let table = try RowInputs(two).table(columns: ["words", "a"], rows: [["x", 1], ["y", 2]])
        #expect(try two.tensors(table) == expected)
        let unnamed = try RowInputs(two).table(columns: ["0", "1"], rows: [[1, "x"], [2, "y"]])
        #expect(try two.tensors(unnamed) == expected)
    }

    @Test("records of a matrix go to the columns of their names, in any order")
    func records() throws {
        let expected: Tensor.Storage = .floats([1, 2, 3, 4])
        #expect(try matrix.tensors(rows(matrix, #"[{"b": 2, "a": 1}, {"a": 3, "b": 4}]"#))[0].storage == expected)
        #expect(try matrix.tensors(rows(matrix, "[[1, 2], [3, 4]]"))[0].storage == expected)
        #expect(try matrix.tensors(columns(matrix, #"{"b": [2, 4], "a": [1, 3]}"#))[0].storage == expected)
        #expect(try matrix.tensors(columns(matrix, #"{"x": [[1, 2], [3, 4]]}"#))[0].storage == expected)
        #expect(try RowInputs(matrix).records([["b": 2, "a": 1], ["a": 3, "b": 4]])[0].tensor.storage == expected)
    }

    @Test("bytes that are no text come as base64, one a row or as the whole input")
    func base64() throws {
        #expect(try rows(text, #"[{"b64": "AQI="}, "z"]"#)[0].tensor.storage == .texts([[1, 2], [122]]))
        #expect(try columns(text, #"{"b64": "AQI="}"#)[0].tensor.storage == .texts([[1, 2]]))
        #expect(try columns(text, "{}").isEmpty)
    }

    @Test("null is a missing number where a table may have one, and no number otherwise")
    func null() throws {
        let form = InputForm("m", [TensorSpec(name: "x", datatype: .fp64, shape: [-1])])
        #expect(try rows(form, "[1, null]", takesNull: true)[0].tensor.number(at: 1)?.isNaN == true)
        #expect(throws: GyreError.self) { try rows(form, "[1, null]") }
    }

    @Test(
        "what does not fit is refused, and says what",
        arguments: [
            ("5", "is no list"), ("[[1]]", "1 values"), ("[[1, \"x\", 3]]", "3 values"), ("[7]", "1 values"),
            ("[{\"a\": 1}]", "have no \"words\""), ("[{\"a\": 1, \"words\": \"x\"}, {\"a\": 2}]", "Not every row"),
            ("[{\"a\": 1, \"other\": 2}]", "no input \"other\""),
            ("[{\"a\": [1], \"words\": \"x\"}, {\"a\": [1, 2], \"words\": \"x\"}]", "differ in shape"),
        ])
    func refused(json: String, what: String) {
        let error = #expect(throws: GyreError.self) { try rows(two, json) }
        #expect(error?.what.contains(what) == true, "\(error?.description ?? "")")
    }

    @Test("a table whose rows differ, or that lacks a column, is refused")
    func tables() {
        #expect(throws: GyreError.self) { try RowInputs(matrix).table(columns: ["a", "b"], rows: [[1]]) }
        let error = #expect(throws: GyreError.self) {
            try RowInputs(matrix).table(columns: ["a", "c"], rows: [[1, 2]])
        }
        #expect(error?.what == "The data have no column \"b\".")
        #expect(throws: GyreError.self) { try RowInputs(matrix).records([1]) }
        #expect(throws: GyreError.self) { try RowInputs(matrix).records([]) }
        #expect(throws: GyreError.self) { try columns(two, "5") }
    }

    @Test("a row of several outputs is an object by their names, of one output the bare value")
    func written() throws {
        let one = NamedTensor(
            name: "y", tensor: Tensor(datatype: .fp32, shape: [2, 2], storage: .floats([1, 2, 3, 4])))
        let other = NamedTensor(name: "z", tensor: Tensor(datatype: .bytes, shape: [2], storage: .texts([[97], [98]])))
        func row(_ outputs: [NamedTensor]) throws -> String {
            var writer = JSONWriter()
            try writer.row(1, of: outputs)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
        #expect(try JSONValue(parsing: row([one])) == [3.0, 4.0])
        #expect(try JSONValue(parsing: row([one, other])) == ["y": [3.0, 4.0], "z": "b"])
    }
}
