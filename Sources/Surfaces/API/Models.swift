// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// Registered models, their versions, and prompts.
extension API {
    /// A registered model.
    package struct ModelSummary: APIObject {
        /// What users call it.
        package var name: String
        /// What it is for.
        package var description: String
        /// How many versions it has.
        package var versions: Int
        /// The newest one.
        package var latest: Int?
        /// Versions by alias.
        package var aliases: [String: Int]
    }

    /// Registered models.
    package struct ModelList: APIObject {
        /// By name.
        package var models: [ModelSummary]
    }

    /// One state of a model, by number.
    package struct ModelVersion: APIObject {
        /// The model.
        package var name: String
        /// Counts from 1.
        package var number: Int
        /// Where its files came from.
        package var source: String
        /// The run that logged it; empty for none.
        package var runId: String
        /// The logged model that it was made of; empty for none.
        package var modelId: String
        /// What is said of it.
        package var description: String
        /// MLflow's stage.
        package var stage: String
        /// Keys and values, as clients set them.
        package var tags: [String: String]
        /// What it takes and gives, where that is known.
        package var signature: JSONValue
        /// A link to its run elsewhere.
        package var runLink: String
        /// Where its artifacts are.
        package var location: String
        /// MAJOR.MINOR.PATCH.
        package var semantic: String
        /// When it was registered.
        package var createdMs: Int64
        /// When it was changed last.
        package var updatedMs: Int64
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// A model with its versions.
    package struct Model: APIObject {
        /// What users call it.
        package var name: String
        /// What it is for.
        package var description: String
        /// Versions by alias.
        package var aliases: [String: Int]
        /// Oldest first.
        package var versions: [ModelVersion]
    }

    /// A model that the server can serve.
    package struct ServedModel: APIObject {
        /// What users call it.
        package var name: String
        /// The version; nil where none can be told.
        package var version: Int?
        /// `READY`, `UNAVAILABLE` and more.
        package var state: String
        /// Why, where it is not ready.
        package var reason: String
        /// What runs it.
        package var platform: String?
        /// Memory that it takes.
        package var bytes: Int64?
        /// Requests that it answered since it was loaded.
        package var requests: Int64?
        /// When it was loaded.
        package var loadedAt: Int64?
        /// When it was asked last.
        package var lastUsedAt: Int64?
    }

    /// What the server can serve.
    package struct ServedModels: APIObject {
        /// By name and version.
        package var models: [ServedModel]
    }

    /// Files that become a version.
    package struct RegisterRequest: APIObject {
        /// What was sent as blobs.
        package var files: [BlobFile]?
        /// A config.pbtxt.
        package var configuration: String?
        /// What is said of it.
        package var description: String?
    }

    /// A file and the blob that holds it.
    package struct BlobFile: APIObject {
        /// Its path in the version.
        package var path: String
        /// The digest of the blob.
        package var sha256: String
        /// Its bytes.
        package var size: Int64?
    }

    /// What registering would make.
    package struct RegisterPlan: APIObject {
        /// The model.
        package var name: String
        /// The version.
        package var number: Int
        /// Whether the model would be new.
        package var isNewModel: Bool
        /// True.
        package var dryRun: Bool
    }

    /// How a version is served from its next deployment on.
    package struct ConfigurationRequest: APIObject {
        /// A config.pbtxt; nil for the usual way.
        package var configuration: String?
    }

    /// Rows that a model is asked for all at once.
    package struct BatchRequest: APIObject {
        /// A dataset, with @version where it is not the newest.
        package var input: String
        /// The dataset that the predictions become a version of; the input's name with `-predictions` where it is not said.
        package var dataset: String?
        /// `parquet` or `csv`.
        package var format: String?
    }

    /// What a model said of a dataset.
    package struct Batch: APIObject {
        /// The model version.
        package var model: String
        /// The dataset version that was read.
        package var input: String
        /// The dataset version with the predictions; in a dry run the dataset that would get one.
        package var dataset: String
        /// How many rows.
        package var rows: Int64?
        /// The digest of the file with the predictions.
        package var sha256: String?
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// How a model that was converted compares with the original.
    package struct Conversion: APIObject {
        /// The model version.
        package var model: String?
        /// Whether their answers are the same.
        package var agrees: Bool?
        /// Why it was not converted, or is not used.
        package var reason: String?
        /// How many rows both were asked.
        package var rows: Int?
        /// The share of rows with the same answer.
        package var same: Double?
        /// The greatest difference of a number.
        package var greatestDifference: Double?
        /// `float` or `double`.
        package var computesIn: String?
        /// The version of the converter.
        package var skl2onnx: String?
        /// The version of scikit-learn.
        package var scikitLearn: String?
        /// The digest of what came of it.
        package var onnxSha256: String?
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// What an alias points at.
    package struct AliasRequest: APIObject {
        /// A number, another alias or `latest`.
        package var version: VersionSelector
    }

    /// An alias and the version it points at.
    package struct Alias: APIObject {
        /// The word that points at a version.
        package var alias: String
        /// The number among those of its model.
        package var version: Int
        /// The version before.
        package var old: Int?
        /// Whether nothing was done.
        package var dryRun: Bool?
    }

    /// The change that is taken back.
    package struct UndoRequest: APIObject {
        /// Its number in the ledger.
        package var seq: Int64
    }

    /// A text with versions, for language models.
    package struct Prompt: APIObject {
        /// What users call it.
        package var name: String
        /// What it is for.
        package var description: String
        /// How many versions it has.
        package var versions: Int
        /// The newest one.
        package var latest: Int?
        /// Versions by alias.
        package var aliases: [String: Int]
        /// Keys and values, as clients set them.
        package var tags: [String: String]
        /// The texts, oldest first, where one prompt is asked for.
        package var texts: [PromptVersion]?
    }

    /// One state of a prompt's text, by number.
    package struct PromptVersion: APIObject {
        /// Counts from 1.
        package var number: Int
        /// The words themselves.
        package var text: String?
        /// `text` or `chat`.
        package var type: String
        /// What was said of the change.
        package var message: String
        /// When it was made.
        package var createdMs: Int64
        /// Keys and values, as clients set them.
        package var tags: [String: String]
    }

    /// Prompts.
    package struct PromptList: APIObject {
        /// By name.
        package var prompts: [Prompt]
    }
}
