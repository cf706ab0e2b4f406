// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import GyreAPI
internal import GyreBase

extension Model {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Register models from a disk: a file, an MLflow model, a bento, an application of Ray Serve, or a folder in Triton's or MLServer's layout.",
            discussion: """
                Of a folder in Triton's layout each model and version is registered, in the order of their numbers, with its config.pbtxt.
                In MLServer's each folder has a model-settings.json: of scikit-learn, XGBoost, LightGBM and MLflow.
                A folder with a bento.yaml is a bento of BentoML, one with a serve_config.yaml an application of Ray Serve.
                Example: gyre model import ./model_repository
                """)
        @Argument(
            help:
                "A model file, a folder with an MLmodel, a bento.yaml, a serve_config.yaml or a model-settings.json, NAME/1/model.onnx or a folder of such folders."
        )
        var path: String
        @Option(help: "The model's name; the file's or folder's where it is not said. Of one model only.")
        var name: String?
        @Option(name: .shortAndLong, help: "What there is to say about it.") var message = ""
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let found = try LocalModel.find(path, name: name)
            if trial.dryRun { return try await tryImporting(found) }
            let message = message
            let versions = try await connection.with(creating: true) { connection in
                let progress = LineProgress("importing", total: found.reduce(0) { $0 + $1.files.count })
                var versions: [Answer<API.ModelVersion>] = []
                for model in found {
                    var files: [JSONValue] = []
                    for (path, file) in model.files {
                        let blob = try await connection.upload(file: file)
                        files.append(["path": .string(path), "sha256": .string(blob.sha256)])
                        progress.step(1)
                    }
                    versions.append(
                        try await connection.post(
                            API.ModelVersion.self, Percent.path("models", model.name, "versions"),
                            [
                                "files": .array(files), "configuration": .optional(model.configuration),
                                "description": .string(message),
                            ]))
                }
                return versions
            }
            output.render(["versions": .array(versions.map(\.json))], ids: versions.map { LocalModel.ref($0.value) }) {
                versions.map { "\(LocalModel.ref($0.value)) is registered." }.joined(separator: "\n")
            }
        }

        private func tryImporting(_ found: [LocalModel]) async throws {
            let plans = try await connection.with { connection in
                var plans: [Answer<API.RegisterPlan>] = []
                for model in found {
                    let body = trial.marked(["configuration": .optional(model.configuration)])
                    let path = Percent.path("models", model.name, "versions")
                    plans.append(try await connection.post(API.RegisterPlan.self, path, body))
                }
                return plans
            }
            output.render(["versions": .array(plans.map(\.json))], ids: plans.map(\.name)) {
                zip(found, plans).map { model, plan in
                    let new = plan.isNewModel ? ", a new model" : ""
                    return "\(model.files.count) files would be the next version of \(model.name)\(new)."
                }.joined(separator: "\n")
            }
        }
    }

    struct Configure: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "configure",
            abstract:
                "Say by a config.pbtxt how a version is served from its next deployment on: batching, instances, a cache.",
            discussion: "Example: gyre model configure delay --version 3 config.pbtxt")
        @Argument(help: "The model.") var name: String
        @Argument(help: "The file; nothing takes the version's configuration away.") var file: String?
        @Option(help: "A number, an alias or latest.") var version = "latest"
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let text = try file.map { try LocalModel.text($0) }
            let selector = version
            let version = try await connection.post(
                API.ModelVersion.self, Percent.path("models", name, "versions", selector, "configuration"),
                trial.marked(["configuration": .optional(text)]))
            let ref = LocalModel.ref(version.value)
            output.render(version, ids: [ref]) {
                "\(ref) \(trial.dryRun ? "would be" : "is") served so from its next deployment on: gyre endpoint deploy \(name)"
            }
        }
    }
}

/// A model version on this machine's disk.
struct LocalModel {
    let name: String
    let files: [(path: String, file: String)]
    var configuration: String?

    static func ref(_ version: API.ModelVersion) -> String { "model/\(version.name)@\(version.number)" }

    /// What there is at a path.
    static func find(_ path: String, name: String?) throws -> [LocalModel] {
        let manager = FileManager.default
        var isFolder = ObjCBool(false)
        guard unsafe manager.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw GyreError(.notFound, "There is nothing at \(path).")
        }
        let url = URL(fileURLWithPath: path)
        guard isFolder.boolValue else {
            let own = url.deletingPathExtension().lastPathComponent
            return [LocalModel(name: name ?? own, files: [(url.lastPathComponent, path)])]
        }
        if manager.fileExists(atPath: MLServerSettings.file(path)) { return [try MLServerSettings.model(path, name)] }
        let settled = inner(path).map { "\(path)/\($0)" }.filter {
            manager.fileExists(atPath: MLServerSettings.file($0))
        }
        if !settled.isEmpty {
            guard name == nil || settled.count == 1 else { throw severalNames(path, settled.count) }
            return try settled.map { try MLServerSettings.model($0, name) }
        }
        let isOne = manager.fileExists(atPath: "\(path)/MLmodel")
        if !isOne, hasVersions(path) { return try versions(path, name ?? url.lastPathComponent) }
        let models = inner(path).filter { hasVersions("\(path)/\($0)") }
        if isOne || models.isEmpty {
            return [LocalModel(name: name ?? url.lastPathComponent, files: try LocalFiles.find([path]))]
        }
        if name != nil, models.count > 1 {
            throw severalNames(path, models.count)
        }
        var found: [LocalModel] = []
        for model in models { found += try versions("\(path)/\(model)", name ?? model) }
        return found
    }

    private static func severalNames(_ path: String, _ count: Int) -> GyreError {
        GyreError(.invalid, "\(path) has \(count) models, which have names of their own.")
    }

    private static func versions(_ path: String, _ name: String) throws -> [LocalModel] {
        let configuration = "\(path)/config.pbtxt"
        let text = FileManager.default.fileExists(atPath: configuration) ? try self.text(configuration) : nil
        var found: [LocalModel] = []
        for number in inner(path).compactMap(Int.init).sorted() {
            found.append(
                LocalModel(name: name, files: try LocalFiles.find(["\(path)/\(number)"]), configuration: text))
        }
        return found
    }

    /// Folders in a folder; none where it cannot be read, which is told when its files are looked for.
    private static func inner(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { entry in
            var isFolder = ObjCBool(false)
            return unsafe FileManager.default.fileExists(atPath: "\(path)/\(entry)", isDirectory: &isFolder)
                && isFolder.boolValue && !entry.hasPrefix(".")
        }.sorted()
    }

    private static func hasVersions(_ path: String) -> Bool { inner(path).contains { Int($0) ?? 0 > 0 } }

    static func text(_ path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path), data.count <= Limits.bodyBytes else {
            throw GyreError(.notFound, "The file \(path) cannot be read.")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
