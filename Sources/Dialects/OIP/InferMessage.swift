// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreDelivery
internal import GyreServing
internal import ProtoInference
internal import SwiftProtobuf

/// Tensors in and out of gRPC messages.
enum InferMessage {
    static func inputs(
        _ request: Inference_ModelInferRequest, _ calls: InferenceCalls
    ) throws(GyreError) -> [NamedTensor] {
        var raw = request.rawInputContents[...]
        var inputs: [NamedTensor] = []
        inputs.reserveCapacity(request.inputs.count)
        for input in request.inputs {
            guard let datatype = Tensor.Datatype(rawValue: input.datatype) else {
                throw GyreError(.invalid, "\"\(input.datatype.prefix(40))\" is no datatype of the protocol.")
            }
            let shape = input.shape.map { Int(clamping: $0) }
            let tensor: Tensor
            if let slice = try slice(input.parameters) {
                tensor = try Tensor(input.name, datatype, shape, bytes: try calls.shared().read(slice)[...])
            } else if request.rawInputContents.isEmpty {
                tensor = try typed(input, datatype, shape)
            } else {
                guard !input.hasContents, let bytes = raw.popFirst() else {
                    throw GyreError(
                        .invalid, "The input \"\(input.name)\" has no bytes of its own.",
                        why: "With raw contents each input has one entry there and none of another kind.")
                }
                tensor = try Tensor(input.name, datatype, shape, bytes: [UInt8](bytes)[...])
            }
            inputs.append(
                try Codecs.decoded(
                    NamedTensor(name: input.name, tensor: tensor),
                    contentType: input.parameters["content_type"]?.stringParam))
        }
        guard raw.isEmpty else {
            throw GyreError(
                .invalid, "There are \(request.rawInputContents.count) raw contents.",
                why: "There are \(request.inputs.count) inputs.")
        }
        return inputs
    }

