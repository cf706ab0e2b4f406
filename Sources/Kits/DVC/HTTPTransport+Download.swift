// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import GyreBase
internal import GyreObjectStores
internal import NIOCore
internal import NIOHTTP1

extension HTTPTransport {
    /// Downloads an object into a cache, going on where it broke off; false where it is not there.
    func download(
        _ id: ObjectID, to cache: ObjectFolder,
        _ make: @escaping @Sendable (_ from: Int64) throws(GyreError) -> HTTPClientRequest
    ) async throws(GyreError) -> Bool {
        let file = try cache.makeFile()
        let sink = ObjectSink(descriptor: file.descriptor, path: file.path)
        var last: GyreError?
        for attempt in 0..<Self.attempts {
            if attempt > 0 { try await Self.pause(attempt) }
            do throws(GyreError) {
                let start = sink.count
                let answer = try await send { () throws(GyreError) in try make(start) }
                if answer.status == .notFound {
                    sink.abandon()
                    return false
                }
                guard (200..<300).contains(answer.status.code) else {
                    throw await failure("Downloading \(id.text)", answer)
                }
                // A server that knows no ranges sends all of it again.
                if start > 0, answer.status != .partialContent { try sink.restart() }
                try await pour(answer, into: sink)
                guard sink.finish(isFolder: id.isFolder) == id else {
                    sink.abandon()
                    throw ObjectFolder.damaged(id, place)
                }
                sink.close()
                try cache.settle(file.path, as: id)
                return true
            } catch  where error.code == .unavailable {
                last = error
            } catch {
                sink.abandon()
                throw error
            }
        }
        sink.abandon()
        throw last ?? GyreError(.unavailable, "\(place) does not answer.")
    }

    private func pour(_ answer: HTTPClientResponse, into sink: ObjectSink) async throws(GyreError) {
        do {
            for try await piece in answer.body { try sink.write(piece) }
        } catch let error as GyreError {
            throw error
        } catch {
            throw GyreError(.unavailable, "\(place) broke off its answer.", why: "\(error)")
        }
    }
}

/// A file that an object is written to while it comes.
final class ObjectSink: @unchecked Sendable {
    // SAFETY: one transfer owns it, and its calls come one after another.
    private var hash = ObjectHash()
    private let descriptor: Int32
    private let path: String
    private var isOpen = true
    private(set) var count: Int64 = 0

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    func write(_ piece: ByteBuffer) throws(GyreError) {
        let failure: GyreError? = unsafe piece.withUnsafeReadableBytes { bytes in
            unsafe hash.update(bytes)
            do throws(GyreError) {
                try unsafe Files.write(bytes, to: descriptor, path)
                return nil
            } catch { return error }
        }
        if let failure { throw failure }
        count += Int64(piece.readableBytes)
    }

    func restart() throws(GyreError) {
        try Files.truncate(descriptor, path)
        hash = ObjectHash()
        count = 0
    }

    func finish(isFolder: Bool) -> ObjectID { hash.finish(isFolder: isFolder) }

    func close() {
        guard isOpen else { return }
        isOpen = false
        Files.close(descriptor)
    }

    func abandon() {
        close()
        // What was being written is swept up later if it cannot be removed now.
        try? Files.remove(path)
    }
}
