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
        /// Its tasks, where one run is asked for.
        package var tasks: [PipelineTask]?
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
        /// The process that runs it.
        package var process: Int?
    }

    /// Pipeline runs.
    package struct PipelineRunList: APIObject {
        /// Newest first.
        package var runs: [PipelineRun]
    }

    /// What a task printed.
    package struct TaskLog: APIObject {
        /// The last MiB.
        package var log: String
    }
}
