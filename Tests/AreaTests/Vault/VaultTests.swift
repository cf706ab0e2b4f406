// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreTestSupport
import GyreVault
import Testing

/// Secrets, sealed.
@Suite struct VaultTests {
    private let store = MemoryLedgerStore(now: { 0 })

    private func vault(_ byte: UInt8 = 7) -> Vault {
        Vault(store: store, surroundings: ManualClock().surroundings) { () throws(GyreError) in
            try SealingKey([UInt8](repeating: byte, count: 32))
        }
    }

    @Test("what is set is opened with the same key, under the same name, and stands nowhere")
    func sealed() async throws {
        try await vault().set("db", to: "correct horse", by: "test")
        try await vault().set("api", to: "correct horse", by: "test")
        #expect(try await vault().open("db") == "correct horse")
        #expect(try await vault().list().map(\.name) == ["api", "db"])
        let documents = try await store.documents("secret", prefix: "")
        #expect(!documents.contains { $0.body.text.contains("correct") })
        #expect(Set(documents.map { $0.body["sealed"] }).count == 2)
        #expect(try await !store.facts(FactQuery()).contains { $0.json.text.contains("correct") })
        await #expect(throws: GyreError.self) { try await vault(8).open("db") }
        // What was sealed for one name is not opened for another.
        let moved = try #require(documents.first { $0.key == "db" })
        try await store.commit(
            [.put(Document("secret", "api", moved.body))],
            recording: [Fact("test.moved", Ref("secret", "api"), by: "test")])
        await #expect(throws: GyreError.self) { try await vault().open("api") }
        try await vault().remove("db", by: "test")
        await #expect(throws: GyreError.self) { try await vault().open("db") }
        await #expect(throws: GyreError.self) { try await vault().remove("db", by: "test") }
        await #expect(throws: GyreError.self) { try await vault().set("empty", to: "", by: "test") }
        #expect(throws: GyreError.self) { try SealingKey([1, 2, 3]) }
    }
}
