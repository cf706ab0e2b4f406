// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger
package import GyreRegistry
internal import Synchronization

/// Converts models as they are registered, so that the first deployment does not wait for it.
package actor Conversions {
    private let registry: Registry
    private let files: ModelFiles
    private let cursor: LedgerCursor
    private let mayRunCode: @Sendable (String) -> Bool
    private var isBusy = false

    /// Goes on where it stopped the last time; what was registered before the first time is converted when it is deployed.
    ///
    /// `mayRunCode`: whether what somebody registered may be run, as it is while it is converted.
    package init(
        store: any LedgerStore, registry: Registry, files: ModelFiles,
        mayRunCode: @escaping @Sendable (String) -> Bool = { _ in true }
    ) {
        self.mayRunCode = mayRunCode
        self.registry = registry
        self.files = files
        cursor = LedgerCursor("conversions", in: store, kindPrefix: "registry.version.created")
    }

    /// Converts what was registered since the last time; does nothing while an earlier call is at work.
    /// - Returns: what could not be tried, and why.
    package func tick() async throws(GyreError) -> [GyreError] {
        guard files.converter != nil, !isBusy else { return [] }
        isBusy = true
        defer { isBusy = false }
        let problems = Problems()
        let (files, registry, mayRunCode) = (files, registry, mayRunCode)
        try await cursor.advance { recorded throws(GyreError) in
            let subject = recorded.fact.subject
            guard mayRunCode(recorded.fact.actor) else { return true }
            do throws(GyreError) {
                _ = try await files.servable(try await registry.resolve(subject.name, subject.version ?? "latest"))
            } catch {
                // A prompt, or a model whose files are elsewhere, is nothing to convert.
                if ![.invalid, .unsupported, .notFound, .denied].contains(error.code) { problems.add(error) }
            }
            return true
        }
        return problems.all
    }
}

/// What went wrong on the way, told at the end of it.
private final class Problems: Sendable {
    private let content = Mutex<[GyreError]>([])
    var all: [GyreError] { content.withLock { $0 } }
    func add(_ problem: GyreError) { content.withLock { $0.append(problem) } }
}
