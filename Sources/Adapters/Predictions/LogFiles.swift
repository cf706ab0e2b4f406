// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import GyreBase

/// The files of one endpoint's log as they stood at one moment, readable until `close`.
///
/// Journals are renamed when they are full and removed once they are a segment, while somebody may be reading them. They are held
/// open, and read through the descriptors. Segments and labels keep their names.
struct LogFiles: Sendable {
    /// Paths through which the journals can be read, whatever becomes of their names.
    let journals: [String]
    /// Paths of the segments.
    let segments: [String]
    /// The file of labels; nil where there are none.
    let labels: String?
    /// Bytes of the longest line in journals that take no more lines; zero where there are none.
    let longestFullLine: Int

    private let descriptors: [Int32]

    /// Times that a folder may change while it is looked at; between two changes lie at least as many rows as a segment has.
    private static let attempts = 100

    /// Opens the files of `folder`; blocks.
    ///
    /// A folder that is not there has no files.
    init(_ folder: String) throws(GyreError) {
        for _ in 0..<Self.attempts {
            let names = Self.names(folder)
            let held = Self.journals(names)
            guard let descriptors = try Self.open(held.map { "\(folder)/\($0)" }) else { continue }
            // Files get names that none had before. The same names therefore mean that nothing was renamed since they were listed.
            guard names == Self.names(folder) else {
                for descriptor in descriptors { Glibc.close(descriptor) }
                continue
            }
            self.descriptors = descriptors
            journals = descriptors.map { "/proc/self/fd/\($0)" }
            segments = names.filter { $0.hasSuffix(".parquet") }.map { "\(folder)/\($0)" }
            labels = names.contains("labels.jsonl") ? "\(folder)/labels.jsonl" : nil
            do throws(GyreError) {
                var longest = 0
                for (name, path) in zip(held, journals) where name != Self.open {
                    longest = max(longest, try JournalScan(path).longestLine)
                }
                longestFullLine = longest
            } catch {
                for descriptor in descriptors { Glibc.close(descriptor) }
                throw error
            }
            return
        }
        throw GyreError(
            .unavailable, "The prediction log could not be read.",
            why: "Its files changed each of the \(Self.attempts) times that they were listed.", fix: "Ask again.")
    }

    /// The journal that lines are written to.
    private static let open = "open.jsonl"

    /// Lets go of the files.
    func close() {
        for descriptor in descriptors { Glibc.close(descriptor) }
    }

    /// The names in a folder, in order.
    static func names(_ folder: String) -> [String] {
        // An endpoint without a folder has had no predictions.
        (try? FileManager.default.contentsOfDirectory(atPath: folder))?.sorted() ?? []
    }

    /// The journals among `names` whose rows stand in no segment: one goes as soon as its segment is recorded.
    private static func journals(_ names: [String]) -> [String] {
        names.filter {
            $0 == open
                || $0.hasPrefix("closing-") && $0.hasSuffix(".jsonl")
                    && !names.contains("segment-\($0.dropFirst("closing-".count).dropLast(".jsonl".count)).parquet")
        }
    }

    /// Opens all of `paths`; nil where one has gone.
    private static func open(_ paths: [String]) throws(GyreError) -> [Int32]? {
        var descriptors: [Int32] = []
        for path in paths {
            let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor < 0 else {
                descriptors.append(descriptor)
                continue
            }
            let hasGone = errno == ENOENT
            let failure = Journal.failure("Opening a file of the prediction log")
            for descriptor in descriptors { Glibc.close(descriptor) }
            guard hasGone else { throw failure }
            return nil
        }
        return descriptors
    }
}
