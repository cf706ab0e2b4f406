// SPDX-License-Identifier: Apache-2.0

internal import GyreAccess
internal import GyreBase
internal import GyreHTTP

/// One call of MLflow's API: its address below `/mlflow` of a version, and what answers it.
struct CallRoute: Sendable {
    /// Answers with a JSON document.
    typealias Call = @Sendable (Arguments) async throws(GyreError) -> JSONValue
    /// Makes the whole answer, for documents that are written straight into bytes.
    typealias DirectCall = @Sendable (Arguments) async throws(GyreError) -> HTTPResponse

    private let method: String
    private let path: String
    private let need: Need
    private let call: DirectCall

    private init(_ method: String, _ path: String, _ need: Need, _ call: @escaping Call) {
        self.init(method, path, need) { arguments throws(GyreError) in .json(try await call(arguments)) }
    }

    private init(_ method: String, _ path: String, _ need: Need, direct call: @escaping DirectCall) {
        self.method = method
        self.path = path
        self.need = need
        self.call = call
    }

    static func get(_ path: String, _ need: Need, _ call: @escaping Call) -> CallRoute {
        CallRoute("GET", path, need, call)
    }
    static func post(_ path: String, _ need: Need, _ call: @escaping Call) -> CallRoute {
        CallRoute("POST", path, need, call)
    }
    static func patch(_ path: String, _ need: Need, _ call: @escaping Call) -> CallRoute {
        CallRoute("PATCH", path, need, call)
    }
    static func delete(_ path: String, _ need: Need, _ call: @escaping Call) -> CallRoute {
        CallRoute("DELETE", path, need, call)
    }

    static func get(_ path: String, _ need: Need, direct call: @escaping DirectCall) -> CallRoute {
        CallRoute("GET", path, need, direct: call)
    }
    static func post(_ path: String, _ need: Need, direct call: @escaping DirectCall) -> CallRoute {
        CallRoute("POST", path, need, direct: call)
    }

    /// The route below each of `prefixes`.
    func routes(below prefixes: [String]) -> [Route] {
        prefixes.map { prefix in
            Route(method, prefix + path, need) { [call] request throws(GyreError) in
                try await call(try await Arguments(request))
            }
        }
    }
}
