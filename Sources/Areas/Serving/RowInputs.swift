// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Builds a model's inputs out of rows or columns of JSON whose types only the model knows.
package struct RowInputs: Sendable {
    private let specs: [TensorSpec]
    private let takesNull: Bool

    /// Inputs for a model that takes `specs`.
    ///
    /// `takesNull`: whether `null` stands for a missing number.
    package init(_ specs: [TensorSpec], takesNull: Bool = false) {
        self.specs = specs
        self.takesNull = takesNull
    }

    /// Reads a list of rows: each the value of the one input, or an object with a member for each input.
    package func rows(_ parser: inout JSONParser) throws(GyreError) -> [NamedTensor] {
        guard parser.peek() == UInt8(ascii: "[") else {
            throw GyreError(.invalid, "\"instances\" is no list.", why: "It has one element for each row.")
        }
        var ahead = parser
        try ahead.expect("[")
        let holdsObjects = ahead.peek() == UInt8(ascii: "{")
        guard holdsObjects, !(specs.count == 1 && specs[0].datatype == .bytes && Self.isEncoded(ahead)) else {
            return [try values(try only(), &parser)]
        }
        return try objects(&parser)
    }

    /// Reads columns: an object with a tensor for each input, or the tensor of the one input.
    package func columns(_ parser: inout JSONParser) throws(GyreError) -> [NamedTensor] {
        guard parser.peek() == UInt8(ascii: "{"), !Self.isEncoded(parser) else {
            return [try values(try only(), &parser)]
        }
        var inputs: [NamedTensor] = []
        try parser.expect("{")
        if parser.consume("}") { return [] }
        repeat {
            let name = try parser.string()
            try parser.expect(":")
            inputs.append(try values(try spec(name), &parser))
        } while parser.consume(",")
        try parser.expect("}")
        return inputs
    }

    /// Inputs out of a table: of a model with one input of two dimensions its rows, else one input for each column.
    ///
    /// `features`: the order of the model's columns where it is known, so that those of the table may come in any.
    package func table(columns: [String], rows: [[JSONValue]], features: [String]) throws(GyreError) -> [NamedTensor] {
        if let wrong = rows.first(where: { $0.count != columns.count }) {
            throw GyreError(
                .invalid, "A row of the data has \(wrong.count) values.", why: "There are \(columns.count) columns.")
        }
        guard specs.count == 1, let spec = specs.first, spec.shape.count == 2 else {
            return try specs.map { spec throws(GyreError) in
                guard let column = columns.firstIndex(of: spec.name) else {
                    throw GyreError(
                        .invalid, "The data have no column \"\(spec.name)\".",
                        why: "They have \(columns.prefix(50).joined(separator: ", ")).")
                }
                var elements = TensorElements(spec.name, spec.datatype, takesNull: takesNull)
                for row in rows { try elements.take(row[column]) }
                return NamedTensor(name: spec.name, tensor: try elements.tensor(Self.fit([rows.count], to: spec)))
            }
        }
        var order = Array(columns.indices)
        if !features.isEmpty, Set(features).isSubset(of: Set(columns)) {
            order = features.compactMap { columns.firstIndex(of: $0) }
        }
        var elements = TensorElements(spec.name, spec.datatype, takesNull: takesNull)
        for row in rows { for index in order { try elements.take(row[index]) } }
        return [NamedTensor(name: spec.name, tensor: try elements.tensor([rows.count, order.count]))]
    }

    private func only() throws(GyreError) -> TensorSpec {
        if let spec = specs.first, specs.count == 1 { return spec }
        throw GyreError(
            .invalid, "The model has \(specs.count) inputs: each is named.",
            why: "They are \(specs.map(\.name).joined(separator: ", ")).")
    }

    private func spec(_ name: String) throws(GyreError) -> TensorSpec {
        if let spec = specs.first(where: { $0.name == name }) { return spec }
        throw GyreError(
            .invalid, "The model has no input \"\(name.prefix(200))\".",
            why: "It has \(specs.map(\.name).joined(separator: ", ")).")
    }

    private func values(_ spec: TensorSpec, _ parser: inout JSONParser) throws(GyreError) -> NamedTensor {
        var elements = TensorElements(spec.name, spec.datatype, takesNull: takesNull)
        let shape = try elements.readShaped(&parser)
        return NamedTensor(name: spec.name, tensor: try elements.tensor(Self.fit(shape, to: spec)))
    }

    private func objects(_ parser: inout JSONParser) throws(GyreError) -> [NamedTensor] {
        var elements = specs.map { TensorElements($0.name, $0.datatype, takesNull: takesNull) }
        var shapes = [[Int]?](repeating: nil, count: specs.count)
        var count = 0
        try parser.expect("[")
        repeat {
            count += 1
            try parser.expect("{")
            if !parser.consume("}") {
                repeat {
                    let name = try parser.string()
                    try parser.expect(":")
                    guard let index = specs.firstIndex(where: { $0.name == name }) else {
                        _ = try spec(name)
                        return []
                    }
                    let shape = try elements[index].readShaped(&parser)
                    guard shapes[index] == nil || shapes[index] == shape else {
                        throw GyreError(.invalid, "The rows of the input \"\(name)\" differ in shape.")
                    }
                    shapes[index] = shape
                } while parser.consume(",")
                try parser.expect("}")
            }
        } while parser.consume(",")
        try parser.expect("]")
        var inputs: [NamedTensor] = []
        for (index, spec) in specs.enumerated() {
            guard let shape = shapes[index] else {
                throw GyreError(.invalid, "The rows have no \"\(spec.name)\", which the model takes.")
            }
            let whole = Self.fit([count] + shape, to: spec)
            guard Tensor.elementCount(of: whole) == elements[index].count else {
                throw GyreError(.invalid, "Not every row has \"\(spec.name)\" once.")
            }
            inputs.append(NamedTensor(name: spec.name, tensor: try elements[index].tensor(whole)))
        }
        return inputs
    }

    /// A column of a table has one value a row; models made from tables want them one to a row of a matrix.
    private static func fit(_ shape: [Int], to spec: TensorSpec) -> [Int] {
        shape.count + 1 == spec.shape.count && (spec.shape.last == 1 || spec.shape.last == -1) ? shape + [1] : shape
    }

    /// Whether an object stands for bytes: `{"b64": …}`.
    private static func isEncoded(_ parser: JSONParser) -> Bool {
        var ahead = parser
        // Reading it again tells what is wrong.
        guard ahead.consume("{"), let name = try? ahead.string() else { return false }
        return name == "b64"
    }
}
