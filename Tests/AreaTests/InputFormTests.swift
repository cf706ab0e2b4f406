// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreServing
import Testing

@Suite struct InputFormTests {
    private static let flowers = ["sepal length", "sepal width", "petal length", "petal width"]

    /// One input for each column, as a conversion of a model of a table has them.
    private static func columns(isLenient: Bool = true, rank: Int = 1) -> InputForm {
        InputForm(
            "iris", flowers.map { TensorSpec(name: $0, datatype: .fp64, shape: rank == 1 ? [-1] : [-1, 1]) },
            isLenient: isLenient)
    }

    private static let mixed = InputForm(
        "houses",
        [
            TensorSpec(name: "price", datatype: .fp64, shape: [-1]),
            TensorSpec(name: "age", datatype: .int64, shape: [-1]),
            TensorSpec(name: "city", datatype: .bytes, shape: [-1]),
        ], isLenient: true)

    private static func floats(_ name: String, _ shape: [Int], _ values: [Float]) -> NamedTensor {
        NamedTensor(name: name, tensor: Tensor(datatype: .fp32, shape: shape, storage: .floats(values)))
    }

    private static func numbers(_ tensors: [Tensor]) -> [[Double?]] {
        tensors.map { tensor in (0..<tensor.count).map { tensor.number(at: $0) } }
    }

    private static func rows(_ form: InputForm, _ text: String) throws -> [NamedTensor] {
        var parser = JSONParser(Array(text.utf8))
        return try RowInputs(form).rows(&parser)
    }

    @Test("one tensor of rows, of any name, goes by position to inputs of one column each", arguments: [1, 2])
    func matrixToColumns(rank: Int) throws {
        for isLenient in [true, false] {
            let form = Self.columns(isLenient: isLenient, rank: rank)
            let tensors = try form.tensors([Self.floats("anything", [2, 4], [1, 2, 3, 4, 5, 6, 7, 8])])
            #expect(Self.numbers(tensors) == [[1, 5], [2, 6], [3, 7], [4, 8]])
            #expect(tensors.allSatisfy { $0.datatype == .fp64 && $0.shape == (rank == 1 ? [2] : [2, 1]) })
        }
    }

    @Test("columns come as [n] or [n, 1], in any order and any type of number", arguments: [[2], [2, 1]])
    func columnShapes(shape: [Int]) throws {
        let given = Self.flowers.enumerated().map { Self.floats($1, shape, [Float($0), Float($0) + 10]) }
        let tensors = try Self.columns().tensors(given.reversed())
        #expect(Self.numbers(tensors) == [[0, 10], [1, 11], [2, 12], [3, 13]])
        #expect(tensors.allSatisfy { $0.shape == [2] })
    }

    @Test(
        "numbers and texts go to their columns out of one tensor of texts; what is no number is refused by its column")
    func texts() throws {
        func ask(_ texts: [String]) throws -> [Tensor] {
            try Self.mixed.tensors([
                NamedTensor(
                    name: "rows",
                    tensor: Tensor(datatype: .bytes, shape: [1, 3], storage: .texts(texts.map { Array($0.utf8) })))
            ])
        }
        let tensors = try ask(["1.5", "9007199254740993", "Oslo\u{0}"])
        #expect(tensors[0].number(at: 0) == 1.5)
        #expect(tensors[1].integer(at: 0) == 9_007_199_254_740_993)
        #expect(tensors[2].text(at: 0) == "Oslo\u{0}")
        let error = #expect(throws: GyreError.self) { try ask(["1.5", "old", "Oslo"]) }
        #expect(error?.what.contains("age") == true)
    }

    @Test("a number that the column's type does not hold is refused, not rounded")
    func exactly() throws {
        let given =
            ["price", "age"].map { Self.floats($0, [1], [1.5]) }
            + [NamedTensor(name: "city", tensor: Tensor(datatype: .bytes, shape: [1], storage: .texts([[65]])))]
        let error = #expect(throws: GyreError.self) { try Self.mixed.tensors(given) }
        #expect(error?.what.contains("age") == true)
    }

    @Test(
        "columns that come by themselves are put together: by their names where the model has them, else as they come")
    func columnsToMatrix() throws {
        let spec = TensorSpec(name: "input", datatype: .fp64, shape: [-1, 4])
        let given = Self.flowers.enumerated().map { Self.floats($1, [2, 1], [Float($0), Float($0) + 10]) }
        let known = InputForm("iris", [spec], features: Self.flowers, isLenient: true)
        #expect(Self.numbers(try known.tensors(given.reversed())) == [[0, 1, 2, 3, 10, 11, 12, 13]])
        #expect(throws: GyreError.self) { try known.tensors(given.dropLast() + [Self.floats("colour", [2], [0, 0])]) }
        let unknown = InputForm("iris", [spec], isLenient: true)
        #expect(Self.numbers(try unknown.tensors(given)) == [[0, 1, 2, 3, 10, 11, 12, 13]])
    }

    @Test("rows of another width are refused with the width and the names that the model takes")
    func width() throws {
        for attempt in [
            { try Self.columns().tensors([Self.floats("x", [1, 3], [1, 2, 3])]).count },
            { try Self.rows(Self.columns(), "[[1,2,3]]").count }, { try Self.rows(Self.columns(), "[5]").count },
        ] {
            let error = #expect(throws: GyreError.self) { try attempt() }
            #expect(error?.why?.contains("takes 4") == true && error?.why?.contains("petal width") == true)
        }
    }

    @Test("rows of JSON are lists by position, or objects by name, of one type or mixed")
    func jsonRows() throws {
        let byPosition = try Self.rows(Self.mixed, #"[[1.5,3,"Oslo"],[2,4,"Rome"]]"#)
        let byName = try Self.rows(
            Self.mixed, #"[{"city":"Oslo","price":1.5,"age":3},{"age":4,"city":"Rome","price":2}]"#)
        #expect(byPosition == byName)
        #expect(Self.numbers(try Self.mixed.tensors(byPosition)).first == [1.5, 2])
    }

    @Test("the columns of a table are found by name; a table without names goes by position")
    func tables() throws {
        let form = InputForm(
            "iris", [TensorSpec(name: "input", datatype: .fp64, shape: [-1, 2])], features: ["a", "b"], isLenient: true)
        func ask(_ columns: [String], _ row: [JSONValue]) throws -> [[Double?]] {
            Self.numbers(try RowInputs(form).table(columns: columns, rows: [row]).map(\.tensor))
        }
        #expect(try ask(["b", "more", "a"], [2, 0, 1]) == [[1, 2]])
        #expect(try ask(["0", "1"], [1, 2]) == [[1, 2]])
        #expect(throws: GyreError.self) { try ask(["c", "a"], [1, 2]) }
        #expect(throws: GyreError.self) { try ask(["0", "1", "2"], [1, 2, 3]) }
    }

    @Test("an input with a name keeps its meaning beside others: one of two is told as missing")
    func missing() throws {
        let form = InputForm(
            "sums", ["A", "B"].map { TensorSpec(name: $0, datatype: .fp32, shape: [-1, 4]) })
        let error = #expect(throws: GyreError.self) {
            try form.tensors([Self.floats("A", [2, 4], Array(1...8).map { Float($0) })])
        }
        #expect(error?.what.contains("\"B\"") == true)
    }
}
