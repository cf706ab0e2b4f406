// SPDX-License-Identifier: Apache-2.0

internal import COnnxRuntime
package import GyreBase
package import GyreNativeLibraries
package import GyreServing
internal import Synchronization

/// ONNX models through ONNX Runtime in this process.
package final class OnnxRuntime: ModelRuntime {
    private let search: NativeLibrary.Search
    private let threads: Int
    private let log: @Sendable (Message) -> Void
    private let loaded = Mutex<OnnxLibrary?>(nil)
    /// Up to this a model's memory is not worth an arena, which would take more than the model.
    private static let smallModelBytes = 256 << 10

    /// A runtime that looks for its library when it is first needed.
    ///
    /// `threads`: threads of one inference; 1 is best for small models under many requests. `log`: takes what ONNX Runtime has to say, from
    /// any thread.
    package init(
        search: NativeLibrary.Search, threads: Int = 1, log: @escaping @Sendable (Message) -> Void = { _ in }
    ) {
        self.search = search
        self.threads = threads
        self.log = log
    }

    /// A line of ONNX Runtime's own.
    package struct Message: Sendable, Hashable {
        /// `warning`, `error` or `fatal`.
        package let severity: String
        /// The model and version that it is about, `NAME@VERSION`; empty where it is about none.
        package let model: String
        /// What it says, in one line.
        package let text: String

        /// As the server's log has it.
        package var line: String { "\(model.isEmpty ? "ONNX Runtime" : "model \(model)"): \(severity): \(text)" }
    }

    /// The library's own version, for `gyre doctor`.
    package func version() throws(GyreError) -> String { try library().version }

    package var format: ModelFormat { .onnx }

    package func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel {
        try OnnxModel(
            try library(), file: source.file, name: source.title,
            threads: source.settings.runThreads > 0 ? source.settings.runThreads : threads,
            optimization: source.settings.optimization ?? .all, hasArena: source.sizeBytes > Self.smallModelBytes,
            isLenient: source.isLenient)
    }

    private func library() throws(GyreError) -> OnnxLibrary {
        if let library = loaded.withLock({ $0 }) { return library }
        let library = try OnnxLibrary(try NativeLibrary.onnxRuntime(search), log)
        loaded.withLock { $0 = library }
        return library
    }
}

/// The opened library; stays open for the life of the process.
@safe private struct OnnxLibrary: @unchecked Sendable {
    // SAFETY: never changed after loading; ONNX Runtime's environment may be used from any thread.
    let pointer: OpaquePointer

    init(
        _ location: NativeLibrary, _ log: @escaping @Sendable (OnnxRuntime.Message) -> Void
    ) throws(GyreError) {
        // The library stays for the life of the process, and so does what it talks to.
        let sink = unsafe Unmanaged.passRetained(Sink(take: log)).toOpaque()
        let (result, message) = unsafe withErrorText {
            unsafe gyre_onnx_load(location.path, Self.take, sink, $0, $1)
        }
        guard let result = unsafe result else {
            throw GyreError(
                .unavailable, "ONNX Runtime at \(location.path) could not be loaded.", why: message,
                fix: "On the server's machine: gyre doctor")
        }
        unsafe pointer = result
    }

    private final class Sink: Sendable {
        let take: @Sendable (OnnxRuntime.Message) -> Void

        init(take: @escaping @Sendable (OnnxRuntime.Message) -> Void) { self.take = take }
    }

    private static let take: gyre_onnx_log = { context, severity, model, message in
        guard let context = unsafe context, let model = unsafe model, let message = unsafe message else { return }
        // A colour or a line's end of its own has no place in a log of lines.
        let text = unsafe String(cString: message).filter { $0 >= " " || $0 == "\n" }
        let sink = unsafe Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
        unsafe sink.take(
            OnnxRuntime.Message(
                severity: severity >= 4 ? "fatal" : severity == 3 ? "error" : "warning",
                model: String(cString: model), text: text.split(separator: "\n").joined(separator: " ")))
    }

    var version: String { unsafe String(cString: gyre_onnx_version(pointer)) }
}

/// One loaded model; owns the session: exactly one free.
@safe private final class OnnxModel: RunnableModel, @unchecked Sendable {
    // SAFETY: ONNX Runtime allows concurrent runs of one session.
    private let session: OpaquePointer
    let inputs: [TensorSpec]
    let outputs: [TensorSpec]
    private let wantedOutputs: [Int]
    let isLenient: Bool
    let platform = "onnxruntime_onnx"

