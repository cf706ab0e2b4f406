// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
internal import GyreLedger

extension Pipelines {
    /// Runs that fit, a page of them.
    package func runs(_ query: PipelineRunQuery) async throws(GyreError) -> PipelineRunPage {
        try await store.runs(query)
    }

    /// The newest runs.
    package func runs() async throws(GyreError) -> [PipelineRun] {
        var query = PipelineRunQuery()
        query.limit = Limits.pageRows
        return try await store.runs(query).runs
    }

    /// Runs that go on.
    package func unended() async throws(GyreError) -> [PipelineRun] {
        var query = PipelineRunQuery()
        query.limit = Limits.pageRows
        query.conditions = [.init(.state, .among, ["PENDING", "RUNNING"])]
        return try await store.runs(query).runs
    }

    /// A run by its id, or the first digits of it.
    package func run(_ id: String) async throws(GyreError) -> PipelineRun {
        let found = id.isEmpty ? [] : try await store.runs(beginning: id)
        guard found.count == 1 else {
            throw GyreError(
                .notFound,
                found.isEmpty ? "No pipeline run has the id \"\(id)\"." : "Several pipeline runs begin with \"\(id)\".",
                fix: "gyre pipeline list")
        }
        return found[0]
    }

    /// A run by its whole id; nil where there is none.
    package func run(exactly id: String) async throws(GyreError) -> PipelineRun? { try await store.run(id) }

    /// The compiled package of a run.
    package func package(of run: PipelineRun) async throws(GyreError) -> [UInt8] { try await blobs.bytes(run.compiled) }

    /// The bytes of a file of an artifact.
    package func bytes(of digest: Digest) async throws(GyreError) -> [UInt8] { try await blobs.bytes(digest) }

    /// The tasks of a run by path: groups and loops too.
    package func tasks(of id: String) async throws(GyreError) -> [TaskRecord] { try await store.tasks(of: id) }

    /// A page of the tasks of a run: those whose paths come after `path`.
    package func tasks(of id: String, after path: String?, limit: Int) async throws(GyreError) -> [TaskRecord] {
        try await store.tasks(of: id, after: path, limit: limit)
    }

    /// The blobs that runs and tasks name.
    package func namedDigests() async throws(GyreError) -> Set<Digest> { try await store.namedDigests() }

    /// One task of a run.
    package func task(_ path: String, of id: String) async throws(GyreError) -> TaskRecord? {
        try await store.task(path, of: id)
    }

    /// What a task printed so far, at most a MiB: the last, or what came after a place in bytes.
    ///
    /// `end`: the place where it ends.
    package func log(
        of id: String, task path: String, after place: Int64? = nil
    ) async throws(GyreError) -> (bytes: [UInt8], end: Int64) {
        let safe = try RelativePath(path)
        guard let file = FileHandle(forReadingAtPath: "\(options.folder)/\(try await run(id).id)/\(safe)/log.txt")
        else {
            throw GyreError(
                .notFound, "The task \"\(path)\" of the run \(id) has no log.", fix: "gyre pipeline show \(id)")
        }
        do {
            let (size, most) = (Int64(try file.seekToEnd()), Int64(1 << 20))
            let start = min(place ?? max(0, size - most), size)
            try file.seek(toOffset: UInt64(start))
            let bytes = Array(try file.read(upToCount: Int(min(size - start, most))) ?? Data())
            return (bytes, start + Int64(bytes.count))
        } catch {
            throw GyreError.wrapping(error, "Reading a log")
        }
    }
}
