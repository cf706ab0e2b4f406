// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import GyreBase
internal import GyreLedger

/// Many small blobs at once: all are written, the disk is waited for once, then all get their names.
struct BlobBatch {
    let root: String
    let makeTemporaryPath: () -> String

    /// The blobs of these contents, in their order; none of them counts before all are on disk.
    func add(_ contents: [[UInt8]]) throws(GyreError) -> [StoredBlob] {
        let blobs = contents.map { StoredBlob(digest: Digest(of: $0), sizeBytes: Int64($0.count)) }
        var written: [(temporary: String, path: String)] = []
        var seen: Set<Digest> = []
        do throws(GyreError) {
            for (blob, content) in zip(blobs, contents) where seen.insert(blob.digest).inserted {
                let path = FileBlobStore.path(root, blob.digest)
                // Touching the blob that is there keeps it from being removed before it is named.
                if unsafe utimensat(AT_FDCWD, path, nil, 0) == 0 { continue }
                let temporary = makeTemporaryPath()
                try write(content, to: temporary)
                written.append((temporary, path))
            }
            guard !written.isEmpty else { return blobs }
            try sync()
            for (temporary, path) in written {
                let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
                if unsafe mkdir(folder, 0o755) != 0, errno != EEXIST {
                    throw FileBlobWriter.failure("Making the folder of a blob")
                }
                guard unsafe rename(temporary, path) == 0 else { throw FileBlobWriter.failure("Naming a blob") }
            }
            // The names, too, have to be there after the power fails.
            try sync()
            return blobs
        } catch {
            for (temporary, _) in written { unsafe unlink(temporary) }
            throw error
        }
    }

    private func write(_ content: [UInt8], to path: String) throws(GyreError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileBlobWriter.failure("Making a file for a blob") }
        defer { close(descriptor) }
        do throws(GyreError) { try FileBlobWriter.writeAll(content, to: descriptor) } catch {
            unsafe unlink(path)
            throw error
        }
    }

    private func sync() throws(GyreError) {
        guard DiskSync.fileSystem(of: root) else { throw FileBlobWriter.failure("Syncing blobs") }
    }
}
