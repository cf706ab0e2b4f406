// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// Reads what the tasks of a run print, while they do.
actor LogReader {
    private let pipelines: Pipelines
    private let run: PipelineRun
    private let node: String
    private let follows: Bool
    private let fits: @Sendable (String) -> Bool
    private var places: [String: Int64] = [:]
    /// The beginnings of lines that have not ended.
    private var rests: [String: [UInt8]] = [:]

    init(
        pipelines: Pipelines, run: PipelineRun, node: String, follows: Bool, fits: @escaping @Sendable (String) -> Bool
    ) {
        self.pipelines = pipelines
        self.run = run
        self.node = node
        self.follows = follows
        self.fits = fits
    }

    /// The next lines; nil at the end.
    func next() async throws(GyreError) -> [JSONValue]? {
        while true {
            let isOver = try await pipelines.run(run.id).state.isEnd
            var hasMore = false
            for path in try await paths() {
                // A task at a time: what all of them printed may be more than fits into memory.
                guard let lines = try await read(path, isLast: isOver || !follows) else { continue }
                hasMore = true
                if !lines.isEmpty { return lines }
            }
            if hasMore { continue }
            if isOver || !follows { return nil }
            // A client that goes away ends the stream.
            do { try await Task.sleep(for: .milliseconds(300)) } catch { return nil }
        }
    }

    /// The tasks that are asked for.
    private func paths() async throws(GyreError) -> [String] {
        try await pipelines.tasks(of: run.id).filter { task in
            guard task.kind == "task", task.startedAt != nil else { return false }
            return node.isEmpty || node == WorkflowNames.node(run.name, task.path) || node == task.path
                || node == run.name && !task.path.contains("/")
        }.map(\.path)
    }

    /// The next lines of a task that fit; nil where it has printed nothing more.
    private func read(_ path: String, isLast: Bool) async throws(GyreError) -> [JSONValue]? {
        do throws(GyreError) {
            let (bytes, end) = try await pipelines.log(of: run.id, task: path, after: places[path] ?? 0)
            var all = (rests[path] ?? []) + bytes
            if bytes.isEmpty, !isLast || all.isEmpty { return nil }
            places[path] = end
            rests[path] = []
            // What has no end yet waits for more, unless nothing more comes.
            if !(isLast && bytes.count < 1 << 20) {
                let last = all.lastIndex(of: 0x0A) ?? all.startIndex - 1
                rests[path] = Array(all[(last + 1)...])
                all = Array(all[..<(last + 1)])
            }
            let name = WorkflowNames.node(run.name, path)
            var lines: [JSONValue] = []
            for line in all.split(separator: 0x0A, omittingEmptySubsequences: true) {
                let text = String(decoding: line, as: UTF8.self)
                if fits(text) { lines.append(["content": .string(text), "podName": .string(name)]) }
            }
            return lines
        } catch {
            // A task that has not printed anything has no log yet.
            guard error.code == .notFound else { throw error }
            return nil
        }
    }
}
