// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP
internal import GyreServing

/// A request to predict: by rows (`instances`) or by columns (`inputs`); its answer has the same form.
struct PredictRequest {
    let inputs: [NamedTensor]
    private let isByRow: Bool

    init(_ body: [UInt8], event: CloudEvent, form: InputForm) throws(GyreError) {
        var parser = JSONParser(body)
        if event.isStructured { try event.enterData(&parser) }
        guard parser.peek() == UInt8(ascii: "{") else {
            throw GyreError(.invalid, "The body is no object with \"instances\" or \"inputs\".")
        }
        var found: [NamedTensor]?
        var isByRow = true
        try parser.expect("{")
        if !parser.consume("}") {
            repeat {
                let name = try parser.string()
                try parser.expect(":")
                switch name {
                case "instances", "inputs":
                    guard found == nil else {
                        throw GyreError(.invalid, "The request has both \"instances\" and \"inputs\".")
                    }
                    isByRow = name == "instances"
                    let reader = RowInputs(form)
                    found = isByRow ? try reader.rows(&parser) : try reader.columns(&parser)
                default: _ = try parser.value()
                }
            } while parser.consume(",")
            try parser.expect("}")
        }
        if !event.isStructured { try parser.end() }
        guard let found else {
            throw GyreError(.invalid, "The request has neither \"instances\" nor \"inputs\".")
        }
        inputs = found
        self.isByRow = isByRow
    }

    func answer(_ outputs: [NamedTensor]) throws(GyreError) -> [UInt8] {
        var writer = JSONWriter(notFinite: .word)
        if isByRow { try rows(outputs, &writer) } else { try columns(outputs, &writer) }
        return writer.bytes
    }

    /// One prediction for each row: the bare value of the one output, else an object by the outputs' names.
    private func rows(_ outputs: [NamedTensor], _ writer: inout JSONWriter) throws(GyreError) {
        let count = inputs.first?.tensor.rows ?? 1
        if let other = outputs.first(where: { $0.tensor.rows != count || $0.tensor.shape.isEmpty }) {
            throw GyreError(
                .invalid, "The output \"\(other.name)\" has no row for each instance.", fix: "Send \"inputs\" instead.")
        }
        writer.raw("{\"predictions\":[")
        for row in 0..<count {
            if row > 0 { writer.raw(",") }
            try writer.row(row, of: outputs)
        }
        writer.raw("]}")
    }

    private func columns(_ outputs: [NamedTensor], _ writer: inout JSONWriter) throws(GyreError) {
        writer.raw("{\"outputs\":")
        if outputs.count == 1 {
            try outputs[0].write(nested: true, to: &writer)
        } else {
            writer.raw("{")
            for (index, output) in outputs.enumerated() {
                if index > 0 { writer.raw(",") }
                writer.string(output.name)
                writer.raw(":")
                try output.write(nested: true, to: &writer)
            }
            writer.raw("}")
        }
        writer.raw("}")
    }
}

/// A request that came as a CloudEvent, and the event that answers it.
struct CloudEvent {
    /// The event's id, which becomes the prediction's; nil for a request that is no event.
    let id: String?
    /// Whether the whole body is the event and the request its `data`.
    let isStructured: Bool
    private let isEvent: Bool
    private let model: String

    init(_ request: HTTPRequest, model: String) {
        self.model = model
        isStructured = request.headers("content-type")?.hasPrefix("application/cloudevents+json") ?? false
        id = request.headers("ce-id")
        isEvent = isStructured || request.headers("ce-specversion") != nil
    }

    /// Moves the parser to the value of `data`.
    func enterData(_ parser: inout JSONParser) throws(GyreError) {
        try parser.expect("{")
        repeat {
            let name = try parser.string()
            try parser.expect(":")
            if name == "data" { return }
            _ = try parser.value()
        } while parser.consume(",")
        throw GyreError(.invalid, "The event has no \"data\".")
    }

    func answer(_ body: [UInt8]) -> HTTPResponse {
        guard isEvent else { return .json(body) }
        let type = "io.kserve.inference.response"
        let source = "io.kserve.inference.\(model)"
        if isStructured {
            var writer = JSONWriter()
            writer.raw("{\"specversion\":\"1.0\",\"id\":")
            writer.string(id ?? model)
            writer.raw(",\"source\":")
            writer.string(source)
            writer.raw(",\"type\":")
            writer.string(type)
            writer.raw(",\"datacontenttype\":\"application/json\",\"data\":")
            writer.raw(body)
            writer.raw("}")
            return HTTPResponse(
                headers: [("content-type", "application/cloudevents+json")], body: .bytes(writer.bytes))
        }
        return HTTPResponse(
            headers: [
                ("content-type", "application/json"), ("ce-specversion", "1.0"), ("ce-id", id ?? model),
                ("ce-source", source), ("ce-type", type),
            ], body: .bytes(body))
    }
}