    init(
        _ library: OnnxLibrary, file: String, name: String, threads: Int, optimization: ModelSettings.GraphOptimization,
        hasArena: Bool, isLenient: Bool
    ) throws(GyreError) {
        // ONNX Runtime's own numbers.
        let level: Int32 =
            switch optimization {
            case .none: 0
            case .basic: 1
            case .extended: 2
            case .all: 99
            }
        let (result, message) = unsafe withErrorText {
            unsafe gyre_onnx_open(library.pointer, file, name, Int32(threads), level, hasArena, $0, $1)
        }
        guard let session = unsafe result else {
            throw GyreError(.invalid, "The file is no ONNX model that can be served.", why: message)
        }
        unsafe self.session = session
        do {
            inputs = try unsafe (0..<gyre_onnx_input_count(session)).map { index throws(GyreError) in
                try unsafe Self.spec(gyre_onnx_input(session, index), "input")
            }
            // Maps of numbers (scikit-learn's ZipMap) come as rows; what else is no tensor is left out.
            let ports = unsafe (0..<gyre_onnx_output_count(session)).map { unsafe gyre_onnx_output(session, $0) }
            wantedOutputs = unsafe ports.indices.filter { unsafe ports[$0].element != 0 }
            let all = try wantedOutputs.map { index throws(GyreError) in try unsafe Self.spec(ports[index], "output") }
            // A converted model gives probabilities that its owner did not ask for; they are the last one.
            outputs = isLenient && all.last?.name == ConverterScript.probabilities ? all.dropLast() : all
        } catch {
            unsafe gyre_onnx_close(session)
            throw error
        }
        self.isLenient = isLenient
    }

    deinit { unsafe gyre_onnx_close(session) }

    func run(_ inputs: [Tensor]) throws(GyreError) -> [Tensor] {
        let prepared = inputs.map(PreparedInput.init)
        var results = unsafe [gyre_onnx_tensor](repeating: gyre_onnx_tensor(), count: wantedOutputs.count)
        let (code, message) = unsafe withErrorText { buffer, size in
            unsafe PreparedInput.withTensors(prepared) { tensors in
                unsafe gyre_onnx_run(
                    session, tensors, tensors.count, wantedOutputs, wantedOutputs.count, &results, buffer, size)
            }
        }
        guard code == 0 else {
            if message.contains("Unknown Category") { throw Self.unknownCategory }
            throw GyreError(code == 2 ? .invalid : .internal, "The model could not be run.", why: message)
        }
        defer { for index in unsafe results.indices { unsafe gyre_onnx_tensor_free(&results[index]) } }
        var tensors: [Tensor] = []
        for index in unsafe results.indices { tensors.append(try unsafe Self.tensor(results[index])) }
        return tensors
    }

    /// An encoder that was told to refuse what it has not seen does so by failing.
    private static let unknownCategory = GyreError(
        .invalid, "A value is none of the categories that the model was trained on.",
        why: "It was made with an encoder that refuses unknown categories, which is the usual one of scikit-learn.",
        fix: "Ask for known values, or train with OneHotEncoder(handle_unknown=\"ignore\").")

    private static func spec(_ port: gyre_onnx_port, _ what: String) throws(GyreError) -> TensorSpec {
        let name = unsafe String(cString: port.name)
        guard let datatype = OnnxElement.datatype(unsafe port.element) else {
            throw GyreError(
                .unsupported, "The model's \(what) \"\(name)\" is no tensor that can be served.",
                why: "Its element type is number \(unsafe port.element) of ONNX.")
        }
        return TensorSpec(name: name, datatype: datatype, shape: unsafe dimensions(port.shape, port.rank))
    }

    private static func tensor(_ result: gyre_onnx_tensor) throws(GyreError) -> Tensor {
        guard let datatype = OnnxElement.datatype(unsafe result.element) else {
            throw GyreError(
                .unsupported, "The model gave elements of the type number \(unsafe result.element) of ONNX.")
        }
        let shape = unsafe dimensions(result.shape, result.rank)
        let bytes = unsafe UnsafeRawBufferPointer(start: result.data, count: result.bytes)
        switch datatype {
        case .fp32:
            let values = unsafe [Float](unsafeUninitializedCapacity: result.count) { buffer, count in
                unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
                unsafe count = result.count
            }
            return Tensor(datatype: datatype, shape: shape, storage: .floats(values))
        case .bytes:
            let texts = unsafe (0..<result.count).map { index in
                let start = unsafe result.offsets[index]
                let end = unsafe index + 1 < result.count ? result.offsets[index + 1] : result.bytes
                return unsafe Array(bytes[start..<end])
            }
            return Tensor(datatype: datatype, shape: shape, storage: .texts(texts))
        default: return Tensor(datatype: datatype, shape: shape, storage: .raw(unsafe Array(bytes)))
        }
    }

    private static func dimensions<Shape>(_ shape: Shape, _ rank: Int) -> [Int] {
        unsafe withUnsafeBytes(of: shape) { bytes in
            let lengths = unsafe bytes.bindMemory(to: Int64.self)
            return (0..<rank).map { unsafe Int(lengths[$0]) }
        }
    }
}

/// Calls a C function that writes its error as text.
func withErrorText<Result>(_ body: (UnsafeMutablePointer<CChar>, Int) -> Result) -> (Result, String) {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 2048) { buffer in
        guard let start = buffer.baseAddress else {
            preconditionFailure("a temporary buffer of 2048 bytes has an address")
        }
        unsafe start.initialize(to: 0)
        let result = unsafe body(start, buffer.count)
        return unsafe (result, String(cString: start))
    }
}
