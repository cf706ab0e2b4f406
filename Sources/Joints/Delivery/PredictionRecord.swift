// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreMonitoring
internal import GyreRollout
internal import GyreServing

/// A request to an endpoint and what came of it, which becomes one line of the prediction log for each row.
struct PredictionRecord {
    let request: Predictor.Request
    let id: String
    let target: TrafficSplit.Target
    /// When the request came and when its answer was there, microseconds since 1970.
    let started: Int64
    let ended: Int64
    var circumstances: Prediction.Circumstances
    /// Whether the log keeps it.
    var isKept = true
    /// As the model took them, once it did.
    private var inputs: [NamedTensor]
    private var probabilities: Tensor?

    /// What stands behind a request's id in the record of its mirrored answer.
    static let mirroredSuffix = "~mirrored"
    /// Characters of a text that are kept.
    private static let longestText = 4096

    init(
        request: Predictor.Request, id: String, target: TrafficSplit.Target, started: Int64, ended: Int64,
        circumstances: Prediction.Circumstances
    ) {
        self.request = request
        self.id = id
        self.target = target
        self.started = started
        self.ended = ended
        self.circumstances = circumstances
        inputs = request.payload.tensors
    }

    /// Takes what the model says of its answer.
    mutating func take(_ answer: HostedModel.Answer) {
        inputs = answer.inputs
        probabilities = answer.probabilities
        circumstances.isCached = answer.isCached
        circumstances.queueMicroseconds = Int64(answer.queueNanoseconds / 1000)
        circumstances.runMicroseconds = Int64(answer.runNanoseconds / 1000)
        circumstances.batchRows = answer.batchRows
    }

    /// Rows of the request.
    var rows: Int { inputs.first?.tensor.rows ?? 1 }

    /// The line of one row and what the model answered for it.
    func line(_ row: Int, outputs: [NamedTensor]) -> Prediction {
        let score = PredictedScore(outputs, probabilities: probabilities, row: row)
        return Prediction(
            id: row == 0 ? id : "\(id)#\(row)", endpoint: request.name, version: target.version,
            release: target.release, at: ended, eventAt: request.eventAt ?? ended,
            latencyMicroseconds: ended - started, inputs: Self.columns(inputs, row: row),
            texts: Self.texts(inputs, row: row), score: score?.value, scoreKind: score?.kind,
            outputs: Self.values(outputs, row: row), error: nil, circumstances: circumstances, row: row)
    }

    /// The line of a request that failed.
    func line(failing error: GyreError) -> Prediction {
        Prediction(
            id: id, endpoint: request.name, version: target.version, release: target.release, at: ended,
            eventAt: request.eventAt ?? ended, latencyMicroseconds: ended - started,
            inputs: Self.columns(request.payload.tensors, row: 0), texts: Self.texts(request.payload.tensors, row: 0),
            score: nil,
            outputs: .null, error: error.description, circumstances: circumstances)
    }

    /// The numbers of one row over all numeric inputs, in the model's order.
    private static func columns(_ inputs: [NamedTensor], row: Int) -> [Float] {
        var columns: [Float] = []
        for input in inputs {
            let tensor = input.tensor
            let width = width(of: tensor)
            if case .floats(let values) = tensor.storage {
                columns.append(contentsOf: values[(row * width)..<((row + 1) * width)])
            } else {
                for index in 0..<width { columns.append(Float(tensor.number(at: row * width + index) ?? .nan)) }
            }
        }
        return columns
    }

    /// The texts of one row, each at the place of its column; empty where no input holds texts.
    private static func texts(_ inputs: [NamedTensor], row: Int) -> [String?] {
        guard inputs.contains(where: { $0.tensor.datatype == .bytes }) else { return [] }
        var texts: [String?] = []
        for input in inputs {
            let width = width(of: input.tensor)
            for index in row * width..<(row + 1) * width {
                texts.append(input.tensor.text(at: index).map { String($0.prefix(longestText)) })
            }
        }
        return texts
    }

    private static func values(_ outputs: [NamedTensor], row: Int) -> JSONValue {
        var json = JSONObject()
        for output in outputs {
            let tensor = output.tensor
            let width = width(of: tensor)
            json[output.name] = .array(
                (row * width..<(row + 1) * width).map { index in
                    tensor.text(at: index).map { .string(String($0.prefix(longestText))) }
                        ?? .optional(tensor.number(at: index))
                })
        }
        return .object(json)
    }

    /// Elements of one row.
    private static func width(of tensor: Tensor) -> Int { tensor.rows > 0 ? tensor.count / tensor.rows : 0 }
}
