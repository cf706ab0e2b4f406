// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import GyreBase
package import GyreServing
internal import Synchronization

/// POSIX shared memory as regions for tensors.
///
/// Bytes are copied by `pread` and `pwrite`: memory that is mapped and then cut short by its owner would kill the process that reads it.
package final class SharedMemory: TensorRegions {
    private let table = Mutex<[String: Entry]>([:])
    /// Regions at most.
    private static let mostRegions = 4096

    private struct Entry: Sendable {
        let region: TensorRegion
        let file: File
    }

    /// An open piece of memory, closed with its last user.
    private final class File: Sendable {
        let descriptor: Int32
        init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
    }

    /// Without regions.
    package init() {}

    package func register(_ region: TensorRegion) throws(GyreError) {
        let descriptor = unsafe shm_open(region.key, O_RDWR | O_CLOEXEC, 0)
        guard descriptor >= 0 else {
            throw GyreError(
                .invalid, "There is no shared memory \"\(region.key)\" that can be read and written.",
                why: unsafe String(cString: strerror(errno)))
        }
        let file = File(descriptor)
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, region.offset + region.byteCount <= status.st_size else {
            throw GyreError(
                .invalid, "The region \"\(region.name)\" ends at byte \(region.offset + region.byteCount).",
                why: "The shared memory \"\(region.key)\" has \(status.st_size).")
        }
        let problem: GyreError? = table.withLock { table in
            if table[region.name] != nil {
                return GyreError(
                    .alreadyExists, "shared memory region '\(region.name)' already in manager",
                    fix: "Unregister it first.")
            }
            if table.count >= Self.mostRegions {
                return GyreError(.limitExceeded, "\(table.count) regions are registered, which is the most.")
            }
            table[region.name] = Entry(region: region, file: file)
            return nil
        }
        if let problem { throw problem }
    }

    package func unregister(_ name: String?) {
        table.withLock { table in
            if let name { table[name] = nil } else { table = [:] }
        }
    }

    package func regions() -> [TensorRegion] {
        table.withLock { $0.values.map(\.region) }.sorted { $0.name < $1.name }
    }

    package func read(_ slice: TensorRegion.Slice) throws(GyreError) -> [UInt8] {
        let (file, start) = try place(slice, slice.byteCount)
        var done = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: slice.byteCount) { target, initialized in
            while done < slice.byteCount {
                let count = unsafe pread(
                    file.descriptor, target.baseAddress.map { unsafe $0 + done }, slice.byteCount - done,
                    off_t(start + done))
                guard count > 0 else { break }
                done += count
            }
            initialized = done
        }
        guard done == slice.byteCount else { throw Self.cut(slice) }
        return bytes
    }

    package func write(_ bytes: [UInt8], to slice: TensorRegion.Slice) throws(GyreError) {
        let (file, start) = try place(slice, bytes.count)
        guard bytes.count <= slice.byteCount else {
            throw GyreError(
                .invalid, "An output has \(bytes.count) bytes.",
                why: "Its place in the region \"\(slice.region)\" has \(slice.byteCount).")
        }
        // Writing behind the end would make the memory longer, which is its owner's affair.
        var status = stat()
        guard unsafe fstat(file.descriptor, &status) == 0, start + bytes.count <= status.st_size else {
            throw Self.cut(slice)
        }
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe pwrite(
                    file.descriptor, $0.baseAddress.map { unsafe $0 + done }, bytes.count - done, off_t(start + done))
            }
            guard count > 0 else { throw Self.cut(slice) }
            done += count
        }
    }

    private func place(_ slice: TensorRegion.Slice, _ count: Int) throws(GyreError) -> (File, Int) {
        guard let entry = table.withLock({ $0[slice.region] }) else {
            throw GyreError(
                .notFound, "Unable to find shared memory region: '\(slice.region.prefix(200))'",
                fix: "Register it with this server first.")
        }
        let (end, overflows) = slice.offset.addingReportingOverflow(max(count, slice.byteCount))
        guard !overflows, end <= entry.region.byteCount else {
            throw GyreError(
                .invalid, "A tensor ends at byte \(end) of the region \"\(slice.region)\".",
                why: "The region has \(entry.region.byteCount) bytes.")
        }
        return (entry.file, entry.region.offset + slice.offset)
    }

    private static func cut(_ slice: TensorRegion.Slice) -> GyreError {
        GyreError(
            .invalid, "The shared memory of the region \"\(slice.region)\" has become shorter than was registered.")
    }
}
