// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// The files below a folder, in masses: their paths lie one after another in one piece of memory.
package struct FileTable: Sendable {
    /// One file.
    package struct Entry: Sendable {
        var start: UInt32
        var length: UInt32
        /// What the file system knows it by.
        package var inode: UInt64
        /// When it was changed, nanoseconds since 1970.
        package var modified: Int64
        /// How long its content is.
        package var sizeBytes: Int64
        /// The object it is; zeros while `isHashed` is false.
        package var high: UInt64 = 0
        /// The second half of the object.
        package var low: UInt64 = 0
        /// Whether the object is known.
        package var isHashed = false

        /// The object that the file is.
        package var id: ObjectID {
            get { ObjectID(high: high, low: low) }
            set {
                (high, low) = (newValue.high, newValue.low)
                isHashed = true
            }
        }
    }

    /// All paths.
    package internal(set) var bytes: [UInt8] = []
    /// The files; `sort` puts them in the order of their paths.
    package internal(set) var entries: [Entry] = []

    /// No file.
    package init() {}

    /// Takes a file with a path relative to the folder.
    package mutating func append(
        _ path: some Sequence<UInt8>, inode: UInt64 = 0, modified: Int64 = 0, sizeBytes: Int64 = 0, id: ObjectID? = nil
    ) {
        let start = bytes.count
        bytes.append(contentsOf: path)
        var entry = Entry(
            start: UInt32(start), length: UInt32(bytes.count - start), inode: inode, modified: modified,
            sizeBytes: sizeBytes)
        if let id { entry.id = id }
        entries.append(entry)
    }

    /// The path of a file, as UTF-8.
    package func path(_ entry: Entry) -> ArraySlice<UInt8> {
        bytes[Int(entry.start)..<Int(entry.start) + Int(entry.length)]
    }

    /// The path of a file as text.
    package func text(_ entry: Entry) -> String { String(decoding: path(entry), as: UTF8.self) }

    /// Puts the files in the order of their paths' bytes, which is the order of code points.
    package mutating func sort() {
        let bytes = bytes
        let isSorted = zip(entries, entries.dropFirst()).allSatisfy { Self.order($0, $1, bytes, bytes) <= 0 }
        if !isSorted { entries.sort { Self.order($0, $1, bytes, bytes) < 0 } }
    }

    /// The sum of the bytes of all files.
    package var sizeBytes: Int64 { entries.reduce(0) { $0 + $1.sizeBytes } }

    static func order(_ left: Entry, _ right: Entry, _ leftBytes: [UInt8], _ rightBytes: [UInt8]) -> Int {
        unsafe leftBytes.withUnsafeBufferPointer { one in
            unsafe rightBytes.withUnsafeBufferPointer { other in
                let common = Int(min(left.length, right.length))
                var index = 0
                let (oneStart, otherStart) = (Int(left.start), Int(right.start))
                while index < common {
                    let (a, b) = unsafe (one[oneStart + index], other[otherStart + index])
                    if a != b { return Int(a) - Int(b) }
                    index += 1
                }
                return Int(left.length) - Int(right.length)
            }
        }
    }

    /// Walks two sorted tables side by side: each path once, with its place in either.
    package func joined(with other: FileTable, _ body: (_ mine: Int?, _ others: Int?) -> Void) {
        var (mine, others) = (0, 0)
        while mine < entries.count || others < other.entries.count {
            if mine == entries.count {
                body(nil, others)
                others += 1
            } else if others == other.entries.count {
                body(mine, nil)
                mine += 1
            } else {
                let order = Self.order(entries[mine], other.entries[others], bytes, other.bytes)
                body(order <= 0 ? mine : nil, order >= 0 ? others : nil)
                if order <= 0 { mine += 1 }
                if order >= 0 { others += 1 }
            }
        }
    }

    /// Tells two states of the same files apart, in whatever order they were found: sums of what is known of each without its content.
    package var fingerprint: [UInt64] {
        var sums: [UInt64] = [UInt64(entries.count), 0]
        unsafe bytes.withUnsafeBufferPointer { all in
            for entry in entries {
                var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
                func mix(_ word: UInt64) {
                    let product = (hash ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
                    hash = product.high ^ product.low &+ 0x2545_F491_4F6C_DD1D
                }
                mix(entry.inode)
                mix(UInt64(bitPattern: entry.modified))
                mix(UInt64(bitPattern: entry.sizeBytes))
                var word: UInt64 = 0
                for index in Int(entry.start)..<Int(entry.start) + Int(entry.length) {
                    word = unsafe word << 8 | UInt64(all[index])
                    if (index - Int(entry.start)) & 7 == 7 {
                        mix(word)
                        word = 0
                    }
                }
                mix(word)
                mix(UInt64(entry.length))
                sums[0] &+= hash
                sums[1] &+= hash.multipliedFullWidth(by: 0xA076_1D64_78BD_642F).high
            }
        }
        return sums
    }
}
