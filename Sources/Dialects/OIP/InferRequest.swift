// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDelivery
internal import GyreServing

/// An infer request, read in one pass over its bytes: JSON alone, or JSON with the tensors' bytes behind it.
struct InferRequest {
    var id: String?
    var inputs: [NamedTensor] = []
    var outputs: [InferenceCalls.OutputWish] = []
    var parameters: JSONValue = [:]
    /// Whether outputs are bytes unless they ask for JSON.
    var wantsBinary = false

    /// Reads a body.
    ///
    /// `headerLength`: bytes of JSON in front of the tensors' bytes; nil where all is JSON. `read`: the bytes of a place in shared memory.
    init(
        _ bytes: [UInt8], headerLength: Int?, read: (TensorRegion.Slice) throws(GyreError) -> [UInt8]
    ) throws(GyreError) {
        if let headerLength, !(0...bytes.count).contains(headerLength) {
            throw GyreError(
                .invalid, "Inference-Header-Content-Length is \(headerLength).",
                why: "The body has \(bytes.count) bytes.")
        }
        var parser = JSONParser(headerLength.map { Array(bytes[..<$0]) } ?? bytes)
        var binary = bytes[(headerLength ?? bytes.count)...]
        try parser.expect("{")
        var hasInputs = false
        if !parser.consume("}") {
            repeat {
                let name = try parser.string()
                try parser.expect(":")
                switch name {
                case "id":
                    let value = try parser.value()
                    guard value.string != nil || value.isNull else {
                        throw GyreError(.invalid, "The request's \"id\" is no text.")
                    }
                    id = value.string
                case "parameters":
                    parameters = try parser.value()
                    guard parameters.object != nil || parameters.isNull else {
                        throw GyreError(.invalid, "The request's \"parameters\" are no object.")
                    }
                    wantsBinary = parameters["binary_data_output"]?.bool ?? false
                case "inputs":
                    hasInputs = true
                    try readInputs(&parser, &binary, read)
                case "outputs": outputs = try Self.outputs(try parser.value())
                default: _ = try parser.value()
                }
            } while parser.consume(",")
            try parser.expect("}")
        }
        try parser.end()
        guard hasInputs else { throw GyreError(.invalid, "The request has no \"inputs\".") }
        guard binary.isEmpty else {
            throw GyreError(
                .invalid, "\(binary.count) bytes are left behind the inputs.",
                why: "Each input's binary_data_size says how many are its own.")
        }
    }

    /// A request that is nothing but the bytes of a model's one input.
    init(raw bytes: [UInt8], for model: HostedModel) throws(GyreError) {
        guard let spec = model.model.inputs.first, model.model.inputs.count == 1 else {
            throw GyreError(
                .invalid, "A request of bytes alone needs a model with one input.",
                why: "\"\(model.name)\" has \(model.model.inputs.count).")
        }
        var shape = spec.shape
        if shape.first == -1 { shape[0] = 1 }
        let open = shape.indices.filter { shape[$0] == -1 }
        if let index = open.first {
            let size = (spec.datatype.elementBytes ?? 1) * shape.reduce(1) { $1 == -1 ? $0 : $0 * $1 }
            guard open.count == 1, size > 0, bytes.count.isMultiple(of: size) else {
                throw GyreError(.invalid, "The shape of the input \"\(spec.name)\" does not follow from its bytes.")
            }
            shape[index] = bytes.count / size
        }
        inputs = [
            NamedTensor(
                name: spec.name,
                tensor: spec.datatype == .bytes
                    ? Tensor(datatype: .bytes, shape: shape.map { _ in 1 }, storage: .texts([bytes]))
                    : try Tensor(spec.name, spec.datatype, shape, bytes: bytes[...]))
        ]
        wantsBinary = true
    }

    private static func outputs(_ value: JSONValue) throws(GyreError) -> [InferenceCalls.OutputWish] {
        var outputs: [InferenceCalls.OutputWish] = []
        for entry in value.array ?? [] {
            guard let name = entry["name"]?.string else { throw GyreError(.invalid, "An output has no name.") }
            let parameters = entry["parameters"]
            outputs.append(
                InferenceCalls.OutputWish(
                    name: name, isBinary: parameters?["binary_data"]?.bool,
                    classes: Int(clamping: parameters?["classification"]?.int ?? 0), slice: try slice(parameters)))
        }
        return outputs
    }

    /// The place in shared memory that the parameters of a tensor name.
    private static func slice(_ parameters: JSONValue?) throws(GyreError) -> TensorRegion.Slice? {
        guard let region = parameters?["shared_memory_region"]?.string else { return nil }
        return try TensorRegion.Slice(
            region: region, offset: parameters?["shared_memory_offset"]?.int ?? 0,
            byteCount: parameters?["shared_memory_byte_size"]?.int ?? 0)
    }

