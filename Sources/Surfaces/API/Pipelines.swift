// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Projects, pipeline runs and their tasks.
extension API {
    /// What a gyre.yaml describes, in short.
    package struct ProjectSummary: APIObject {
        /// What users call it.
        package var name: String
        /// The model it makes.
        package var model: String
        /// The endpoint it serves.
        package var endpoint: String
    }

    /// Projects.
    package struct ProjectList: APIObject {
        /// By name.
        package var projects: [ProjectSummary]
    }

    /// A project that was set.
    package struct ProjectApplied: APIObject {
        /// Its name.
        package var project: String
        /// `project/NAME@…`.
        package var ref: String
        /// Members of gyre.yaml that differ, in a dry run.
        package var changed: [String]?
        /// Whether there was none before, in a dry run.
        package var isNew: Bool?
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// A training.
    package struct TrainRequest: APIObject {
        /// Why.
        package var reason: String?
        /// Values that differ from the project's.
        package var parameters: [String: JSONValue]?
    }

    /// What a training would read.
    package struct TrainPlan: APIObject {
        /// What it is done for, as gyre.yaml calls it.
        package var project: String
        /// What ran, or would run: `pipeline/NAME@…`.
        package var pipeline: String
        /// What the training set would be made of.
        package var datasets: [String]
        /// The parameter that gets the set.
        package var trainingParameter: String
        /// Values of the pipeline's parameters.
        package var parameters: JSONValue
        /// True.
        package var dryRun: Bool
    }

    /// A pipeline run.
    package struct RunRequest: APIObject {
        /// The YAML that the kfp compiler wrote.
        package var package: String
        /// Values of its parameters.
        package var parameters: [String: JSONValue]?
        /// Why.
        package var reason: String?
        /// Whether results of earlier runs are taken.
        package var cache: Bool?
        /// What people call it.
        package var name: String?
    }

    /// Which tasks of a run are run again.
    package struct RetryRequest: APIObject {
        /// A task that is run again with all that depend on it; null for those that did not succeed.
        package var from: String?
    }

    /// An answer to what a task asks.
    package struct AnswerRequest: APIObject {
        /// The task's path.
        package var task: String
        /// Whether the run may go on.
        package var approve: Bool
        /// Values that the task gives.
        package var values: [String: JSONValue]?
        /// Why.
        package var reason: String?
    }

    /// Whether a run is held back.
    package struct PauseRequest: APIObject {
        /// True to begin nothing more of it for now, false to go on.
        package var paused: Bool
    }

    /// How a run is stopped.
    package struct StopRequest: APIObject {
        /// Why; it stands with the run.
        package var message: String?
    }

    /// A task that is not to be run.
    package struct PassOverRequest: APIObject {
        /// The task's path.
        package var task: String
        /// Why; it stands with the task.
        package var reason: String?
    }

    /// How many tasks hold something at the same time.
    package struct LockLimit: APIObject {
        /// What tasks ask for.
        package var name: String
        /// How many hold it; null for a limit that was removed.
        package var limit: Int?
        /// Who holds it now: tasks, by run and path.
        package var holders: [String]
    }

    /// A limit to set.
    package struct LockLimitRequest: APIObject {
        /// What tasks ask for.
        package var name: String
        /// How many hold it at the same time; null to remove the limit.
        package var limit: Int?
    }

    /// Limits.
    package struct LockLimitList: APIObject {
        /// By name.
        package var limits: [LockLimit]
    }

    /// Whether a run is left out of lists.
    package struct ArchiveRequest: APIObject {
        /// True to leave it out.
        package var archived: Bool
    }

    /// A package to look at.
    package struct PackageRequest: APIObject {
        /// The YAML that the kfp compiler wrote.
        package var package: String
    }

    /// What a package is made of.
    package struct PackageOutline: APIObject {
        /// `pipeline/NAME@…`.
        package var pipeline: String
        /// What it takes.
        package var parameters: [PackageParameter]
        /// Its tasks in an order in which they could run.
        package var tasks: [PackageTask]
    }

    /// What a package takes.
    package struct PackageParameter: APIObject {
        /// What it is called.
        package var name: String
        /// double, integer, string, boolean, list or structure.
        package var type: String
        /// Its value where none is given.
        package var `default`: JSONValue
        /// Whether it may be absent.
        package var isOptional: Bool
    }

    /// One step of what was compiled, before it runs.
    package struct PackageTask: APIObject {
        /// Its name within the pipeline.
        package var path: String
        /// `task`, `importer`, `gate`, `group` or `loop`.
        package var kind: String
        /// Tasks right before it.
        package var upstream: [String]
        /// When it runs at all.
        package var condition: String?
        /// The image of its command.
        package var image: String?
        /// Whether it runs whatever the ends of those before it.
        package var runsAfterFailure: Bool
        /// How often it is tried again.
        package var retries: Int
    }

    /// What can be run by name, with its packages.
    package struct RegisteredPipeline: APIObject {
        /// What tells it apart.
        package var id: String
        /// What it is registered under.
        package var name: String
        /// What people call it.
        package var displayName: String
        /// What it does.
        package var description: String
        /// Labels.
        package var tags: [String: String]
        /// When it was registered.
        package var createdAt: Int64
        /// Its versions, newest first.
        package var versions: [PipelineVersion]
    }

    /// One compiled package of a registered pipeline.
    package struct PipelineVersion: APIObject {
        /// What tells it apart.
        package var id: String
        /// The registered pipeline, by id.
        package var pipeline: String
        /// What it is called within the pipeline.
        package var name: String
        /// What people call it.
        package var displayName: String
        /// What is new in it.
        package var description: String
        /// Labels.
        package var tags: [String: String]
        /// Where its code is said to be.
        package var codeSource: String
        /// The digest of the compiled package.
        package var compiled: String
        /// `pipeline/NAME@…`.
        package var ref: String
        /// When it was made.
        package var createdAt: Int64
    }

    /// Registered pipelines.
    package struct RegisteredPipelineList: APIObject {
        /// By name.
        package var pipelines: [RegisteredPipeline]
    }

    /// A package to register.
    package struct RegisterPipelineRequest: APIObject {
        /// The YAML that the kfp compiler wrote.
        package var package: String
        /// What the version is called; null for a number.
        package var version: String?
        /// What is new in it, or what the pipeline does.
        package var description: String?
    }

    /// A schedule to keep.
    package struct ScheduleRequest: APIObject {
        /// What people call it.
        package var name: String
        /// The YAML that the kfp compiler wrote; null where a registered pipeline is named.
        package var package: String?
        /// A registered pipeline.
        package var pipeline: String?
        /// The version, by name; null for the newest at the time of each run.
        package var version: String?
        /// `minute hour day-of-month month day-of-week`, with seconds in front where there are six fields.
        package var cron: String?
        /// The zone whose clocks are meant; UTC where null.
        package var zone: String?
        /// In place of cron: every so many seconds.
        package var intervalSeconds: Int64?
        /// In place of times: each time that a version of this dataset is accepted.
        package var onDataset: String?
        /// In place of times: each time that a run of this pipeline ends.
        package var onPipeline: String?
        /// How that run must end: `succeeded`, `failed`, `canceled`; null for any end.
        package var onState: String?
        /// In place of times: when somebody calls it, and then alone.
        package var onCall: Bool?
        /// Before this time it starts none.
        package var startsAt: Int64?
        /// After this time it starts none.
        package var endsAt: Int64?
        /// Values of the pipeline's parameters.
        package var parameters: [String: JSONValue]?
        /// allow, forbid or replace; allow where null.
        package var overlap: String?
        /// How many runs of it go on at the same time; 1 where null.
        package var mostRunning: Int?
        /// Whether every time that was missed is made up for, and not the last alone; false where null.
        package var catchUp: Bool?
        /// Whether results of earlier runs are taken.
        package var cache: Bool?
        /// What it is for.
        package var description: String?
    }

    /// When a pipeline is run by itself.
    package struct Schedule: APIObject {
        /// What tells it apart.
        package var id: String
        /// What people call it.
        package var name: String
        /// What it is for.
        package var description: String
        /// Times as cron writes them.
        package var cron: String?
        /// The zone whose clocks are meant.
        package var zone: String?
        /// In place of cron: every so many seconds.
        package var intervalSeconds: Int64?
        /// In place of times: each time that a version of this dataset is accepted.
        package var onDataset: String?
        /// In place of times: each time that a run of this pipeline ends.
        package var onPipeline: String?
        /// How that run must end: `succeeded`, `failed`, `canceled`; null for any end.
        package var onState: String?
        /// In place of times: when somebody calls it, and then alone.
        package var onCall: Bool?
        /// Seconds after which a time that was missed is not made up for any more.
        package var latestStartSeconds: Int64?
        /// The place in the ledger up to which it has acted on what happened.
        package var lastFact: Int64
        /// Before this time it starts none.
        package var startsAt: Int64?
        /// After this time it starts none.
        package var endsAt: Int64?
        /// The compiled package that it runs, by digest.
        package var package: String?
        /// The registered pipeline that it runs, by id.
        package var pipeline: String?
        /// The version of it, by id; null for the newest.
        package var version: String?
        /// Values of the pipeline's parameters.
        package var parameters: JSONValue
        /// Where no other run has the names of its runs; null where others may.
        package var namespace: String?
        /// The group that its runs are counted in.
        package var experiment: String?
        /// What its client keeps with it.
        package var annotations: JSONValue
        /// Whether results of earlier runs are taken.
        package var usesCache: Bool
        /// allow, forbid or replace.
        package var overlap: String
        /// How many runs of it go on at the same time.
        package var mostRunning: Int
        /// Whether every time that was missed is made up for.
        package var catchesUp: Bool
        /// Whether it starts runs at all.
        package var isEnabled: Bool
        /// Who made it.
        package var actor: String
        /// When it was made.
        package var createdAt: Int64
        /// The last time that it acted for.
        package var lastTick: Int64?
        /// Earlier times that it is still to act for.
        package var backlog: [Int64]
        /// How often it has started a run.
        package var started: Int
        /// What kept it from starting the last run.
        package var problem: String?
        /// The next times, where it is enabled.
        package var next: [Int64]
    }

    /// Schedules.
    package struct ScheduleList: APIObject {
        /// By name.
        package var schedules: [Schedule]
    }

    /// Whether a schedule starts runs.
    package struct EnableRequest: APIObject {
        /// False to pause it.
        package var enabled: Bool
    }

    /// A call of a schedule.
    package struct CallRequest: APIObject {
        /// Values of parameters, in place of those that the schedule has.
        package var parameters: [String: JSONValue]?
    }

    /// A range to act for.
    package struct BackfillRequest: APIObject {
        /// The first time.
        package var from: Int64
        /// The last time.
        package var to: Int64
    }

    /// What a back-fill starts.
    package struct Backfill: APIObject {
        /// What tells the schedule apart.
        package var schedule: String
        /// The times, in order.
        package var times: [Int64]
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// What a task waits for.
    package struct WaitingTask: APIObject {
        /// Its name within the run.
        package var path: String
        /// What keeps it from going on.
        package var reason: String
    }

    /// One execution of a pipeline.
    package struct PipelineRun: APIObject {
        /// What tells it apart; the server makes it.
        package var id: String
        /// What people call it.
        package var name: String
        /// `pipeline/NAME@…`.
        package var pipeline: String
        /// The digest of the compiled package.
        package var compiled: String
        /// Where no other run has its name; null where others may.
        package var namespace: String?
        /// Whether nothing of it was to be begun until somebody said so.
        package var startsPaused: Bool
        /// The group of runs that it is counted in.
        package var experiment: String?
        /// The schedule that started it.
        package var schedule: String?
        /// The time that the schedule meant.
        package var scheduledAt: Int64?
        /// What its client keeps with it.
        package var annotations: JSONValue
        /// Whether it is left out of lists.
        package var isArchived: Bool
        /// How often it was let go on after it had ended.
        package var reopenings: Int
        /// Values of the parameters.
        package var parameters: JSONValue
        /// Who started it.
        package var actor: String
        /// Why.
        package var reason: String
        /// What it is for: ordinary, training or reproduction.
        package var purpose: JSONValue
        /// What floating addresses meant when it started.
        package var resolved: [String: String]
        /// Whether results of earlier runs are taken.
        package var usesCache: Bool
        /// `PENDING`, `RUNNING`, `SUCCEEDED`, `FAILED` and more.
        package var state: String
        /// What went wrong.
        package var message: String?
        /// When it started.
        package var startedAt: Int64
        /// When it ended.
        package var endedAt: Int64?
        /// What it gave.
        package var outputs: JSONValue
        /// Its tasks by path, where one run is asked for: a page of them.
        package var tasks: [PipelineTask]?
        /// What the next page of its tasks is asked for with; null for the last.
        package var nextTask: String?
        /// What tasks of it wait for, where one run is asked for.
        package var waiting: [WaitingTask]?
        /// Whether nothing was run.
        package var dryRun: Bool?
    }

    /// A task of a run.
    package struct PipelineTask: APIObject {
        /// What it belongs to, by id.
        package var run: String
        /// Its name within the run.
        package var path: String
        /// Tasks right before it.
        package var upstream: [String]
        /// `task`, `importer`, `gate`, `group` or `loop`.
        package var kind: String
        /// The component that it runs.
        package var component: String
        /// What people call it.
        package var name: String
        /// What went in: parameters, and refs of artifacts.
        package var inputs: JSONValue
        /// As of runs.
        package var state: String
        /// How often it was tried.
        package var attempts: Int
        /// Whether its result came from the cache.
        package var cacheHit: Bool
        /// Why, or why not.
        package var cacheReason: String
        /// What went wrong.
        package var message: String?
        /// When it started.
        package var startedAt: Int64?
        /// When it ended.
        package var endedAt: Int64?
        /// What it gave.
        package var outputs: JSONValue
        /// What ran its last attempt: `process`, `container`; empty where nothing did.
        package var executor: String
        /// The exit status of its last attempt, where it came to one.
        package var exitStatus: Int?
        /// Whether it was skipped because of what was before it, and not by its own condition.
        package var isBlocked: Bool
        /// The process that runs it.
        package var process: Int?
    }

    /// Pipeline runs.
    package struct PipelineRunList: APIObject {
        /// Newest first.
        package var runs: [PipelineRun]
        /// How many fit.
        package var total: Int
        /// What the next page is asked for with; null for the last.
        package var next: String?
    }

    /// What a task printed.
    package struct TaskLog: APIObject {
        /// What was asked for: the last MiB, or what came after a place.
        package var log: String
        /// The place in bytes where it ends.
        package var end: Int64
        /// Whether more may come.
        package var isRunning: Bool
    }
}
