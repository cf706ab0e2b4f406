// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// The second name of a blob: the MD5 that clients of a data remote know it by.
package struct ObjectName: Sendable, Hashable, Comparable {
    /// The 16 bytes.
    package let bytes: [UInt8]
    /// Whether the blob is a listing of the files of a folder.
    package let isFolder: Bool

    /// The name with these 16 bytes.
    package init(bytes: [UInt8], isFolder: Bool) {
        self.bytes = bytes
        self.isFolder = isFolder
    }

    /// The name as it is kept: the 16 bytes, and one that says whether it is a folder's.
    package var key: [UInt8] { bytes + [isFolder ? 1 : 0] }

    /// A name as it was kept; nil for anything else.
    package init?(key: some BidirectionalCollection<UInt8>) {
        guard key.count == 17 else { return nil }
        self.init(bytes: Array(key.prefix(16)), isFolder: key.last == 1)
    }

    /// 32 hexadecimal digits, with `.dir` after them for a folder.
    package var text: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + (isFolder ? ".dir" : "")
    }

    /// By the bytes.
    package static func < (left: ObjectName, right: ObjectName) -> Bool {
        left.key.lexicographicallyPrecedes(right.key)
    }
}

/// A blob under its second name.
package struct NamedObject: Sendable, Hashable {
    /// What clients know it by.
    package let name: ObjectName
    /// What the ledger knows it by, with its size.
    package let blob: StoredBlob

    /// A blob under a name.
    package init(name: ObjectName, blob: StoredBlob) {
        self.name = name
        self.blob = blob
    }
}

/// Keeps the names by which clients of data remotes know blobs.
package protocol ObjectNameStore: Sendable {
    /// Keeps names, durably; one that is there already stays.
    func add(_ objects: [NamedObject], to remote: String, by actor: String) async throws(GyreError)
    /// The blob of a name; nil where the remote does not have it.
    func find(_ name: ObjectName, in remote: String) async throws(GyreError) -> StoredBlob?
    /// The blobs of names; those that the remote does not have are left out.
    func find(_ names: [ObjectName], in remote: String) async throws(GyreError) -> [ObjectName: StoredBlob]
    /// The names that come after one, in order; from the first for nil.
    func names(in remote: String, after: ObjectName?, limit: Int) async throws(GyreError) -> [NamedObject]
    /// Records what came since the last time: a fact for each remote and who sent it. Says whether there was something.
    func record() async throws(GyreError) -> Bool
    /// Removes names, with a fact.
    func remove(_ names: [ObjectName], from remote: String, by actor: String) async throws(GyreError)
    /// Every blob that has a name.
    func digests() async throws(GyreError) -> Set<Digest>
}
