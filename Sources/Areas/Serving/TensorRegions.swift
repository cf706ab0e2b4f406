// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Memory that clients on the same machine share with the server, so that tensors need not go through a connection.
package protocol TensorRegions: Sendable {
    /// Makes a region known under its name.
    /// - Throws: `.alreadyExists` for a name in use; `.invalid` where there is no such memory or it is smaller.
    func register(_ region: TensorRegion) throws(GyreError)
    /// Forgets a region, or all for nil; one that is not known is none to forget.
    func unregister(_ name: String?)
    /// The known ones, by name.
    func regions() -> [TensorRegion]
    /// The bytes of a slice.
    /// - Throws: `.notFound` for an unknown region; `.invalid` outside its bounds.
    func read(_ slice: TensorRegion.Slice) throws(GyreError) -> [UInt8]
    /// Writes to the start of a slice.
    /// - Throws: `.notFound` for an unknown region; `.invalid` where the bytes do not fit.
    func write(_ bytes: [UInt8], to slice: TensorRegion.Slice) throws(GyreError)
}

/// A piece of shared memory that a client made.
package struct TensorRegion: Sendable, Hashable {
    /// What requests call it.
    package let name: String
    /// What the system calls it: `/key`.
    package let key: String
    /// Where it begins in the memory of that key.
    package let offset: Int
    /// Its length.
    package let byteCount: Int

    /// A region.
    /// - Throws: `.invalid` for a key that is none of shared memory, or lengths that cannot be.
    package init(name: String, key: String, offset: Int64, byteCount: Int64) throws(GyreError) {
        guard !name.isEmpty, name.utf8.count <= Limits.nameBytes else {
            throw GyreError(.invalid, "A region of shared memory needs a name.")
        }
        let bare = key.hasPrefix("/") ? key.dropFirst() : key[...]
        guard !bare.isEmpty, bare.utf8.count <= 250, !bare.contains("/"), bare != ".", bare != "..",
            !bare.utf8.contains(0)
        else {
            throw GyreError(
                .invalid, "\"\(key.prefix(80))\" is no key of shared memory.", why: "It has no slash but one in front.")
        }
        guard offset >= 0, byteCount > 0, byteCount <= Int64(Limits.tensorBytes), offset <= Int64.max - byteCount else {
            throw GyreError(
                .invalid, "The region \"\(name)\" has the offset \(offset) and \(byteCount) bytes.",
                why: "It may have from 1 to \(Limits.tensorBytes) bytes.")
        }
        self.name = name
        self.key = "/\(bare)"
        self.offset = Int(offset)
        self.byteCount = Int(byteCount)
    }

    /// A part of a region, that holds one tensor.
    package struct Slice: Sendable, Hashable {
        /// The name of the region that it lies in.
        package let region: String
        /// Where it begins in the region.
        package let offset: Int
        /// Its length.
        package let byteCount: Int

        /// A slice.
        /// - Throws: `.invalid` for lengths that cannot be.
        package init(region: String, offset: Int64, byteCount: Int64) throws(GyreError) {
            guard offset >= 0, byteCount >= 0, byteCount <= Int64(Limits.tensorBytes), offset <= Int64.max - byteCount
            else {
                throw GyreError(
                    .invalid,
                    "A tensor in the region \"\(region.prefix(80))\" has the offset \(offset) and \(byteCount) bytes."
                )
            }
            self.region = region
            self.offset = Int(offset)
            self.byteCount = Int(byteCount)
        }
    }
}
