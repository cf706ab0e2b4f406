// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP
internal import GyreLoop
internal import GyreServing

/// Writes an infer answer: JSON alone, or JSON with the tensors' bytes behind it.
enum InferResponse {
    static func make(
        _ request: InferRequest, model: String, answer: Predictor.Answer, labels: [String: [String]]
    ) throws(GyreError) -> HTTPResponse {
        var writer = JSONWriter(notFinite: .word, reservingCapacity: 256)
        var binary: [UInt8] = []
        var isBinary = false
        writer.raw("{\"model_name\":")
        writer.string(model)
        writer.raw(",\"model_version\":\"")
        writer.integer(Int64(answer.version))
        writer.raw("\",\"id\":")
        writer.string(answer.id)
        writer.raw(",\"outputs\":[")
        for (index, (wish, output)) in try chosen(request, answer, labels).enumerated() {
            if index > 0 { writer.raw(",") }
            writer.raw("{\"name\":")
            writer.string(output.name)
            writer.raw(",\"datatype\":\"")
            writer.raw(output.tensor.datatype.rawValue.utf8)
            writer.raw("\",\"shape\":[")
            for (position, length) in output.tensor.shape.enumerated() {
                if position > 0 { writer.raw(",") }
                writer.integer(Int64(length))
            }
            if wish?.isBinary ?? request.wantsBinary {
                isBinary = true
                let size = output.tensor.byteCount
                binary.reserveCapacity(binary.count + size)
                output.tensor.append(to: &binary)
                writer.raw("],\"parameters\":{\"binary_data_size\":")
                writer.integer(Int64(size))
                writer.raw("}}")
            } else {
                writer.raw("],\"data\":")
                try output.write(nested: false, to: &writer)
                writer.raw("}")
            }
        }
        writer.raw("]}")
        guard isBinary else { return .json(writer.bytes) }
        return HTTPResponse(
            headers: [
                ("content-type", "application/octet-stream"),
                ("inference-header-content-length", String(writer.bytes.count)),
            ], body: .bytes(writer.bytes + binary))
    }

    /// The outputs that were asked for, in that order; all of them where none was.
    static func chosen(
        _ request: InferRequest, _ answer: Predictor.Answer, _ labels: [String: [String]]
    ) throws(GyreError) -> [(InferRequest.Output?, NamedTensor)] {
        if request.outputs.isEmpty { return answer.outputs.map { (nil, $0) } }
        var chosen: [(InferRequest.Output?, NamedTensor)] = []
        for wish in request.outputs {
            guard var output = answer.outputs.first(where: { $0.name == wish.name }) else {
                throw GyreError(
                    .invalid, "The model has no output \"\(wish.name.prefix(80))\".",
                    why: "It has \(answer.outputs.map(\.name).joined(separator: ", ")).")
            }
            if wish.classes > 0 { output = try output.classes(wish.classes, labels: labels[wish.name] ?? []) }
            chosen.append((wish, output))
        }
        return chosen
    }
}