    private static func typed(
        _ input: Inference_ModelInferRequest.InferInputTensor, _ datatype: Tensor.Datatype, _ shape: [Int]
    ) throws(GyreError) -> Tensor {
        let contents = input.contents
        func fixed<Number: FixedWidthInteger>(_ numbers: [Number], as size: Int) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(numbers.count * size)
            for number in numbers {
                let pattern = UInt64(truncatingIfNeeded: number)
                for offset in 0..<size { bytes.append(UInt8(truncatingIfNeeded: pattern >> UInt64(8 * offset))) }
            }
            return bytes
        }
        let storage: Tensor.Storage
        let count: Int
        switch datatype {
        case .fp32: (storage, count) = (.floats(contents.fp32Contents), contents.fp32Contents.count)
        case .fp64:
            (storage, count) = (
                .raw(fixed(contents.fp64Contents.map(\.bitPattern), as: 8)), contents.fp64Contents.count
            )
        case .bool: (storage, count) = (.raw(contents.boolContents.map { $0 ? 1 : 0 }), contents.boolContents.count)
        case .int8, .int16, .int32:
            let size = datatype.elementBytes ?? 4
            let half = Int64(1) << Int64(8 * size - 1)
            guard contents.intContents.allSatisfy({ (-half..<half).contains(Int64($0)) }) else { throw outside(input) }
            (storage, count) = (.raw(fixed(contents.intContents, as: size)), contents.intContents.count)
        case .uint8, .uint16, .uint32:
            let size = datatype.elementBytes ?? 4
            guard contents.uintContents.allSatisfy({ UInt64($0) < UInt64(1) << UInt64(8 * size) }) else {
                throw outside(input)
            }
            (storage, count) = (.raw(fixed(contents.uintContents, as: size)), contents.uintContents.count)
        case .int64: (storage, count) = (.raw(fixed(contents.int64Contents, as: 8)), contents.int64Contents.count)
        case .uint64: (storage, count) = (.raw(fixed(contents.uint64Contents, as: 8)), contents.uint64Contents.count)
        case .bytes:
            (storage, count) = (.texts(contents.bytesContents.map { [UInt8]($0) }), contents.bytesContents.count)
        case .fp16, .bf16:
            throw GyreError(
                .invalid, "The input \"\(input.name)\" is \(input.datatype), which comes as raw contents only.")
        }
        guard shape.count <= 16, Tensor.elementCount(of: shape) == count else {
            throw GyreError(
                .invalid, "The input \"\(input.name)\" has \(count) elements of data.",
                why: "Its shape \(shape.prefix(16)) asks for another number.")
        }
        return Tensor(datatype: datatype, shape: shape, storage: storage)
    }

    private static func outside(_ input: Inference_ModelInferRequest.InferInputTensor) -> GyreError {
        GyreError(.invalid, "The input \"\(input.name)\" holds a number that is no \(input.datatype).")
    }

    /// A parameter as a whole number, however it was sent.
    static func integer(_ parameter: Inference_InferParameter) -> Int {
        switch parameter.parameterChoice {
        case .int64Param(let value): Int(clamping: value)
        case .uint64Param(let value): Int(clamping: value)
        case .boolParam(let value): value ? 1 : 0
        case .doubleParam, .stringParam, nil: 0
        }
    }

    /// Parameters as JSON has them.
    static func json(_ parameters: [String: Inference_InferParameter]) -> JSONValue {
        var json: JSONValue = [:]
        for (name, parameter) in parameters.sorted(by: { $0.key < $1.key }).prefix(100) {
            json[name] =
                switch parameter.parameterChoice {
                case .int64Param(let value): .int(value)
                case .uint64Param(let value): .int(Int64(clamping: value))
                case .boolParam(let value): .bool(value)
                case .doubleParam(let value): .double(value)
                case .stringParam(let value): .string(value)
                case nil: .null
                }
        }
        return json
    }

    /// The place in shared memory that the parameters of a tensor name.
    private static func slice(_ parameters: [String: Inference_InferParameter]) throws(GyreError) -> TensorRegion.Slice?
    {
        if parameters.isEmpty { return nil }
        guard let region = parameters["shared_memory_region"]?.stringParam else { return nil }
        return try TensorRegion.Slice(
            region: region, offset: Int64(parameters["shared_memory_offset"].map(integer) ?? 0),
            byteCount: Int64(parameters["shared_memory_byte_size"].map(integer) ?? 0))
    }

    static func response(
        _ request: Inference_ModelInferRequest, _ answer: Predictor.Answer, _ calls: InferenceCalls
    ) throws(GyreError) -> Inference_ModelInferResponse {
        var wishes: [InferenceCalls.OutputWish] = []
        for output in request.outputs {
            wishes.append(
                InferenceCalls.OutputWish(
                    name: output.name, classes: output.parameters["classification"].map(integer) ?? 0,
                    slice: try slice(output.parameters)))
        }
        var response = Inference_ModelInferResponse()
        response.modelName = request.modelName
        response.modelVersion = String(answer.version)
        response.id = answer.id
        for (wish, output) in try calls.give(wishes, request.modelName, answer) {
            var message = Inference_ModelInferResponse.InferOutputTensor()
            message.name = output.name
            message.datatype = output.tensor.datatype.rawValue
            message.shape = output.tensor.shape.map(Int64.init)
            if let slice = wish?.slice {
                message.parameters["shared_memory_region"] = .with { $0.stringParam = slice.region }
                message.parameters["shared_memory_offset"] = .with { $0.int64Param = Int64(slice.offset) }
                message.parameters["shared_memory_byte_size"] = .with {
                    $0.int64Param = Int64(output.tensor.byteCount)
                }
                // Clients find raw contents by the place of their output among all.
                response.rawOutputContents.append(Data())
            } else {
                response.rawOutputContents.append(Data(output.tensor.bytes))
            }
            response.outputs.append(message)
        }
        return response
    }
}
