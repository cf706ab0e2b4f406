// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreServing
internal import Synchronization

/// A request to predict: by rows (`instances`) or by columns (`inputs`); its answer has the same form.
final class PredictRequest: RequestDocument {
    let kind = DocumentKind.instances
    let contentType = "application/json"
    private let body: [UInt8]
    private let event: CloudEvent
    private let read = Mutex(Read())

    /// What was seen as it was read.
    private struct Read {
        var isByRow = true
        var rows = 1
    }

    init(_ body: [UInt8], event: CloudEvent) {
        self.body = body
        self.event = event
    }

    /// The message without the event around it.
    var bytes: [UInt8] {
        guard event.isStructured else { return body }
        var parser = JSONParser(body)
        // Whoever reads it tells what is wrong with it.
        guard (try? event.enterData(&parser)) != nil, let data = try? parser.value() else { return body }
        return data.bytes
    }

    func tensors(for form: InputForm) throws(GyreError) -> [NamedTensor] {
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
        let seen = Read(isByRow: isByRow, rows: found.first?.tensor.rows ?? 1)
        read.withLock { $0 = seen }
        return found
    }

    func answer(_ answer: Predictor.Answer) throws(GyreError) -> [UInt8] {
        if let document = answer.document { return document }
        let read = read.withLock { $0 }
        var writer = JSONWriter(notFinite: .word)
        if read.isByRow { try rows(read.rows, answer.outputs, &writer) } else { try columns(answer.outputs, &writer) }
        return writer.bytes
    }

    /// One prediction for each row: the bare value of the one output, else an object by the outputs' names.
    private func rows(_ count: Int, _ outputs: [NamedTensor], _ writer: inout JSONWriter) throws(GyreError) {
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
            try writer.columns(of: outputs)
        }
        writer.raw("}")
    }
}
