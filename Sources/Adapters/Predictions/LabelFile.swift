// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase
internal import Synchronization

/// The labels of one endpoint, in a file that only grows; what it holds are whole lines.
final class LabelFile: Sendable {
    private let folder: String
    /// Whether the file was looked at; it stays locked while labels are written.
    private let isMended = Mutex(false)

    /// The file in a folder, which is made when the first label comes.
    init(folder: String) { self.folder = folder }

    private var path: String { folder + "/labels.jsonl" }

    /// Cuts off what a killed process left of a line; blocks.
    func mend() throws(GyreError) {
        try isMended.withLock { isMended throws(GyreError) in try mend(&isMended) }
    }

    private func mend(_ isMended: inout Bool) throws(GyreError) {
        guard !isMended else { return }
        if FileManager.default.fileExists(atPath: path) { _ = try JournalScan(mending: path) }
        isMended = true
    }

    /// Appends whole lines, all or none of them; they are on disk when this returns.
    ///
    /// Blocks.
    func append(_ lines: [UInt8]) throws(GyreError) {
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw GyreError.wrapping(error, "Storing labels")
        }
        try isMended.withLock { isMended throws(GyreError) in
            try mend(&isMended)
            let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw Journal.failure("Opening the labels") }
            defer { close(descriptor) }
            let bytes = lseek(descriptor, 0, SEEK_END)
            do throws(GyreError) {
                try Journal.write(lines, to: descriptor)
                guard fdatasync(descriptor) == 0 else { throw Journal.failure("Syncing the labels") }
            } catch {
                // Where even cutting fails, the next use does it.
                if bytes < 0 || ftruncate(descriptor, bytes) != 0 { isMended = false }
                throw error
            }
        }
    }
}
