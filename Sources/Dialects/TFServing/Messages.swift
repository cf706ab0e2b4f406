// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreServing

/// What is told about models and what models answer to examples, in TensorFlow Serving's JSON.
enum TFServingMessages {
    /// The classes of each example, from the scores that the model gives.
    static func classes(_ outputs: [NamedTensor], labels: [String: [String]]) throws(GyreError) -> JSONValue {
        guard let scores = outputs.last(where: { $0.tensor.shape.count == 2 && $0.tensor.datatype != .bytes }) else {
            throw GyreError(
                .invalid, "The model gives no scores of classes.",
                why: "None of its outputs has one row of numbers for each example.")
        }
        let width = scores.tensor.shape[1]
        let names = labels[scores.name] ?? []
        let rows = (0..<scores.tensor.rows).map { row in
            JSONValue.array(
                (0..<width).map { index in
                    let label = names.indices.contains(index) ? names[index] : String(index)
                    return [.string(label), .optional(scores.tensor.number(at: row * width + index))]
                })
        }
        return ["result": .array(rows)]
    }

    /// One number for each example.
    static func values(_ outputs: [NamedTensor]) throws(GyreError) -> JSONValue {
        guard let value = outputs.first(where: { $0.tensor.count == $0.tensor.rows && $0.tensor.datatype != .bytes })
        else {
            throw GyreError(.invalid, "The model gives no one number for each example.")
        }
        return ["result": .array((0..<value.tensor.rows).map { .optional(value.tensor.number(at: $0)) })]
    }

    /// KServe's clients read `ready`, TensorFlow Serving's the states of the versions: both are told.
    static func status(_ name: String, _ listings: [ModelHost.Listing], isReady: Bool) -> JSONValue {
        let states: [JSONValue] = listings.map { listing in
            let isFailed =
                listing.state == .unavailable && !listing.reason.isEmpty && listing.reason != ModelHost.unloaded
            return [
                "version": .string(String(listing.number)), "state": .string(Self.state(listing)),
                "status": [
                    "error_code": .string(isFailed ? "UNKNOWN" : "OK"),
                    "error_message": .string(isFailed ? listing.reason : ""),
                ],
            ]
        }
        return ["name": .string(name), "ready": .bool(isReady), "model_version_status": .array(states)]
    }

    private static func state(_ listing: ModelHost.Listing) -> String {
        switch listing.state {
        case .ready: "AVAILABLE"
        case .loading: "LOADING"
        case .unavailable: listing.reason.isEmpty ? "AVAILABLE" : "END"
        }
    }

    static func metadata(_ hosted: HostedModel, as name: String) -> JSONValue {
        func ports(_ specs: [TensorSpec]) -> JSONValue {
            .object(
                JSONObject(
                    specs.map { spec in
                        (
                            spec.name,
                            [
                                "dtype": .string(Self.type(spec.datatype)),
                                "tensor_shape": [
                                    "dim": .array(spec.shape.map { ["size": .string(String($0)), "name": ""] }),
                                    "unknown_rank": false,
                                ], "name": .string(spec.name),
                            ]
                        )
                    }))
        }
        return [
            "model_spec": ["name": .string(name), "signature_name": "", "version": .string(String(hosted.number))],
            "metadata": [
                "signature_def": [
                    "signature_def": [
                        "serving_default": [
                            "inputs": ports(hosted.model.inputs), "outputs": ports(hosted.model.outputs),
                            "method_name": "tensorflow/serving/predict",
                        ]
                    ]
                ]
            ],
        ]
    }

    private static func type(_ datatype: Tensor.Datatype) -> String {
        switch datatype {
        case .fp32: "DT_FLOAT"
        case .fp64: "DT_DOUBLE"
        case .fp16: "DT_HALF"
        case .bf16: "DT_BFLOAT16"
        case .bytes: "DT_STRING"
        case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: "DT_\(datatype.rawValue)"
        }
    }
}
