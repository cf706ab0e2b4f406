// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Tasks that depend on one another.
package struct TaskGraph: Sendable, Hashable {
    /// Tasks by name.
    package let tasks: [String: TaskDefinition]
    /// Outputs of the graph that are parameters: the tasks' outputs that give them; the first that ran wins.
    package let parameterOutputs: [String: [OutputReference]]
    /// Outputs of the graph that are artifacts.
    package let artifactOutputs: [String: [OutputReference]]
    /// Outputs that are written as expressions of the pipeline's language.
    package var computed = ComputedOutputs()
    /// The tasks that decide whether the graph has succeeded; nil where every task does.
    ///
    /// One that failed, or that never ran since one before it failed, fails it.
    package var targets: [String]?
    /// Whether nothing more of it is begun once it is known to fail.
    package var failsFast = false
    /// How many of its tasks go on at the same time; nil for any number.
    package var parallelism: Int?

    /// Outputs that an expression gives, by name.
    package struct ComputedOutputs: Sendable, Hashable {
        /// Those that are parameters.
        package var parameters: [String: String] = [:]
        /// Those that are artifacts.
        package var artifacts: [String: String] = [:]

        /// None.
        package init() {}
    }

    /// An output of a task.
    package struct OutputReference: Sendable, Hashable {
        /// The name of the task that gives it.
        package let task: String
        /// The output's name.
        package let output: String

        /// A reference.
        package init(task: String, output: String) {
            self.task = task
            self.output = output
        }
    }

    /// A graph.
    package init(
        tasks: [String: TaskDefinition], parameterOutputs: [String: [OutputReference]] = [:],
        artifactOutputs: [String: [OutputReference]] = [:]
    ) {
        self.tasks = tasks
        self.parameterOutputs = parameterOutputs
        self.artifactOutputs = artifactOutputs
    }

    /// The tasks in an order in which they could run; of those that could, the first by name.
    var order: [String] {
        var left = tasks.mapValues { Set($0.upstream) }
        var order: [String] = []
        while !left.isEmpty {
            let ready = left.filter { $0.value.isEmpty }.keys.sorted()
            // A cycle was refused when the pipeline was read.
            if ready.isEmpty { return order + left.keys.sorted() }
            order += ready
            for name in ready { left[name] = nil }
            let done = Set(ready)
            left = left.mapValues { $0.subtracting(done) }
        }
        return order
    }

    /// The tasks that can never start, since each waits for another one of them.
    var tasksInCycles: Set<String> {
        var waiting = tasks.mapValues { Set($0.upstream).count }
        var dependents: [String: [String]] = [:]
        for (name, task) in tasks {
            for upstream in Set(task.upstream) { dependents[upstream, default: []].append(name) }
        }
        var ready = waiting.filter { $0.value == 0 }.map(\.key)
        while let name = ready.popLast() {
            waiting[name] = nil
            for dependent in dependents[name] ?? [] {
                waiting[dependent, default: 1] -= 1
                if waiting[dependent] == 0 { ready.append(dependent) }
            }
        }
        return Set(waiting.keys)
    }
}

