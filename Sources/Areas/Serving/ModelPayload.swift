// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What a client asks of a model, before it is known which model answers.
package enum ModelPayload: Sendable {
    /// Tensors by name, and what stands beside them for models that have parameters.
    case tensors([NamedTensor], parameters: JSONValue)
    /// A body of rows whose types only the model knows.
    case document(any RequestDocument)

    /// The tensors; none of a document.
    package var tensors: [NamedTensor] {
        if case .tensors(let tensors, _) = self { tensors } else { [] }
    }
}

/// A request's body that a model may read by itself, or that is read in the model's form.
package protocol RequestDocument: AnyObject, Sendable {
    /// What it is written in.
    var kind: DocumentKind { get }
    /// Its content type, as the client names it.
    var contentType: String { get }
    /// It, unpacked.
    var bytes: [UInt8] { get }
    /// Its rows as a model of this form takes them.
    /// - Throws: `.invalid` for what the model does not take.
    func tensors(for form: InputForm) throws(GyreError) -> [NamedTensor]
}

/// What a body of rows is written in.
package enum DocumentKind: String, Sendable, Hashable {
    /// As MLflow's scoring server takes it: `dataframe_split` and its like, or CSV.
    case scoring
    /// As TensorFlow Serving and KServe's V1 take it: `instances` or `inputs`.
    case instances
}

/// How a payload is handed to a model that reads what clients send by itself, and what it answers with.
///
/// Both go as tensors, so that they wait, are cached and are counted as any other: the first is a text that says what the others are.
package enum PayloadTensors {
    /// The name of the first.
    package static let name = "gyre_payload"

    /// What the model is handed.
    package static func pack(_ payload: ModelPayload) -> [Tensor] {
        switch payload {
        case .document(let document):
            let head = JSONObject([
                ("kind", .string(document.kind.rawValue)), ("content_type", .string(document.contentType)),
            ])
            return [text(JSONValue.object(head).bytes), text(document.bytes)]
        case .tensors(let tensors, let parameters):
            let head = JSONObject([
                ("kind", "tensors"), ("names", .strings(tensors.map(\.name))), ("parameters", parameters),
            ])
            return [text(JSONValue.object(head).bytes)] + tensors.map(\.tensor)
        }
    }

    private static func text(_ bytes: [UInt8]) -> Tensor {
        Tensor(datatype: .bytes, shape: [1], storage: .texts([bytes]))
    }
}

/// What a model that reads payloads answered.
struct PayloadAnswer {
    /// The answer in the form of the document that asked; nil for tensors.
    var document: [UInt8]?
    /// What it took, for the log.
    var inputs: [NamedTensor] = []
    /// What it gave.
    var outputs: [NamedTensor] = []

    /// Out of the tensors that the model gave.
    init(_ tensors: [Tensor]) throws(GyreError) {
        guard case .texts(let texts) = tensors.first?.storage, let head = texts.first else { throw Self.senseless }
        let said = try JSONValue(parsing: head)
        var rest = tensors.dropFirst()
        if said["document"]?.bool == true {
            guard case .texts(let texts) = rest.popFirst()?.storage, let bytes = texts.first else {
                throw Self.senseless
            }
            document = bytes
        }
        for name in said["inputs"]?.strings ?? [] {
            guard let tensor = rest.popFirst() else { throw Self.senseless }
            inputs.append(NamedTensor(name: name, tensor: tensor))
        }
        for name in said["outputs"]?.strings ?? [] {
            guard let tensor = rest.popFirst() else { throw Self.senseless }
            outputs.append(NamedTensor(name: name, tensor: tensor))
        }
    }

    private static var senseless: GyreError {
        GyreError(.internal, "A model gave an answer that makes no sense.")
    }
}
