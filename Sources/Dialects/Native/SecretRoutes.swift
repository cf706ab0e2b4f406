// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
internal import GyreBase
internal import GyreHTTP
internal import GyreVault

/// Secrets: set and listed, and never told.
extension NativeDialect {
    var secretCalls: [NativeCall] {
        [
            NativeCall("GET", "/secrets", .operate, "The names of secrets; never what they are.", listSecrets),
            NativeCall(
                "POST", "/secrets/{name}", .administer, "Sets a secret: {value}.", takes: API.SecretRequest.self,
                setSecret),
            NativeCall("DELETE", "/secrets/{name}", .administer, "Removes a secret.", removeSecret),
        ]
    }

    private func listSecrets(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        [
            "secrets": .array(
                try await services.vault.list().map {
                    ["name": .string($0.name), "changed_at": .int($0.changedAt), "actor": .string($0.actor)]
                })
        ]
    }

    private func setSecret(_ request: NativeRequest<API.SecretRequest>) async throws(GyreError) -> JSONValue {
        let name = request.parameter("name")
        try await services.vault.set(name, to: request.body.value, by: request.actor)
        return ["name": .string(name), "changed_at": .null, "actor": .string(request.actor)]
    }

    private func removeSecret(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        try await services.vault.remove(request.parameter("name"), by: request.actor)
        return ["removed": .string(request.parameter("name"))]
    }
}