    private typealias Read = (TensorRegion.Slice) throws(GyreError) -> [UInt8]

    private mutating func readInputs(
        _ parser: inout JSONParser, _ binary: inout ArraySlice<UInt8>, _ read: Read
    ) throws(GyreError) {
        try parser.expect("[")
        if parser.consume("]") { return }
        repeat {
            let (input, contentType) = try Self.input(&parser, &binary, read)
            inputs.append(try Codecs.decoded(input, contentType: contentType))
        } while parser.consume(",")
        try parser.expect("]")
    }

    private static func input(
        _ parser: inout JSONParser, _ binary: inout ArraySlice<UInt8>, _ read: Read
    ) throws(GyreError) -> (input: NamedTensor, contentType: String?) {
        var members = InputMembers()
        try parser.expect("{")
        repeat { try members.read(&parser) } while parser.consume(",")
        try parser.expect("}")
        guard let name = members.name, let shape = members.shape, let datatype = members.datatype else {
            throw GyreError(
                .invalid, "The input \"\(members.name ?? "")\" needs name, shape and datatype.",
                why: "A shape is a list of at most 16 whole numbers that are not negative.")
        }
        let contentType = members.parameters?["content_type"]?.string
        if let slice = try slice(members.parameters) {
            let tensor = try Tensor(name, datatype, shape, bytes: try read(slice)[...])
            return (NamedTensor(name: name, tensor: tensor), contentType)
        }
        if let size = members.parameters?["binary_data_size"]?.int {
            guard !members.hasData else {
                throw GyreError(.invalid, "The input \"\(name)\" has both data and bytes.")
            }
            guard size >= 0, size <= binary.count else {
                throw GyreError(
                    .invalid, "The input \"\(name)\" has a binary_data_size of \(size).",
                    why: "\(binary.count) bytes are left in the body.")
            }
            let own = binary.prefix(Int(size))
            binary = binary.dropFirst(Int(size))
            return (NamedTensor(name: name, tensor: try Tensor(name, datatype, shape, bytes: own)), contentType)
        }
        guard let elements = try members.elements(name, datatype) else {
            throw GyreError(.invalid, "The input \"\(name)\" has no data.")
        }
        var input = NamedTensor(name: name, tensor: try elements.tensor(shape))
        input.holdsNumbers = elements.holdsNumbers
        return (input, contentType)
    }

    /// The members of an input, which come in any order.
    private struct InputMembers: ~Copyable {
        var name: String?
        var shape: [Int]?
        var datatype: Tensor.Datatype?
        var parameters: JSONValue?
        /// The data, where it was known what they are.
        private var taken: TensorElements?
        /// The data, where that is only said behind them.
        private var unread: JSONParser?

        var hasData: Bool { taken != nil || unread != nil }

        mutating func read(_ parser: inout JSONParser) throws(GyreError) {
            let member = try parser.string()
            try parser.expect(":")
            switch member {
            case "name": name = try parser.value().string
            case "shape":
                let before = parser
                shape = InferRequest.shape(&parser)
                if shape == nil {
                    // The name that belongs to the error may come later.
                    parser = before
                    _ = try parser.value()
                }
            case "datatype":
                let word = try parser.string()
                guard let known = Tensor.Datatype(rawValue: word) else {
                    throw GyreError(.invalid, "\"\(word.prefix(40))\" is no datatype of the protocol.")
                }
                datatype = known
            case "data":
                if let datatype {
                    var list = TensorElements(name ?? "", datatype, mayHoldNumbers: true)
                    try list.readList(&parser)
                    taken = list
                } else {
                    unread = try parser.skipped()
                }
            case "parameters": parameters = try parser.value()
            default: _ = try parser.value()
            }
        }

        /// The data; nil where there are none.
        mutating func elements(_ name: String, _ datatype: Tensor.Datatype) throws(GyreError) -> TensorElements? {
            guard var unread else { return taken }
            var list = TensorElements(name, datatype, mayHoldNumbers: true)
            try list.readList(&unread)
            return list
        }
    }

    /// A shape; nil for what is none.
    fileprivate static func shape(_ parser: inout JSONParser) -> [Int]? {
        guard parser.consume("[") else { return nil }
        var shape: [Int] = []
        if parser.consume("]") { return shape }
        repeat {
            // What is no number is told with the name of its input.
            guard let length = try? parser.unsignedNumber(), length <= Int.max, shape.count < 16 else { return nil }
            shape.append(Int(length))
        } while parser.consume(",")
        return parser.consume("]") ? shape : nil
    }
}
