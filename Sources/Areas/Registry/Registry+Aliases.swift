// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreLedger

extension Registry {
    /// Points an alias at a version.
    package func setAlias(_ alias: String, of name: String, to number: Int, by actor: String) async throws(GyreError) {
        try RegistryRules.checkAlias(alias)
        try await store.transact { ledger throws(GyreError) in
            guard try ledger.document("model-version", ModelVersion.key(name, number)) != nil else {
                throw Self.missing(name, number)
            }
            return Proposal(
                (), [.move(Self.pointer(name, alias), to: .int(Int64(number)))],
                recording: [
                    Fact(
                        "registry.alias.set", Ref("model", name), by: actor, inputs: [ModelVersion.ref(name, number)],
                        body: ["alias": .string(alias)])
                ])
        }
    }

    /// Removes an alias; nothing happens if there is none.
    package func deleteAlias(_ alias: String, of name: String, by actor: String) async throws(GyreError) {
        try await store.transact { ledger throws(GyreError) in
            guard try ledger.pointer(Self.pointer(name, alias)) != nil else { return Proposal(()) }
            return Proposal(
                (), [.move(Self.pointer(name, alias), to: nil)],
                recording: [
                    Fact("registry.alias.deleted", Ref("model", name), by: actor, body: ["alias": .string(alias)])
                ])
        }
    }

    /// The aliases of a model with the numbers they point at.
    package func aliases(of name: String) async throws(GyreError) -> [(alias: String, number: Int)] {
        let prefix = Self.pointer(name, "")
        return try await store.pointers(prefix: prefix).map {
            (String($0.name.dropFirst(prefix.count)), Int($0.value.int ?? 0))
        }
    }

    /// The version that an alias names; `latest` is the newest one.
    /// - Throws: `.notFound` without that alias.
    package func version(_ name: String, alias: String) async throws(GyreError) -> ModelVersion {
        if alias == "latest" {
            if let last = try await versions(of: name).last { return last }
            throw GyreError(.notFound, "The model \"\(name.prefix(200))\" has no version.")
        }
        guard let number = try await store.pointer(Self.pointer(name, alias))?.int else {
            throw GyreError(.notFound, "Registered model alias \(alias.prefix(80)) not found.")
        }
        return try await version(name, Int(number))
    }

    /// The version that a number, an alias or `latest` names.
    /// - Throws: `.notFound`.
    package func resolve(_ name: String, _ selector: String) async throws(GyreError) -> ModelVersion {
        if let number = Int(selector) { return try await version(name, number) }
        return try await version(name, alias: selector)
    }

    static func pointer(_ name: String, _ alias: String) -> Pointer.Name { "model/\(name)#alias/\(alias)" }

    static func aliases(
        of name: String, in ledger: any LedgerTransaction
    ) throws(GyreError) -> [(alias: String, number: Int)] {
        let prefix = pointer(name, "")
        return try ledger.pointers(prefix: prefix).map {
            (String($0.name.dropFirst(prefix.count)), Int($0.value.int ?? 0))
        }
    }
}
