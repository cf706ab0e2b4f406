// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What a model takes, and how the forms in which clients send rows become that.
///
/// A table has several faces: one input for each column, or one matrix of all of them. Clients do not know which one a model has, and a
/// conversion may change it; so rows are taken by position and by name either way, wherever the width fits.
package struct InputForm: Sendable {
    /// The model's name, for errors.
    package let model: String
    /// What it takes, in order.
    package let specs: [TensorSpec]
    /// Names of the columns of its one matrix, in order; empty where unknown.
    package let features: [String]
    /// Whether numbers of another type are taken where they are the same numbers, and the one input by any name.
    package let isLenient: Bool
    /// What becomes of missing values.
    package let missing: MissingValues

    /// The form of a model.
    package init(
        _ model: String, _ specs: [TensorSpec], features: [String] = [], isLenient: Bool = false,
        missing: MissingValues = .asTheyCome
    ) {
        self.missing = missing
        self.model = model
        self.specs = specs
        self.features = features
        self.isLenient = isLenient
    }

    /// Whether each input is one column of a table: a value a row.
    package var hasColumns: Bool { !specs.isEmpty && specs.allSatisfy(Self.isColumn) }

    /// The one input that takes rows of several numbers; nil for a model of another form.
    package var matrix: TensorSpec? {
        specs.count == 1 && specs[0].shape.count == 2 && specs[0].shape[1] != 1 ? specs[0] : nil
    }

    /// The names of the inputs, for errors.
    package var names: String { specs.map(\.name).prefix(50).joined(separator: ", ") }

    /// The tensors in the model's order, each of the type and shape that it declares.
    /// - Throws: `.invalid` naming the input that is missing, unknown or of the wrong type or shape.
    package func tensors(_ given: [NamedTensor]) throws(GyreError) -> [Tensor] {
        let ordered = try placed(given)
        if missing == .refused { try checkMissing(ordered) }
        return ordered
    }

    /// - Throws: `.invalid` naming the first value that is missing or no finite number.
    private func checkMissing(_ tensors: [Tensor]) throws(GyreError) {
        for (spec, tensor) in zip(specs, tensors) where [.fp32, .fp64, .fp16].contains(tensor.datatype) {
            let wrong: Int? =
                if case .floats(let values) = tensor.storage {
                    values.firstIndex { !$0.isFinite }
                } else {
                    (0..<tensor.count).first { !(tensor.number(at: $0)?.isFinite ?? false) }
                }
            guard let wrong else { continue }
            let width = max(1, tensor.rows > 0 ? tensor.count / tensor.rows : 1)
            let column = width == 1 ? spec.name : features.count == width ? features[wrong % width] : "\(wrong % width)"
            throw GyreError(
                .invalid, "Row \(wrong / width) has no finite number in the column \"\(column)\".",
                why: "The model \"\(model)\" takes no missing values.")
        }
    }

    private func placed(_ given: [NamedTensor]) throws(GyreError) -> [Tensor] {
        if given.count == 1, specs.count == 1, isLenient || given[0].name == specs[0].name {
            try checkTexts(given)
            return [try fit(given[0].tensor, to: specs[0])]
        }
        if given.count == 1, specs.count > 1, hasColumns, given[0].tensor.shape.count == 2 {
            let width = given[0].tensor.shape[1]
            if width == specs.count { return try columns(of: given[0].tensor) }
            if !specs.contains(where: { $0.name == given[0].name }) { throw wrongWidth(width, in: given[0].name) }
        }
        if isLenient, given.count > 1, let matrix, given.allSatisfy({ Self.isColumn($0.tensor) }) {
            return [try joined(given, matrix)]
        }
        return try named(given)
    }

    private func named(_ given: [NamedTensor]) throws(GyreError) -> [Tensor] {
        try checkTexts(given)
        var ordered: [Tensor] = []
        ordered.reserveCapacity(specs.count)
        for spec in specs {
            guard let own = given.first(where: { $0.name == spec.name }) else {
                throw GyreError(
                    .invalid, "The input \"\(spec.name)\" of the model \"\(model)\" is missing.",
                    why: "It has \(names).")
            }
            ordered.append(try fit(own.tensor, to: spec))
        }
        if given.count > ordered.count {
            let unknown = given.first { given in !specs.contains { $0.name == given.name } }
            throw GyreError(
                .invalid,
                unknown.map { "The model \"\(model)\" has no input \"\($0.name.prefix(200))\"." }
                    ?? "An input of the model \"\(model)\" is given twice.",
                why: "It has \(names).")
        }
        return ordered
    }

    private func checkTexts(_ given: [NamedTensor]) throws(GyreError) {
        guard let mixed = given.first(where: \.holdsNumbers) else { return }
        throw GyreError(
            .invalid, "The input \"\(mixed.name.prefix(200))\" holds numbers among its texts.",
            why: "They are no BYTES, and the model \"\(model)\" does not take it as rows of several columns.")
    }

    /// A tensor as an input takes it: a column as `[n]` or `[n, 1]`, and in the type of the input where the model is lenient.
    private func fit(_ tensor: Tensor, to spec: TensorSpec) throws(GyreError) -> Tensor {
        var tensor = tensor
        if Self.isColumn(spec), tensor.shape.count != spec.shape.count, Self.isColumn(tensor) {
            let shape = spec.shape.count == 1 ? [tensor.rows] : [tensor.rows, 1]
            tensor = Tensor(datatype: tensor.datatype, shape: shape, storage: tensor.storage)
        }
        if isLenient, tensor.datatype != spec.datatype, tensor.datatype != .bytes, spec.datatype != .bytes {
            tensor = try tensor.elements(from: 0, step: 1, for: spec, shape: tensor.shape)
        }
        try spec.check(tensor)
        return tensor
    }

    /// The columns of rows that came as one tensor, in the model's order.
    private func columns(of rows: Tensor) throws(GyreError) -> [Tensor] {
        var columns: [Tensor] = []
        for (index, spec) in specs.enumerated() {
            let shape = spec.shape.count == 1 ? [rows.rows] : [rows.rows, 1]
            let column = try rows.elements(from: index, step: specs.count, for: spec, shape: shape)
            try spec.check(column)
            columns.append(column)
        }
        return columns
    }

    /// One matrix of columns that came by themselves: in the order of their names where those are known, else in the order they came in.
    private func joined(_ given: [NamedTensor], _ matrix: TensorSpec) throws(GyreError) -> Tensor {
        var columns = given
        if !features.isEmpty {
            columns = try features.map { name throws(GyreError) in
                if let column = given.first(where: { $0.name == name }) { return column }
                throw GyreError(
                    .invalid, "The column \"\(name)\" of the model \"\(model)\" is missing.",
                    why: "Its columns are \(features.prefix(50).joined(separator: ", ")).")
            }
            if let unknown = given.first(where: { !features.contains($0.name) }) {
                throw GyreError(
                    .invalid, "The model \"\(model)\" has no column \"\(unknown.name.prefix(200))\".",
                    why: "Its columns are \(features.prefix(50).joined(separator: ", ")).")
            }
        }
        let rows = columns[0].tensor.rows
        guard columns.count == given.count, columns.allSatisfy({ $0.tensor.rows == rows }) else {
            throw GyreError(
                .invalid, "The columns for the model \"\(model)\" differ in length, or one is given twice.")
        }
        var elements = TensorElements(matrix.name, matrix.datatype)
        for row in 0..<rows { for column in columns { try elements.take(column.tensor, at: row) } }
        let tensor = try elements.tensor([rows, columns.count])
        try matrix.check(tensor)
        return tensor
    }

    /// What is wrong with rows of this many values.
    func wrongWidth(_ width: Int, in name: String? = nil) -> GyreError {
        GyreError(
            .invalid, "\(name.map { "The rows in \"\($0.prefix(200))\" have" } ?? "A row has") \(width) values.",
            why: "The model \"\(model)\" takes \(specs.count), in this order: \(names).")
    }

    private static func isColumn(_ spec: TensorSpec) -> Bool { spec.shape == [-1] || spec.shape == [-1, 1] }

    private static func isColumn(_ tensor: Tensor) -> Bool {
        tensor.shape.count == 1 || tensor.shape.count == 2 && tensor.shape[1] == 1
    }
}

extension Tensor {
    /// The elements at `start`, `start + step`, … as what `spec` declares them.
    /// - Throws: `.invalid` naming the input where an element is not the same in that type.
    fileprivate func elements(
        from start: Int, step: Int, for spec: TensorSpec, shape: [Int]
    ) throws(GyreError) -> Tensor {
        if step == 1, [.fp32, .fp64].contains(spec.datatype), datatype == .fp32 || datatype == .fp64 {
            return converted(to: spec.datatype)
        }
        var elements = TensorElements(spec.name, spec.datatype)
        for index in stride(from: start, to: count, by: step) { try elements.take(self, at: index) }
        return try elements.tensor(shape)
    }
}
