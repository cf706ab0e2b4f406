// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreServing

/// Triton's `generate`: a plain object whose members are the inputs, answered by one whose members are the outputs.
extension OIPDialect {
    func generate(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        .json(try await generated(request))
    }

    func generateStream(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        // The models served here give one answer to a request, so the stream has one event.
        let event = Array("data: ".utf8) + (try await generated(request)) + Array("\n\n".utf8)
        return HTTPResponse(headers: [("content-type", "text/event-stream; charset=utf-8")], body: .bytes(event))
    }

    private func generated(_ request: HTTPRequest) async throws(GyreError) -> [UInt8] {
        let name = request.parameter("model")
        let number = try number(request)
        let hosted = try await predictor.summon(name, number)
        guard case .object(let members) = try await request.json(refusesNull: false) else {
            throw GyreError(.invalid, "The body is no object whose members are the inputs.")
        }
        var inputs: [NamedTensor] = []
        for member in members.members {
            guard let spec = hosted.model.inputs.first(where: { $0.name == member.name }) else { continue }
            var parser = JSONParser(member.value.bytes)
            var elements = TensorElements(spec.name, spec.datatype)
            let shape = try elements.readShaped(&parser)
            inputs.append(
                NamedTensor(name: spec.name, tensor: try elements.tensor(Self.filled(shape, spec.shape.count))))
        }
        var asked = Predictor.Request(name: name, inputs: inputs)
        asked.version = number
        asked.id = try InferenceCalls.id(members["id"]?.string)
        let answer = try await predictor.predict(asked)
        var writer = JSONWriter(notFinite: .word)
        writer.raw("{\"model_name\":")
        writer.string(name)
        writer.raw(",\"model_version\":")
        writer.string(String(answer.version))
        for output in answer.outputs {
            writer.raw(",")
            writer.string(output.name)
            writer.raw(":")
            if output.tensor.count == 1 {
                try NamedTensor(
                    name: output.name,
                    tensor: Tensor(datatype: output.tensor.datatype, shape: [], storage: output.tensor.storage)
                ).write(nested: true, to: &writer)
            } else {
                try output.write(nested: false, to: &writer)
            }
        }
        writer.raw("}")
        return writer.bytes
    }

    /// Lengths of 1 in front, until there are as many dimensions as the model has.
    private static func filled(_ shape: [Int], _ rank: Int) -> [Int] {
        Array(repeating: 1, count: max(0, rank - shape.count)) + shape
    }
}
