// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreBase
import GyreHTTP
import GyreLedger
import GyreTestSupport
import Testing

/// Recorded exchanges with clients: what they send, what they must get, and what the ledger must hold afterwards.
@Suite struct ExchangeTests {
    private static let folder = "\(Installed.root)/Tests/DialectTests/Exchanges"

    /// Every script below `Exchanges`, as `MLflow/runs`.
    private static let scripts = (FileManager.default.subpaths(atPath: folder) ?? []).filter {
        $0.hasSuffix(".exchange")
    }.map { String($0.dropLast(".exchange".count)) }.sorted()

    @Test("clients get what was recorded", arguments: scripts)
    func exchange(name: String) async throws {
        let server = try await ExchangeServer()
        var script = try ExchangeScript(
            path: "\(Self.folder)/\(name).exchange", bound: ["$home": .string(server.folder.path)])
        let problems = try await script.run { step in
            switch step {
            case .facts(let kind, let count):
                var query = FactQuery()
                query.kindPrefix = kind
                let found = try await server.ledger.facts(query).count
                #expect(found == count, "facts of the kind \(kind)")
                return nil
            case .exchange(let exchange):
                return await server.router.respond(
                    to: HTTPRequest(
                        exchange.method, exchange.target, headers: exchange.headers, body: exchange.body))
            }
        }
        #expect(problems == [])
    }
}
