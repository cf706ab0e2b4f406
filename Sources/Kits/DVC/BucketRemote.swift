// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreObjectStores
internal import Synchronization

/// A remote in a bucket of S3.
package struct BucketRemote: ObjectRemote {
    package let name: String
    private let bucket: Bucket
    private let jobs: Int
    /// Up to so many objects are asked for one by one without looking how many the bucket has.
    private static let askedSingly = 64
    private static let pageItems = 1000

    /// The remote in a bucket.
    package init(name: String, bucket: Bucket, jobs: Int?) {
        self.name = name
        self.bucket = bucket
        self.jobs = max(1, jobs ?? 16)
    }

    private func key(_ id: ObjectID) -> String { "files/md5/\(id.path)" }

    private static func id(_ key: String) -> ObjectID? {
        guard key.hasPrefix("files/md5/") else { return nil }
        return ObjectID(key.dropFirst(10).filter { $0 != "/" })
    }

    package func missing(among ids: [ObjectID]) async throws(GyreError) -> [ObjectID] {
        if ids.count > Self.askedSingly, try await listingIsCheaper(ids.count) {
            let present = Set(try await all())
            return ids.filter { !present.contains($0) }
        }
        let missing = Mutex<Set<ObjectID>>([])
        try await HTTPTransport.each(ids, atOnce: jobs) { id throws(GyreError) in
            if try await bucket.size(key(id)) == nil { missing.withLock { _ = $0.insert(id) } }
        }
        let gone = missing.withLock { $0 }
        return ids.filter { gone.contains($0) }
    }

    /// Objects are spread evenly over 256 folders: one of them tells how many pages all would be.
    private func listingIsCheaper(_ count: Int) async throws(GyreError) -> Bool {
        var sample = 0
        try await bucket.list("files/md5/00/") { page throws(GyreError) in
            sample += page.count
            return sample * 256 / Self.pageItems < count
        }
        return sample * 256 / Self.pageItems < count
    }

    package func all() async throws(GyreError) -> [ObjectID] {
        var found: [ObjectID] = []
        try await bucket.list("files/md5/") { page throws(GyreError) in
            found += page.compactMap { Self.id($0.key) }
            return true
        }
        return found
    }

    package func upload(
        _ ids: [ObjectID], from cache: ObjectFolder, step: @Sendable @escaping () -> Void
    ) async throws(GyreError) {
        try await HTTPTransport.each(ids, atOnce: jobs) { id throws(GyreError) in
            let path = cache.path(id)
            try await bucket.write(key(id), file: path, sizeBytes: Files.size(path))
            step()
        }
    }

    package func download(
        _ ids: [ObjectID], to cache: ObjectFolder, step: @Sendable @escaping () -> Void
    ) async throws(GyreError) -> [ObjectID] {
        let lost = Mutex<Set<ObjectID>>([])
        try await HTTPTransport.each(ids, atOnce: jobs) { id throws(GyreError) in
            let isThere = try await bucket.transport.download(id, to: cache) { start throws(GyreError) in
                bucket.request("GET", key(id), headers: start > 0 ? [("range", "bytes=\(start)-")] : [])
            }
            if isThere { step() } else { lost.withLock { _ = $0.insert(id) } }
        }
        let gone = lost.withLock { $0 }
        return ids.filter { gone.contains($0) }
    }

    package func remove(_ id: ObjectID) async throws(GyreError) { try await bucket.remove(key(id)) }

    package func runs() async throws(GyreError) -> [String] {
        var found: [String] = []
        try await bucket.list("runs/") { page throws(GyreError) in
            found += page.map { String($0.key.dropFirst(5)) }
            return true
        }
        return found
    }

    package func readRun(_ path: String) async throws(GyreError) -> [UInt8] {
        guard let bytes = try await bucket.read("runs/\(path)", limit: Limits.sharedRunBytes) else {
            throw GyreError(.notFound, "The remote \"\(name)\" does not have runs/\(path).")
        }
        return bytes
    }

    package func writeRun(_ path: String, _ bytes: [UInt8]) async throws(GyreError) {
        try await bucket.write("runs/\(path)", bytes)
    }
}
