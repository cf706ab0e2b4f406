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
    private var isDone = false

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
        while !isDone {
            let isOver = try await pipelines.run(run.id).state.isEnd
            let lines = try await read(isLast: isOver || !follows)
            if lines.isEmpty, isOver || !follows {
                isDone = true
                break
            }
            if !lines.isEmpty { return lines }
            // A client that goes away ends the stream.
            do { try await Task.sleep(for: .milliseconds(300)) } catch { return nil }
        }
        return nil
    }

    private func read(isLast: Bool) async throws(GyreError) -> [JSONValue] {
        var lines: [JSONValue] = []
        for task in try await pipelines.tasks(of: run.id) where task.kind == "task" && task.startedAt != nil {
            let name = WorkflowNames.node(run.name, task.path)
            guard node.isEmpty || node == name || node == task.path || node == run.name && !task.path.contains("/")
            else {
                continue
            }
            do throws(GyreError) {
                let (bytes, end) = try await pipelines.log(of: run.id, task: task.path, after: places[task.path] ?? 0)
                places[task.path] = end
                var all = (rests[task.path] ?? []) + bytes
                rests[task.path] = []
                if !isLast || bytes.count == 1 << 20, let last = all.lastIndex(of: 0x0A) {
                    rests[task.path] = Array(all[(last + 1)...])
                    all = Array(all[...last])
                }
                for line in all.split(separator: 0x0A, omittingEmptySubsequences: true) {
                    let text = String(decoding: line, as: UTF8.self)
                    if fits(text) { lines.append(["content": .string(text), "podName": .string(name)]) }
                }
            } catch {
                // A task that has not printed anything has no log yet.
                guard error.code == .notFound else { throw error }
            }
        }
        return lines
    }
}
