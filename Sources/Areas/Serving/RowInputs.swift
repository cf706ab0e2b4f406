// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Builds a model's inputs out of rows or columns of JSON whose types only the model knows.
package struct RowInputs: Sendable {
    private let form: InputForm
    private let takesNull: Bool

    private var specs: [TensorSpec] { form.specs }

    /// Inputs for a model of this form.
    ///
    /// `takesNull`: whether `null` stands for a missing number.
    package init(_ form: InputForm, takesNull: Bool = false) {
        self.form = form
        self.takesNull = takesNull || form.missing != .asTheyCome
    }

    /// Reads a list of rows: each the value of the one input, a list of the values of all columns, or an object with a member for each.
    package func rows(_ parser: inout JSONParser) throws(GyreError) -> [NamedTensor] {
        guard parser.peek() == UInt8(ascii: "[") else {
            throw GyreError(.invalid, "\"instances\" is no list.", why: "It has one element for each row.")
        }
        var ahead = parser
        try ahead.expect("[")
        let holdsObjects = ahead.peek() == UInt8(ascii: "{")
        guard holdsObjects, !(specs.count == 1 && specs[0].datatype == .bytes && Self.isEncoded(ahead)) else {
            if specs.count > 1, form.hasColumns { return try lists(&parser) }
            return [try values(try only(), &parser)]
        }
        if form.isLenient, form.matrix != nil, !Self.hasMember(specs[0].name, ahead) { return try records(&parser) }
        return try objects(&parser)
    }

    /// Reads columns: an object with a tensor for each input or column, or the tensor of the one input, or rows of all columns.
    package func columns(_ parser: inout JSONParser) throws(GyreError) -> [NamedTensor] {
        guard parser.peek() == UInt8(ascii: "{"), !Self.isEncoded(parser) else {
            let isTable = specs.count > 1 && form.hasColumns || form.matrix != nil && Self.holdsObjects(parser)
            if isTable, parser.peek() == UInt8(ascii: "[") { return try rows(&parser) }
            return [try values(try only(), &parser)]
        }
        var inputs: [NamedTensor] = []
        try parser.expect("{")
        if parser.consume("}") { return [] }
        repeat {
            let name = try parser.string()
            try parser.expect(":")
            if form.isLenient, let matrix = form.matrix, name != matrix.name {
                // A column of the one matrix, which the form puts together.
                inputs.append(try values(TensorSpec(name: name, datatype: matrix.datatype, shape: [-1]), &parser))
            } else {
                inputs.append(try values(try spec(name), &parser))
            }
        } while parser.consume(",")
        try parser.expect("}")
        return inputs
    }

    /// Inputs out of a table: of a model with one input of two dimensions its rows, else one input for each column.
    ///
    /// Columns are found by their names, where both sides have names; else they go by position.
    package func table(columns: [String], rows: [[JSONValue]]) throws(GyreError) -> [NamedTensor] {
        if let wrong = rows.first(where: { $0.count != columns.count }) {
            throw GyreError(
                .invalid, "A row of the data has \(wrong.count) values.", why: "There are \(columns.count) columns.")
        }
        let order = try places(in: columns)
        guard let spec = tableInput else {
            var inputs: [NamedTensor] = []
            for (spec, column) in zip(specs, order) {
                var elements = TensorElements(spec.name, spec.datatype, takesNull: takesNull)
                for row in rows { try elements.take(row[column]) }
                inputs.append(
                    NamedTensor(name: spec.name, tensor: try elements.tensor(Self.fit([rows.count], to: spec))))
            }
            return inputs
        }
        var elements = TensorElements(spec.name, spec.datatype, takesNull: takesNull)
        for row in rows { for index in order { try elements.take(row[index]) } }
        return [NamedTensor(name: spec.name, tensor: try elements.tensor([rows.count, order.count]))]
    }

    /// The one input that takes the rows of a table; nil where each column is an input.
    package var tableInput: TensorSpec? { specs.count == 1 && specs[0].shape.count == 2 ? specs[0] : nil }

    /// Where the columns that the model takes stand in a table, in the model's order.
    /// - Throws: `.invalid` naming the one that is missing.
    package func places(in columns: [String]) throws(GyreError) -> [Int] {
        guard tableInput != nil else { return try places(of: specs.map(\.name), in: columns) }
        return form.features.isEmpty ? Array(columns.indices) : try places(of: form.features, in: columns)
    }

    /// Where the columns that the model knows by `names` stand in a table; by position where the table has no names of its own.
    private func places(of names: [String], in columns: [String]) throws(GyreError) -> [Int] {
        var places: [Int] = []
        for name in names { if let place = columns.firstIndex(of: name) { places.append(place) } }
        if places.count == names.count { return places }
        // Numbers are what a table has in the place of names.
        let isUnnamed = columns == columns.indices.map(String.init)
        if isUnnamed, columns.count == names.count { return Array(columns.indices) }
        if isUnnamed { throw form.wrongWidth(columns.count) }
        let missing = names.first { !columns.contains($0) } ?? ""
        throw GyreError(
            .invalid, "The data have no column \"\(missing)\".",
            why: "They have \(columns.prefix(50).joined(separator: ", ")).")
    }

    /// Reads rows that are lists of one value for each input.
    private func lists(_ parser: inout JSONParser) throws(GyreError) -> [NamedTensor] {
        var elements = specs.map { TensorElements($0.name, $0.datatype, takesNull: takesNull) }
        var count = 0
        try parser.expect("[")
        if !parser.consume("]") {
            repeat {
                guard parser.consume("[") else { throw form.wrongWidth(1) }
                var width = 0
                if !parser.consume("]") {
                    repeat {
                        if width < elements.count {
                            try elements[width].readElement(&parser)
                        } else {
                            _ = try parser.value()
                        }
                        width += 1
                    } while parser.consume(",")
                    try parser.expect("]")
                }
                guard width == elements.count else { throw form.wrongWidth(width) }
                count += 1
            } while parser.consume(",")
            try parser.expect("]")
        }
        var inputs: [NamedTensor] = []
        for (index, spec) in specs.enumerated() {
            inputs.append(
                NamedTensor(name: spec.name, tensor: try elements[index].tensor(Self.fit([count], to: spec))))
        }
        return inputs
    }

    /// Reads rows that are objects of the columns of the one matrix.
    private func records(_ parser: inout JSONParser) throws(GyreError) -> [NamedTensor] {
        try records(try parser.value().array ?? [])
    }

    /// Inputs out of records: objects whose members are the columns.
    package func records(_ records: [JSONValue]) throws(GyreError) -> [NamedTensor] {
        var columns: [String] = []
        var known: Set<String> = []
        for record in records {
            guard case .object(let members) = record else { throw GyreError(.invalid, "A record is no object.") }
            for member in members.members where known.insert(member.name).inserted { columns.append(member.name) }
        }
        guard !columns.isEmpty else { throw GyreError(.invalid, "The list of records has none with a value.") }
        let rows = records.map { record in columns.map { record[$0] ?? .null } }
        return try table(columns: columns, rows: rows)
    }

    private func only() throws(GyreError) -> TensorSpec {
        if let spec = specs.first, specs.count == 1 { return spec }
        throw GyreError(
            .invalid, "The model \"\(form.model)\" has \(specs.count) inputs: each is named.",
            why: "They are \(form.names).")
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

    /// Whether a list is one of objects.
    private static func holdsObjects(_ parser: JSONParser) -> Bool {
        var ahead = parser
        return ahead.consume("[") && ahead.peek() == UInt8(ascii: "{") && !isEncoded(ahead)
    }

    /// Whether an object has a member of this name.
    private static func hasMember(_ name: String, _ parser: JSONParser) -> Bool {
        var ahead = parser
        // Reading it again tells what is wrong.
        return (try? ahead.value())?[name] != nil
    }

    /// Whether an object stands for bytes: `{"b64": …}`.
    private static func isEncoded(_ parser: JSONParser) -> Bool {
        var ahead = parser
        // Reading it again tells what is wrong.
        guard ahead.consume("{"), let name = try? ahead.string() else { return false }
        return name == "b64"
    }
}
