// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreServing

/// What a service answered, and as much of it as the prediction log can tell: a number, numbers, texts.
struct ServiceAnswer {
    /// The answer, whole again.
    let answer: HTTPModelAnswer
    /// What it says; nothing where it is long, a stream, or no JSON.
    let outputs: [NamedTensor]
    private let took: UInt64

    /// Bytes of an answer that are read.
    private static let longest: Int64 = 64 << 10

    /// Reads an answer that is short JSON; any other stays as it is.
    ///
    /// `nanoseconds`: how long the service took.
    /// - Throws: `.unavailable` where the service breaks off.
    init(_ given: HTTPModelAnswer, nanoseconds: UInt64 = 0) async throws(GyreError) {
        took = nanoseconds
        let type = given.headers.first { $0.name.lowercased() == "content-type" }?.value ?? ""
        guard type.hasPrefix("application/json"), let size = given.sizeBytes, size <= Self.longest else {
            answer = given
            outputs = []
            return
        }
        var bytes: [UInt8] = []
        do { while let piece = try await given.next() { bytes += piece } } catch {
            throw GyreError.wrapping(error, "Reading the answer of a service")
        }
        let whole = bytes
        let rest = HeldAnswer(whole)
        answer = HTTPModelAnswer(
            status: given.status, headers: given.headers, sizeBytes: Int64(whole.count), next: { await rest.take() })
        // What is no JSON after all is for the client alone.
        outputs = (try? JSONValue(parsing: whole)).map(Self.outputs) ?? []
    }

    /// As the judge and the log take it.
    /// - Throws: `.internal` where the service failed.
    func judged() throws(GyreError) -> HostedModel.Answer {
        if let failure { throw failure }
        return HostedModel.Answer(service: outputs, runNanoseconds: took)
    }

    /// The error that stands for a failing status; nil where it is no failure of the service.
    var failure: GyreError? {
        guard answer.status >= 500 else { return nil }
        let code: GyreError.Code = answer.status == 503 ? .unavailable : answer.status == 504 ? .timeout : .internal
        return GyreError(code, "The service answered with the status \(answer.status).")
    }

    private static func outputs(_ json: JSONValue) -> [NamedTensor] {
        switch json {
        case .int, .double: return numbers("answer", [json])
        case .string(let text): return [texts("answer", [text])]
        case .array(let list):
            if list.allSatisfy({ $0.double != nil }) { return numbers("answer", list) }
            let strings = list.compactMap(\.string)
            return !list.isEmpty && strings.count == list.count ? [texts("answer", strings)] : []
        case .object(let object):
            return object.members.prefix(100).flatMap { member -> [NamedTensor] in
                if member.value.double != nil { return numbers(member.name, [member.value]) }
                return member.value.string.map { [texts(member.name, [$0])] } ?? []
            }
        case .null, .bool: return []
        }
    }

    private static func numbers(_ name: String, _ values: [JSONValue]) -> [NamedTensor] {
        guard !values.isEmpty else { return [] }
        return [
            NamedTensor(
                name: name,
                tensor: Tensor(
                    datatype: .fp32, shape: [1, values.count], storage: .floats(values.map { Float($0.double ?? .nan) })
                )
            )
        ]
    }

    private static func texts(_ name: String, _ values: [String]) -> NamedTensor {
        NamedTensor(
            name: name,
            tensor: Tensor(datatype: .bytes, shape: [1, values.count], storage: .texts(values.map { Array($0.utf8) })))
    }
}

/// Bytes that are given once.
private actor HeldAnswer {
    private var bytes: [UInt8]?
    init(_ bytes: [UInt8]) { self.bytes = bytes.isEmpty ? nil : bytes }
    func take() -> [UInt8]? {
        defer { bytes = nil }
        return bytes
    }
}
