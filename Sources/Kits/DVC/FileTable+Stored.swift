// SPDX-License-Identifier: Apache-2.0

extension FileTable {
    /// The table as it is kept: how many files, their entries as they lie in memory, their paths.
    package var stored: [UInt8] {
        var stored: [UInt8] = []
        stored.reserveCapacity(8 + entries.count * MemoryLayout<Entry>.stride + bytes.count)
        unsafe withUnsafeBytes(of: UInt64(entries.count)) { unsafe stored.append(contentsOf: $0) }
        unsafe entries.withUnsafeBytes { unsafe stored.append(contentsOf: $0) }
        stored.append(contentsOf: bytes)
        return stored
    }

    /// nil for what no table of this program is.
    package init?(stored: [UInt8]) {
        guard stored.count >= 8 else { return nil }
        let count = unsafe stored.withUnsafeBytes { unsafe Int(clamping: $0.loadUnaligned(as: UInt64.self)) }
        let stride = MemoryLayout<Entry>.stride
        guard count >= 0, count <= (stored.count - 8) / stride else { return nil }
        entries = unsafe [Entry](unsafeUninitializedCapacity: count) { buffer, filled in
            unsafe stored.withUnsafeBytes { source in
                guard count > 0 else { return }
                unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[8..<8 + count * stride]))
            }
            filled = count
        }
        bytes = Array(stored[(8 + count * stride)...])
        let total = bytes.count
        guard entries.allSatisfy({ Int($0.start) + Int($0.length) <= total }) else { return nil }
    }
}
