// SPDX-License-Identifier: Apache-2.0

internal import CBoostedTrees
internal import Glibc
package import GyreBase
package import GyreNativeLibraries
package import GyreServing
internal import Synchronization

/// Boosted trees in the files of XGBoost and LightGBM, through the C interface of either in this process.
package final class TreeRuntime: ModelRuntime {
    package let format: ModelFormat
    private let search: NativeLibrary.Search
    private let loaded = Mutex<TreeLibrary?>(nil)

    /// A runtime for `.xgboost` or `.lightgbm` that looks for its library when it is first needed.
    package init(_ format: ModelFormat, search: NativeLibrary.Search) {
        self.format = format
        self.search = search
    }

    package func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel {
        try TreeModel(try library(), source, platform: format.rawValue)
    }

    private func library() throws(GyreError) -> TreeLibrary {
        if let library = loaded.withLock({ $0 }) { return library }
        let kind = format == .xgboost ? gyre_trees_xgboost : gyre_trees_lightgbm
        let location = format == .xgboost ? try NativeLibrary.xgboost(search) : try NativeLibrary.lightGBM(search)
        let (pointer, message) = unsafe withErrorText { unsafe gyre_trees_load(Int32(kind), location.path, $0, $1) }
        guard let pointer = unsafe pointer else {
            throw GyreError(
                .unavailable, "\(location.title) at \(location.path) could not be loaded.", why: message,
                fix: "On the server's machine: gyre doctor")
        }
        let library = unsafe TreeLibrary(pointer: pointer)
        loaded.withLock { $0 = library }
        return library
    }
}

/// The opened library; stays open for the life of the process.
@safe private struct TreeLibrary: @unchecked Sendable {
    // SAFETY: never changed after loading.
    let pointer: OpaquePointer
}

/// One loaded model; owns the booster: exactly one free.
@safe private final class TreeModel: RunnableModel, @unchecked Sendable {
    // SAFETY: both libraries allow predictions of one booster from many threads; the answer is copied on the thread that asked.
    private let model: OpaquePointer
    private let width: Int
    let inputs: [TensorSpec]
    let outputs: [TensorSpec]
    let platform: String
    let isLenient = true
    let missing = MissingValues.taken
    let features: [String]
    /// Whether it answers classes, with their probabilities beside them for the log.
    private let decides: Bool

    init(_ library: TreeLibrary, _ source: ModelSource, platform: String) throws(GyreError) {
        let file = source.file
        let (result, message) = unsafe withErrorText { unsafe gyre_trees_open(library.pointer, file, $0, $1) }
        guard let model = unsafe result else {
            throw GyreError(.invalid, "The file is no \(platform) model that can be served.", why: message)
        }
        unsafe self.model = model
        decides = source.treeAnswer == .classes
        if source.treeAnswer != .values { unsafe gyre_trees_limit(model) }
        features = unsafe Self.names(model)
        let (count, problem) = unsafe withErrorText { unsafe gyre_trees_width(model, $0, $1) }
        width = Int(count)
        self.platform = platform
        // The names are those of Triton's backend for such models.
        inputs = [TensorSpec(name: "input__0", datatype: .fp32, shape: [-1, width])]
        var shape = [-1]
        if count > 0 {
            do throws(GyreError) {
                let values = try unsafe Self.predict(model, [Float](repeating: 0, count: width), rows: 1, width: width)
                if values.count > 1 { shape = [-1, values.count] }
            } catch {
                unsafe gyre_trees_close(model)
                throw error
            }
        }
        outputs = [
            decides
                ? TensorSpec(name: "output__0", datatype: .int64, shape: [-1])
                : TensorSpec(name: "output__0", datatype: .fp32, shape: shape)
        ]
        guard count > 0 else {
            throw GyreError(.invalid, "The \(platform) model has no features.", why: problem.isEmpty ? nil : problem)
        }
    }

    deinit { unsafe gyre_trees_close(model) }

    func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor] {
        guard case .floats(let values) = inputs[0].storage else { return [] }
        let rows = inputs[0].rows
        let numbers = try unsafe Self.predict(model, values, rows: rows, width: width)
        if decides { return classes(numbers, rows) }
        let perRow = rows == 0 ? max(1, outputs[0].shape.dropFirst().first ?? 1) : numbers.count / rows
        let shape = outputs[0].shape.count == 1 ? [rows] : [rows, perRow]
        return [Tensor(datatype: .fp32, shape: shape, storage: .floats(numbers))]
    }

    /// The most likely class of each row, as XGBoost's own classifiers decide, and the probabilities of all.
    private func classes(_ numbers: [Float], _ rows: Int) -> [Tensor] {
        let width = rows == 0 ? 1 : numbers.count / rows
        var classes: [UInt8] = []
        var probabilities: [Float] = []
        for row in 0..<rows {
            let own = numbers[row * width..<(row + 1) * width]
            let chosen: Int
            if width == 1 {
                chosen = numbers[row] > 0.5 ? 1 : 0
                probabilities += [1 - numbers[row], numbers[row]]
            } else {
                chosen = (own.indices.max { own[$0] < own[$1] } ?? own.startIndex) - own.startIndex
                probabilities += own
            }
            for shift in 0..<8 { classes.append(UInt8(truncatingIfNeeded: chosen >> (8 * shift))) }
        }
        return [
            Tensor(datatype: .int64, shape: [rows], storage: .raw(classes)),
            Tensor(datatype: .fp32, shape: [rows, max(2, width)], storage: .floats(probabilities)),
        ]
    }

    /// The names of its features; none where it knows none but their places.
    private static func names(_ model: OpaquePointer) -> [String] {
        var text = [CChar](repeating: 0, count: 1 << 20)
        let size = text.count
        let code = unsafe text.withUnsafeMutableBufferPointer { buffer in
            unsafe gyre_trees_names(model, buffer.baseAddress, size)
        }
        guard code == 0 else { return [] }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let names = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
        // What LightGBM calls columns that nobody named.
        return names == [""] || names == names.indices.map({ "Column_\($0)" }) ? [] : names
    }

    private static func predict(
        _ model: OpaquePointer, _ values: [Float], rows: Int, width: Int
    ) throws(GyreError) -> [Float] {
        var result: UnsafeMutablePointer<Double>?
        var count: Int64 = 0
        let (code, message) = unsafe withErrorText { text, size in
            unsafe gyre_trees_predict(model, values, Int64(rows), Int64(width), &result, &count, text, size)
        }
        defer { unsafe free(result) }
        guard code == 0 else { throw GyreError(.internal, "The model could not be run.", why: message) }
        var numbers: [Float] = []
        numbers.reserveCapacity(Int(count))
        for index in 0..<Int(count) { if let value = unsafe result?[index] { numbers.append(Float(value)) } }
        return numbers
    }
}
