// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// A task, a group of tasks, or a loop, of one run.
struct RunNode: Sendable {
    /// Its name within the run; empty for the whole.
    let path: String
    /// The group or loop that it is in; nil for the whole.
    let parent: RunMachine.NodeID?
    /// The graph that its definition stands in, by component, and its place there; nil for the whole.
    let definition: (graph: String, place: Int)?
    /// Which item of a loop it is for.
    let item: Int?
    /// The item itself, where expressions see it; forgotten once they have.
    var itemValue: JSONValue?

    /// What it is.
    var kind = Kind.task
    /// Where it stands.
    var phase = Phase.waiting
    /// How it goes.
    var state = PipelineRun.State.pending
    /// For a task that waits, the tasks before it that have not ended.
    var upstreamLeft: Int
    /// For a group or loop: the tasks or iterations in it, and how many of them have not ended.
    var children: Range<RunMachine.NodeID> = 0..<0
    /// How many of the children have not ended.
    var childrenLeft = 0
    /// The next iteration that a loop with a limit begins.
    var nextChild = 0
    /// Tasks of the group that go on now, where it says how many may.
    var active = 0
    /// Tasks of the group that wait for others of it to end.
    var held: [RunMachine.NodeID] = []
    /// Whether its group counts it among those that go on.
    var isCounted = false
    /// Whether nothing more of the group is begun, since it will fail.
    var isFailing = false
    /// What the tasks of a group that was begun again have behind its path.
    var prefix: String
    /// How a group ends whose tasks were stopped.
    var stop: (state: PipelineRun.State, message: String)?
    /// What it holds, or waits to hold.
    var locks: [LockRequest] = []
    /// Whether it was skipped because of what was before it.
    var isBlocked = false
    /// The first child that failed or was stopped.
    var firstFailure: RunMachine.NodeID?
    /// The graph of a group, by component.
    var graph: String?
    /// What goes in; forgotten at the end.
    var inputs = TaskValues()
    /// What came out.
    var outputs = TaskValues()
    /// Attempts so far.
    var attempts = 0
    /// Attempts that ended in failure.
    var failures = 0
    /// Attempts of which nobody knows the end.
    var losses = 0
    /// The process of the attempt that runs.
    var process: Int32?
    /// What was told about its last attempt.
    var note = AttemptNote()
    /// When it goes on by itself.
    var dueAt: Int64?
    /// What went wrong, or why it was skipped.
    var message: String?
    /// When it began.
    var startedAt: Int64?
    /// When it ended.
    var endedAt: Int64?

    init(
        path: String, parent: RunMachine.NodeID?, definition: (graph: String, place: Int)?, item: Int?,
        upstreamLeft: Int
    ) {
        self.path = path
        self.parent = parent
        self.definition = definition
        self.item = item
        self.upstreamLeft = upstreamLeft
        prefix = path.isEmpty ? "" : path + "/"
    }

    /// What a node is.
    enum Kind: String, Sendable {
        case task
        case importer
        case gate
        case group
        case loop
    }

    /// Where a node stands.
    enum Phase: Sendable, Hashable {
        /// For tasks before it.
        case waiting
        /// For its loop or group to let it begin.
        case held
        /// For what it is to hold.
        case locking
        /// Its attempt was asked for.
        case queued
        /// Its attempt runs.
        case running
        /// For the time of the next attempt.
        case retrying
        /// For an answer.
        case asking
        /// Its tasks or iterations go on.
        case open
        /// For good.
        case ended
    }
}
