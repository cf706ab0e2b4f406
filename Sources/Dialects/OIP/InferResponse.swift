// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreServing

/// Writes an infer answer: JSON alone, or JSON with the tensors' bytes behind it.
enum InferResponse {
    static func make(
        _ request: InferRequest, model: String, answer: Predictor.Answer, calls: InferenceCalls
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
        for (index, (wish, output)) in try calls.give(request.outputs, model, answer).enumerated() {
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
            if let slice = wish?.slice {
                writer.raw("],\"parameters\":{\"shared_memory_region\":")
                writer.string(slice.region)
                writer.raw(",\"shared_memory_offset\":")
                writer.integer(Int64(slice.offset))
                writer.raw(",\"shared_memory_byte_size\":")
                writer.integer(Int64(output.tensor.byteCount))
                writer.raw("}}")
            } else if wish?.isBinary ?? request.wantsBinary {
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
}
