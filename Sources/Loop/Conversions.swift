// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger
package import GyreRegistry

/// Converts models as they are registered, so that the first deployment does not wait for it.
package actor Conversions {
    private let store: any LedgerStore
    private let registry: Registry
    private let files: ModelFiles
    private var position: Int64?
    private var isBusy = false

    /// Begins at the end of the ledger: what was registered before is converted when it is deployed.
    package init(store: any LedgerStore, registry: Registry, files: ModelFiles) {
        self.store = store
        self.registry = registry
        self.files = files
    }

    /// Converts what was registered since the last time; does nothing while an earlier call is at work.
    /// - Returns: what could not be tried, and why.
    package func tick() async throws(GyreError) -> [GyreError] {
        guard files.converter != nil, !isBusy else { return [] }
        let head = try await store.head().seq
        guard let last = position, last < head else {
            position = head
            return []
        }
        isBusy = true
        defer { isBusy = false }
        var query = FactQuery()
        query.after = last
        query.upTo = head
        query.kindPrefix = "registry.version.created"
        var problems: [GyreError] = []
        let recorded = try await store.facts(query)
        for recorded in recorded {
            let subject = recorded.fact.subject
            do throws(GyreError) {
                _ = try await files.servable(try await registry.resolve(subject.name, subject.version ?? "latest"))
            } catch {
                // A prompt, or a model whose files are elsewhere, is nothing to convert.
                if ![.invalid, .unsupported, .notFound, .denied].contains(error.code) { problems.append(error) }
            }
        }
        position = recorded.count < query.limit ? head : recorded.last?.seq ?? head
        return problems
    }
}