/// One task of a graph.
package struct TaskDefinition: Sendable, Hashable {
    /// What it does, by the name of a component of the pipeline.
    package var component: String
    /// What people call it; nil where its name will do.
    package var displayName: String?
    /// Where each input parameter comes from.
    package var parameters: [String: ValueSource] = [:]
    /// Where each input artifact comes from.
    package var artifacts: [String: ValueSource] = [:]
    /// Tasks that must have ended before.
    package var upstream: [String] = []
    /// When it runs at all, in the language of its pipeline.
    package var condition: String?
    /// Whether it runs even if an upstream task failed or was skipped.
    package var runsAfterFailure = false
    /// Whether an earlier result for the same inputs may be taken.
    package var isCacheable = false
    /// What is done when an attempt fails.
    package var retry = RetryPolicy()
    /// One run for each item of a list.
    package var iterator: Iterator?
    /// Which ends of the tasks before it let it begin, in the language of its pipeline; nil where `runsAfterFailure` says it.
    package var depends: String?
    /// Whether a task before it that its own condition skipped, or that may fail and did, lets it begin.
    package var runsAfterSkip = false
    /// Whether its graph may succeed where it fails.
    package var mayFail = false
    /// Whether its graph may succeed where it could not be run.
    package var mayError = false
    /// Seconds that all of it may take, where it is a group.
    package var deadlineSeconds: Double?
    /// What it holds while it goes on.
    package var locks: [LockRequest] = []
    /// Under what its result is remembered, where that is not for the code and the inputs to say.
    package var memo: Memo?

    /// Where a value comes from.
    package indirect enum ValueSource: Sendable, Hashable {
        /// This value.
        case constant(JSONValue)
        /// An input of the graph that the task stands in.
        case input(String)
        /// An output of a task of the same graph.
        case output(task: String, name: String)
        /// How a task of the same graph ended.
        case finalStatus(task: String)
        /// A member of a structure, or of a text that holds JSON.
        case member(of: ValueSource, String)
        /// What a text in the language of the pipeline comes to.
        case expression(String)

        /// The task that gives the value.
        var producer: String? {
            switch self {
            case .constant, .input, .expression: nil
            case .output(let task, _), .finalStatus(let task): task
            case .member(let whole, _): whole.producer
            }
        }
    }

    /// A loop.
    package struct Iterator: Sendable, Hashable {
        /// The list.
        package let items: ValueSource
        /// The component's input that gets the item; nil where expressions see it, and the condition is one of the item.
        package let itemInput: String?
        /// Whether the items are artifacts and no values.
        package let isOverArtifacts: Bool
        /// How many run at the same time; nil for any number.
        package let parallelism: Int?

        /// A loop.
        package init(items: ValueSource, itemInput: String?, isOverArtifacts: Bool = false, parallelism: Int?) {
            self.items = items
            self.itemInput = itemInput
            self.isOverArtifacts = isOverArtifacts
            self.parallelism = parallelism
        }
    }

    /// A task without inputs.
    package init(component: String) { self.component = component }

    /// The tasks that its values come from.
    package var producers: Set<String> {
        var found = Set((Array(parameters.values) + Array(artifacts.values)).compactMap(\.producer))
        if let producer = iterator?.items.producer { found.insert(producer) }
        return found
    }
}

/// Something that only so many tasks of all runs hold at the same time.
package struct LockRequest: Sendable, Hashable {
    /// Its name, in the language of the pipeline.
    package let name: String
    /// Whether one task alone holds it; else as many as its limit says.
    package let isExclusive: Bool

    /// A request.
    package init(name: String, isExclusive: Bool) {
        self.name = name
        self.isExclusive = isExclusive
    }
}

/// Under what a result is remembered.
package struct Memo: Sendable, Hashable {
    /// The group of results.
    package let cache: String
    /// The key within it, in the language of the pipeline.
    package let key: String
    /// Seconds after which a result is too old; nil for never.
    package let maximumAgeSeconds: Double?

    /// A place in a cache.
    package init(cache: String, key: String, maximumAgeSeconds: Double?) {
        self.cache = cache
        self.key = key
        self.maximumAgeSeconds = maximumAgeSeconds
    }
}

/// What is done when an attempt of a task fails.
package struct RetryPolicy: Sendable, Hashable {
    /// How often it is tried again.
    package var limit = 0
    /// Seconds before the first retry.
    package var delaySeconds: Double = 0
    /// What the delay is multiplied with from one retry to the next.
    package var factor: Double = 2
    /// Seconds that no delay goes beyond.
    package var longestDelaySeconds: Double = 3600
    /// Which ends are tried again.
    package var scope = Scope.all
    /// Must hold for another attempt, in the language of the pipeline.
    package var condition: String?
    /// Seconds after its beginning in which it is tried again.
    package var durationSeconds: Double?

    /// Which ends of attempts are tried again.
    package enum Scope: Sendable, Hashable {
        /// All but good ones.
        case all
        /// Those of commands that said by their exit status that they failed.
        case failures
        /// Those of commands that could not be run, or that nobody knows the end of.
        case errors
    }

    /// Never again.
    package init() {}

    /// Seconds before the retry after `retries` of them.
    func delay(after retries: Int) -> Double {
        var delay = delaySeconds
        for _ in 0..<min(retries, 64) where delay < longestDelaySeconds { delay *= factor }
        return min(delay, longestDelaySeconds)
    }
}
