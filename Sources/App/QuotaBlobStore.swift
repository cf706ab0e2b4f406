// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreLedger
internal import Synchronization

/// A store of blobs that takes no more bytes than a workspace may have.
final class QuotaBlobStore: BlobStore {
    private let inner: any BlobStore
    private let limit: @Sendable () -> Int64?
    /// The bytes of all blobs; nil until somebody has to know.
    private let used = Mutex<Int64?>(nil)

    /// `limit`: asked each time, since it may change; nil for as much as there is.
    init(_ inner: any BlobStore, limit: @escaping @Sendable () -> Int64?) {
        self.inner = inner
        self.limit = limit
    }

    func writer() async throws(GyreError) -> any BlobWriter {
        guard limit() != nil else { return try await inner.writer() }
        try await count()
        return QuotaWriter(inner: try await inner.writer(), store: self)
    }

    private func count() async throws(GyreError) {
        guard used.withLock({ $0 == nil }) else { return }
        var sum: Int64 = 0
        for digest in try await inner.all() { sum += try await inner.size(digest) }
        let counted = sum
        used.withLock { $0 = $0 ?? counted }
    }

    /// Looks whether that many bytes more may come.
    fileprivate func check(_ more: Int64) throws(GyreError) {
        guard let limit = limit() else { return }
        let used = used.withLock { $0 ?? 0 }
        guard used + more <= limit else {
            throw GyreError(
                .limitExceeded, "The workspace's files may have \(limit) bytes.", why: "They have \(used) already.",
                fix:
                    "Delete what is not needed and run gyre gc, or ask for more: gyre workspace set NAME --blob-bytes N"
            )
        }
    }

    fileprivate func add(_ bytes: Int64) { used.withLock { if let known = $0 { $0 = known + bytes } } }

    func add(_ contents: [[UInt8]]) async throws(GyreError) -> [StoredBlob] {
        guard limit() != nil else { return try await inner.add(contents) }
        try await count()
        let bytes = Int64(contents.reduce(0) { $0 + $1.count })
        try check(bytes)
        let stored = try await inner.add(contents)
        add(bytes)
        return stored
    }

    func contains(_ digest: Digest) async -> Bool { await inner.contains(digest) }
    func size(_ digest: Digest) async throws(GyreError) -> Int64 { try await inner.size(digest) }
    func reader(_ digest: Digest) async throws(GyreError) -> any BlobReader { try await inner.reader(digest) }

    func reader(_ digest: Digest, from start: Int64, count: Int64) async throws(GyreError) -> any BlobReader {
        try await inner.reader(digest, from: start, count: count)
    }

    func file(_ digest: Digest) async throws(GyreError) -> String { try await inner.file(digest) }
    func makeTemporaryPath() -> String { inner.makeTemporaryPath() }

    func add(file path: String) async throws(GyreError) -> StoredBlob {
        if limit() != nil {
            try await count()
            try check(0)
        }
        let blob = try await inner.add(file: path)
        add(blob.sizeBytes)
        return blob
    }

    func copy(_ digest: Digest, to path: String) async throws(GyreError) { try await inner.copy(digest, to: path) }

    func remove(_ digest: Digest, unusedFor seconds: Int64) async throws(GyreError) -> Int64? {
        let freed = try await inner.remove(digest, unusedFor: seconds)
        if let freed { add(-freed) }
        return freed
    }

    func all() async throws(GyreError) -> [Digest] { try await inner.all() }
}

/// One blob on its way into a store with a limit.
private final class QuotaWriter: BlobWriter {
    private let inner: any BlobWriter
    private let store: QuotaBlobStore
    private let written = Mutex<Int64>(0)

    init(inner: any BlobWriter, store: QuotaBlobStore) {
        self.inner = inner
        self.store = store
    }

    func write(_ bytes: [UInt8]) async throws(GyreError) {
        let sum = written.withLock { written in
            written += Int64(bytes.count)
            return written
        }
        do throws(GyreError) { try store.check(sum) } catch {
            await inner.abandon()
            throw error
        }
        try await inner.write(bytes)
    }

    func finish() async throws(GyreError) -> StoredBlob {
        let blob = try await inner.finish()
        store.add(blob.sizeBytes)
        return blob
    }

    func abandon() async { await inner.abandon() }
}
