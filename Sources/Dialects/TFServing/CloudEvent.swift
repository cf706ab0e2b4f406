// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreHTTP

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
