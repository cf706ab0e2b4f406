// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import GyreBase
import GyreLedger
import GyreSQLite
import GyreTestSupport
import Testing

/// Somebody changes the database behind Gyre's back: verification names the place.
@Suite struct TamperingTests {
    private static func tampered(_ sql: String, head: Int64? = nil) async throws -> [Int64] {
        let folder = try TemporaryFolder()
        let path = folder.path + "/gyre.db"
        var recorded: Head?
        do {
            let store = SQLiteLedgerStore(try SQLiteDatabase(path: path, now: { 1000 }))
            for number in 0..<10 {
                _ = try await store.commit(
                    [], recording: [Fact("t.n", Ref("thing", "a"), by: "t", body: ["n": .int(Int64(number))])])
            }
            recorded = try await store.head()
        }
        let queue = try DatabaseQueue(path: path)
        try await queue.write { db in
            try db.execute(sql: "DROP TRIGGER ledger_no_update; DROP TRIGGER ledger_no_delete; \(sql)")
        }
        try queue.close()
        let store = SQLiteLedgerStore(try SQLiteDatabase(path: path, now: { 1000 }))
        return try await store.verify(recordedHead: recorded).findings.map(\.seq)
    }

    @Test("a changed byte is found where it is")
    func flipped() async throws {
        #expect(try await Self.tampered("UPDATE ledger SET body = replace(body, '4', '7') WHERE seq = 5") == [5])
    }

    @Test("a removed row is found where it was")
    func removed() async throws {
        #expect(try await Self.tampered("DELETE FROM ledger WHERE seq = 4").first == 4)
    }

    @Test("two rows that changed places are found")
    func swapped() async throws {
        let sql =
            "UPDATE ledger SET seq = -1 WHERE seq = 6; UPDATE ledger SET seq = 6 WHERE seq = 7; UPDATE ledger SET seq = 7 WHERE seq = -1"
        #expect(try await Set(Self.tampered(sql)).isSuperset(of: [6, 7]))
    }

    @Test("a tail that was cut off is found by the head that was written down")
    func truncated() async throws {
        #expect(try await Self.tampered("DELETE FROM ledger WHERE seq > 8") == [9])
    }

    @Test("a row whose hash was made to fit breaks the next link")
    func rehashed() async throws {
        #expect(try await Self.tampered("UPDATE ledger SET hash = zeroblob(32) WHERE seq = 5").contains(6))
    }

    @Test("a database of a newer version is refused, and named")
    func newer() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/gyre.db"
        _ = try SQLiteDatabase(path: path, now: { 1 })
        let queue = try DatabaseQueue(path: path)
        try await queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9999-future')") }
        try queue.close()
        let error = #expect(throws: GyreError.self) { try SQLiteDatabase(path: path, now: { 1 }) }
        #expect(error?.code == .unsupported)
        #expect(error?.why?.contains("9999-future") == true)
    }
}
