// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreServing

/// Triton's calls about what is traced and what is logged.
extension OIPDialect {
    var settingsRoutes: [Route] {
        [
            Route("GET", "/v2/trace/setting", .read, traceSettings),
            Route("POST", "/v2/trace/setting", .operate, setTraces),
            Route("GET", "/v2/models/{model}/trace/setting", .read, traceSettings),
            Route("POST", "/v2/models/{model}/trace/setting", .operate, setTraces),
            Route("GET", "/v2/logging", .read) { _ in .json(calls.log.settings.json) },
            Route("POST", "/v2/logging", .operate) { request throws(GyreError) in
                guard let changes = try await request.json().object else {
                    throw GyreError(.invalid, "The body is no object of settings.")
                }
                return .json(try calls.log.set(changes).json)
            },
        ]
    }

    private func traceSettings(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let model = try calls.traced(request.parameters["model"])
        return .json(Self.json(calls.traces.settings(of: model)))
    }

    private func setTraces(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let model = try calls.traced(request.parameters["model"])
        var settings: [String: [String]?] = [:]
        for member in try await request.json().object?.members ?? [] {
            switch member.value {
            case .null: settings.updateValue(nil, forKey: member.name)
            case .array(let list): settings[member.name] = list.map { $0.string ?? $0.text }
            case let value: settings[member.name] = [value.string ?? value.text]
            }
        }
        return .json(Self.json(try calls.traces.set(settings, of: model)))
    }

    private static func json(_ settings: TraceSettings) -> JSONValue {
        var json = JSONObject()
        for (name, values) in settings.values {
            json[name] = name == "trace_level" ? .strings(values) : .string(values[0])
        }
        return .object(json)
    }
}

extension InferenceCalls {
    /// The model whose traces are meant; nil for all.
    /// - Throws: `.notFound` for one that is not known.
    func traced(_ model: String?) throws(GyreError) -> String? {
        guard let model, !model.isEmpty else { return nil }
        _ = try host.loaded(model)
        return model
    }
}
