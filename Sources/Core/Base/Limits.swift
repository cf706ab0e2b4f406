// SPDX-License-Identifier: Apache-2.0

/// Every limit on queues, bodies and loops over input, in one place.
public enum Limits {
    /// Levels of nesting in a JSON document.
    public static let jsonDepth = 200
    /// Nodes of a YAML stream, its aliases written out.
    public static let yamlNodes = 500_000
    /// Bytes of a search filter.
    public static let filterBytes = 65_536
    /// Clauses of a search filter.
    public static let filterClauses = 100
    /// Keys that one search is ordered by.
    public static let orderKeys = 20
    /// Bytes of a pattern in a search filter.
    public static let patternBytes = 4096
    /// Bytes of a name or ref.
    public static let nameBytes = 1024
    /// The longest path of a file below some root, in UTF-8.
    public static let pathBytes = 4096
    /// Bytes of an ordinary JSON request body.
    public static let bodyBytes = 32 << 20
    /// Bytes of an uploaded artifact, streamed to disk.
    public static let artifactBytes: Int64 = 1 << 40
    /// Names of objects that are asked for at once.
    public static let objectNames = 100_000
    /// Bytes of a listing of the files of a folder.
    public static let listingBytes = 128 << 20
    /// Bytes of what one stage did, for others that would do the same.
    public static let sharedRunBytes = 16 << 20
    /// Files in one dataset version.
    public static let datasetFiles = 1_000_000
    /// Writes that wait for the next commit.
    public static let writeQueue = 65_536
    /// Rows of one page of any list.
    public static let pageRows = 50_000
    /// Bytes of log that one task may write; the rest is dropped and counted.
    public static let taskLogBytes = 16 << 20
    /// Items of one loop of a pipeline.
    public static let pipelineTasks = 100_000
    /// Fields of a form with files.
    public static let formParts = 100
    /// Labels of one flow, run, step or task that a client tells of.
    public static let flowTags = 10_000
    /// Bytes of a pattern that data of tasks of flows are looked for by.
    public static let flowPatternBytes = 500
    /// Characters of such a datum that are looked at.
    public static let flowValueLength = 2000
    /// Artifacts or data of tasks that a client tells of at once.
    public static let flowItems = 100_000
    /// Attempts of the tasks of one run that are under way at the same time, those that wait for a place to run among them.
    public static let attemptsAtOnce = 1000
    /// Tasks of a run that are told of with what they wait for.
    public static let waitingTasks = 200
    /// Times that a schedule acts for in one go.
    public static let dueTicks = 100
    /// Times of one back-fill.
    public static let backfillTicks = 10_000
    /// Seconds between two runs of a schedule.
    public static let scheduleSeconds: Int64 = 10 * 366 * 86_400
    /// Runs of one schedule that go on at the same time.
    public static let scheduleRuns = 1000
    /// Tasks, groups and loops of one pipeline run, loops unrolled.
    public static let pipelineNodes = 250_000
    /// Bytes of the standard output of a task that are kept as a result.
    public static let taskOutputBytes = 256 << 10
    /// Words of one expression of a workflow.
    public static let expressionTokens = 10_000
    /// How deep expressions of a workflow are nested.
    public static let expressionDepth = 100
    /// Operators, members and calls of one expression of a workflow.
    public static let expressionOperators = 250
    /// What working out one expression may take: values that are looked at.
    public static let expressionSteps = 500_000
    /// Bytes of a text that an expression makes.
    public static let expressionTextBytes = 1 << 20
    /// Seconds of any wait that a pipeline asks for.
    public static let waitSeconds = 1e9
    /// Bytes of the path of a task: a graph that has itself in it ends there.
    public static let taskPathBytes = 700
    /// Attempts of one task whose end nobody knows, since the server was killed, before it is given up.
    public static let lostAttempts = 3
    /// Tasks of all pipeline runs that run at the same time, where GYRE_RUNNING_TASKS does not say otherwise.
    public static let runningTasks = 2
    /// Nodes that one lineage question visits.
    public static let lineageNodes = 20_000
    /// Predictions held in memory before the oldest waits for a segment to be written.
    public static let predictionBuffer = 200_000
    /// Predictions in one segment of the prediction log.
    public static let predictionSegment = 100_000
    /// Bytes of an inference request, its tensors included.
    public static let tensorBytes = 1 << 30
    /// Inference requests that wait for one model.
    public static let inferenceQueue = 10_000
    /// Mirrored requests that wait or run at the same time; further ones are left out.
    public static let mirroredRequests = 256
    /// Rows in one inference request.
    public static let inferenceRows = 100_000
}
