// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// What a model takes on disk: the first guess at what it will take in memory.
enum FileSize {
    /// Bytes of a file, or of all files below a folder; 0 where there is none.
    static func bytes(_ path: String) -> Int64 {
        let manager = FileManager.default
        guard let attributes = try? manager.attributesOfItem(atPath: path) else { return 0 }  // loading tells it better
        guard attributes[.type] as? FileAttributeType == .typeDirectory else {
            return (attributes[.size] as? NSNumber)?.int64Value ?? 0
        }
        let files = manager.enumerator(atPath: path)?.allObjects as? [String] ?? []
        return files.prefix(10_000).reduce(0) { total, file in
            let size = (try? manager.attributesOfItem(atPath: "\(path)/\(file)"))?[.size] as? NSNumber
            return total + (size?.int64Value ?? 0)
        }
    }
}
