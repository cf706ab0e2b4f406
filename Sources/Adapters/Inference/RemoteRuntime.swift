// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Foundation
package import GyreBase
package import GyreServing
internal import NIOCore
internal import NIOHTTP1

/// Models of other servers that speak the Open Inference Protocol over HTTP: what they are asked goes on as it came.
package struct RemoteRuntime: ModelRuntime {
    /// A runtime.
    package init() {}

    package var format: ModelFormat { .remote }

    package func load(_ source: ModelSource) throws(GyreError) -> any RunnableModel {
        guard let text = source.settings.remote, let url = URL(string: text), ["http", "https"].contains(url.scheme),
            url.host != nil, url.path.contains("/models/")
        else {
            throw GyreError(
                .invalid, "The model of another server has no address.",
                fix: "parameters { key: \"url\" value: { string_value: \"http://host:8000/v2/models/NAME\" } }")
        }
        let connection = RemoteConnection(
            url: text.hasSuffix("/") ? String(text.dropLast()) : text, timeout: source.settings.runTimeout)
        return try Blocking.wait { () async throws(GyreError) in try await RemoteModel(connection) }
    }
}

/// How a model of another server is reached.
private struct RemoteConnection: Sendable {
    let url: String
    /// Microseconds.
    let timeout: Int64

    func exchange(
        _ method: HTTPMethod, _ path: String, headers: [(String, String)] = [], body: [UInt8] = []
    ) async throws(GyreError) -> (headers: HTTPHeaders, body: [UInt8]) {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if !body.isEmpty { request.body = .bytes(body) }
        let status: Int
        let answered: HTTPHeaders
        let content: [UInt8]
        do {
            let answer = try await HTTPClient.patient.execute(request, timeout: .microseconds(timeout))
            status = Int(answer.status.code)
            answered = answer.headers
            content = Array(buffer: try await answer.body.collect(upTo: Limits.tensorBytes))
        } catch {
            let isLate = (error as? HTTPClientError) == .deadlineExceeded || (error as? HTTPClientError) == .readTimeout
            throw GyreError(
                isLate ? .timeout : .unavailable, "The server of the model at \(url) did not answer.", why: "\(error)")
        }
        guard (200..<300).contains(status) else {
            // An error may be no JSON.
            let told = (try? JSONValue(parsing: content))?["error"]?.string
            throw GyreError(
                status == 400 || status == 422 ? .invalid : .unavailable,
                "The server of the model at \(url) answered \(status).", why: told.map { String($0.prefix(1000)) })
        }
        return (answered, content)
    }
}

/// A model of another server.
private final class RemoteModel: ComposedModel {
    let inputs: [TensorSpec]
    let outputs: [TensorSpec]
    let platform: String
    private let connection: RemoteConnection
    /// Whether tensors may go as bytes.
    private let takesBytes: Bool

    init(_ connection: RemoteConnection) async throws(GyreError) {
        self.connection = connection
        let told = try JSONValue(parsing: try await connection.exchange(.GET, "").body)
        inputs = try Self.specs(told["inputs"])
        outputs = try Self.specs(told["outputs"])
        platform = told["platform"]?.string ?? "remote"
        let root = connection.url.range(of: "/models/").map { String(connection.url[..<$0.lowerBound]) } ?? ""
        let server = RemoteConnection(url: root, timeout: connection.timeout)
        // A server that does not tell its extensions has none.
        let extensions = try? JSONValue(parsing: try await server.exchange(.GET, "").body)["extensions"]?.strings
        takesBytes = extensions?.contains("binary_tensor_data") ?? false
    }

    private static func specs(_ value: JSONValue?) throws(GyreError) -> [TensorSpec] {
        try (value?.array ?? []).map { entry throws(GyreError) in
            guard let name = entry["name"]?.string,
                let datatype = Tensor.Datatype(rawValue: entry["datatype"]?.string ?? "")
            else {
                throw GyreError(
                    .invalid, "The other server tells an input or output without name and datatype.", why: entry.text)
            }
            return TensorSpec(
                name: name, datatype: datatype, shape: (entry["shape"]?.array ?? []).map { Int($0.int ?? -1) })
        }
    }

    func answer(_ tensors: [Tensor]) async throws(GyreError) -> [Tensor] {
        var writer = JSONWriter(notFinite: .word, reservingCapacity: 256)
        var binary: [UInt8] = []
        writer.raw("{\"inputs\":[")
        for (index, (spec, tensor)) in zip(inputs, tensors).enumerated() {
            if index > 0 { writer.raw(",") }
            writer.raw("{\"name\":")
            writer.string(spec.name)
            writer.raw(",\"datatype\":")
            writer.string(tensor.datatype.rawValue)
            writer.raw(",\"shape\":")
            writer.value(.array(tensor.shape.map { .int(Int64($0)) }))
            if takesBytes {
                writer.raw(",\"parameters\":{\"binary_data_size\":")
                writer.integer(Int64(tensor.byteCount))
                writer.raw("}}")
                tensor.append(to: &binary)
            } else {
                writer.raw(",\"data\":")
                try NamedTensor(name: spec.name, tensor: tensor).write(nested: false, to: &writer)
                writer.raw("}")
            }
        }
        writer.raw(takesBytes ? "],\"parameters\":{\"binary_data_output\":true}}" : "]}")
        let headers =
            takesBytes
            ? [
                ("content-type", "application/octet-stream"),
                ("inference-header-content-length", String(writer.bytes.count)),
            ] : [("content-type", "application/json")]
        let (answered, body) = try await connection.exchange(
            .POST, "/infer", headers: headers, body: writer.bytes + binary)
        let length = answered.first(name: "inference-header-content-length").flatMap { Int($0) }
        let given = try Self.read(body, headerLength: min(body.count, max(0, length ?? body.count)))
        return try outputs.map { spec throws(GyreError) in
            guard let tensor = given[spec.name] else {
                throw GyreError(.unavailable, "The other server gave no output \"\(spec.name)\".")
            }
            return tensor
        }
    }

    private static func read(_ body: [UInt8], headerLength: Int) throws(GyreError) -> [String: Tensor] {
        var outputs: [String: Tensor] = [:]
        var rest = body[headerLength...]
        for entry in try JSONValue(parsing: Array(body[..<headerLength]))["outputs"]?.array ?? [] {
            guard let name = entry["name"]?.string,
                let datatype = Tensor.Datatype(rawValue: entry["datatype"]?.string ?? "")
            else { throw GyreError(.unavailable, "The other server gave an output without name and datatype.") }
            let shape = (entry["shape"]?.array ?? []).map { Int(clamping: $0.int ?? 0) }
            if let size = entry["parameters"]?["binary_data_size"]?.int {
                guard size >= 0, size <= rest.count else {
                    throw GyreError(.unavailable, "The answer of the other server is cut short.")
                }
                outputs[name] = try Tensor(name, datatype, shape, bytes: rest.prefix(Int(size)))
                rest = rest.dropFirst(Int(size))
            } else {
                var parser = JSONParser((entry["data"] ?? []).bytes)
                var elements = TensorElements(name, datatype)
                try elements.readList(&parser)
                outputs[name] = try elements.tensor(shape)
            }
        }
        return outputs
    }
}
