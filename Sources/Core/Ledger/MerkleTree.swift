// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A tree over the hashes of facts, as RFC 6962 (2.1) has it: its root stands for all of them, and a few digests prove that one is among them.
package struct MerkleTree: Sendable {
    /// The roots of the full subtrees so far, the largest first.
    private var peaks: [(level: Int, digest: Digest)] = []
    /// How many facts it is over.
    package private(set) var size: Int64 = 0

    /// A tree over nothing.
    package init() {}

    /// Takes the hash of the next fact.
    package mutating func append(_ hash: Digest) {
        var (level, digest) = (0, Self.leaf(hash))
        while let last = peaks.last, last.level == level {
            digest = Self.node(last.digest, digest)
            level += 1
            peaks.removeLast()
        }
        peaks.append((level, digest))
        size += 1
    }

    /// The root over all that were taken; over nothing it is the digest of nothing.
    package var root: Digest {
        guard var root = peaks.last?.digest else { return Digest(of: [UInt8]()) }
        for peak in peaks.dropLast().reversed() { root = Self.node(peak.digest, root) }
        return root
    }

    /// What proves that the fact at `index`, counted from 0, is among those with these hashes: the sister of each step up to the root.
    package static func path(to index: Int, in hashes: ArraySlice<Digest>) -> [Digest] {
        guard hashes.count > 1 else { return [] }
        var half = 1
        while half * 2 < hashes.count { half *= 2 }
        let (left, right) = (hashes.prefix(half), hashes.dropFirst(half))
        return index < half
            ? path(to: index, in: left) + [root(of: right)] : path(to: index - half, in: right) + [root(of: left)]
    }

    private static func root(of hashes: ArraySlice<Digest>) -> Digest {
        var tree = MerkleTree()
        for hash in hashes { tree.append(hash) }
        return tree.root
    }

    private static func leaf(_ hash: Digest) -> Digest { Digest(of: [0] + hash.bytes) }
    private static func node(_ left: Digest, _ right: Digest) -> Digest { Digest(of: [1] + left.bytes + right.bytes) }
}
