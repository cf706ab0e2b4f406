// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAccess
internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreServing

/// Triton's calls about what is loaded.
extension OIPDialect {
    var repositoryRoutes: [Route] {
        [
            Route("POST", "/v2/repository/index", .read, index),
            Route("POST", "/v2/repository/models/{model}/load", .operate, load),
            Route("POST", "/v2/repository/models/{model}/unload", .operate, unload),
        ]
    }

    private func index(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        let onlyReady = try await request.json()["ready"]?.bool ?? false
        let listings = await calls.repository.index().filter { !onlyReady || $0.state == .ready }
        return .json(
            .array(
                listings.map { listing in
                    guard listing.isKnown else { return ["name": .string(listing.name)] }
                    return [
                        "name": .string(listing.name),
                        "version": .string(listing.number == 0 ? "" : String(listing.number)),
                        "state": .string(listing.state.rawValue), "reason": .string(listing.reason),
                    ]
                }))
    }

    private func load(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        var files: [String: [UInt8]] = [:]
        let parameters = try await request.json(limit: Limits.tensorBytes)["parameters"]
        if case .object(let members)? = parameters {
            for member in members.members where member.name.hasPrefix("file:") {
                guard let text = member.value.string, let data = Data(base64Encoded: text) else {
                    throw GyreError(.invalid, "The parameter \"\(member.name.prefix(80))\" is no base64.")
                }
                files[String(member.name.dropFirst(5))] = [UInt8](data)
            }
        }
        try await calls.load(
            request.parameter("model"), configuration: parameters?["config"]?.string, files: files)
        return HTTPResponse()
    }

    private func unload(_ request: HTTPRequest) async throws(GyreError) -> HTTPResponse {
        try await calls.unload(request.parameter("model"))
        return HTTPResponse()
    }
}
