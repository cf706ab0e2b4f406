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
