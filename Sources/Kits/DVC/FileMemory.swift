// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What was hashed before: a file with the same number, time and size is not read again.
///
/// A cache of this machine; without it everything is hashed anew and nothing is lost.
package protocol FileMemory: Sendable {
    /// What is known of a path; nil where nothing is.
    func known(_ path: String) throws(GyreError) -> KnownFiles?
    /// Keeps what a path is; with `isOutput` that it is under the repository's care, too.
    func keep(_ path: String, _ id: ObjectID, _ table: FileTable, isOutput: Bool) throws(GyreError)
    /// Says that a path is under the repository's care.
    func markOutput(_ path: String) throws(GyreError)
    /// The paths that were under the repository's care at some time, in order.
    func outputs() throws(GyreError) -> [String]
    /// Forgets a path.
    func forget(_ path: String) throws(GyreError)
}

/// What is known of one path.
package struct KnownFiles: Sendable {
    /// What reading the rest may fail with.
    package typealias Failure = GyreError

    /// The object it was.
    package let id: ObjectID
    /// What its files were told apart by.
    package let fingerprint: [UInt64]
    /// Its files, sorted, with their objects; read when they are wanted.
    package let table: @Sendable () throws(Failure) -> FileTable

    /// What is known.
    package init(id: ObjectID, fingerprint: [UInt64], table: @escaping @Sendable () throws(Failure) -> FileTable) {
        self.id = id
        self.fingerprint = fingerprint
        self.table = table
    }
}

extension FileMemory {
    /// Keeps what a path is, as of a time in nanoseconds since 1970.
    func keep(_ path: String, _ id: ObjectID, _ table: FileTable, now: Int64, isOutput: Bool = false) throws(GyreError)
    {
        // The time that a file may still change in without its time telling: that of the kernel's clock and more.
        let uncertainNanoseconds: Int64 = 20_000_000
        var table = table
        // Who changes a file in the same tick of the clock leaves it the time it had: such a file is read again.
        for index in table.entries.indices where now - table.entries[index].modified < uncertainNanoseconds {
            table.entries[index].modified = 0
        }
        try keep(path, id, table, isOutput: isOutput)
    }
}
