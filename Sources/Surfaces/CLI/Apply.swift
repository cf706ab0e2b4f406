// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import GyreAPI
internal import GyreBase
internal import GyreYAML

struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Set what a project's gyre.yaml says, or serve what KServe's InferenceService and InferenceGraph say.",
        discussion: "Example: gyre apply -f Examples/flights/gyre.yaml")

    @Option(name: .shortAndLong, help: "The file.") var file: String
    @Flag(help: "Read and check the file, and change nothing.") var dryRun = false
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let documents = try YAML.documents(try FileText.read(file))
        if documents.contains(where: Self.isManifest) { return try await apply(documents) }
        let project = try Self.read(file)
        if dryRun { return try await tryApplying(project) }
        let applied = try await connection.with(creating: true) {
            try await $0.post(API.ProjectApplied.self, "/projects", project)
        }
        output.render(applied, ids: [applied.project]) { "The project \"\(applied.project)\" is set." }
    }

    private func tryApplying(_ project: JSONValue) async throws {
        let plan = try await connection.post(API.ProjectApplied.self, "/projects?dry_run=true", project)
        output.render(plan, ids: [plan.project]) {
            let changed = plan.changed ?? []
            let name = plan.project
            if plan.isNew == true {
                return "\(file) can be applied; it would make the project \"\(name)\"."
            }
            return changed.isEmpty
                ? "\(file) can be applied; the project \"\(name)\" says the same already."
                : "\(file) can be applied; it would change \(changed.joined(separator: ", ")) of the project \"\(name)\"."
        }
    }

    private static func isManifest(_ document: JSONValue) -> Bool {
        document["apiVersion"]?.string?.hasPrefix("serving.kserve.io/") ?? false
    }

    private func apply(_ documents: [JSONValue]) async throws {
        for document in documents where !document.isNull {
            let name = "\(Cell.text(document["kind"]))/\(Cell.text(document["metadata"]?["name"]))"
            if dryRun {
                output.render(document, ids: [name]) { "\(name) can be read." }
                continue
            }
            let answer = try await connection.with(creating: true) { try await $0.call("POST", "/manifests", document) }
            output.render(answer, ids: [name]) { "\(name) is served at \(Cell.text(answer["status"]?["url"]))." }
        }
    }

    /// `gyre.yaml` with the files that it names written in.
    static func read(_ file: String) throws -> JSONValue {
        var json = try YAML.document(try FileText.read(file))
        let folder = (file as NSString).deletingLastPathComponent
        func path(_ name: String) -> String { folder.isEmpty ? name : "\(folder)/\(name)" }
        for member in json["datasets"]?.object?.members ?? [] {
            guard let name = member.value["suite"]?.string else { continue }
            var datasets = json["datasets"] ?? [:]
            var dataset = member.value
            dataset["suite"] = try JSONValue(parsing: try FileText.read(path(name)))
            datasets[member.name] = dataset
            json["datasets"] = datasets
        }
        if let name = json["pipeline"]?["file"]?.string {
            var pipeline = json["pipeline"] ?? [:]
            pipeline["package"] = .string(try FileText.read(path(name)))
            pipeline["file"] = nil
            json["pipeline"] = pipeline
        }
        return json
    }
}

/// Text files that the user names.
enum FileText {
    static func read(_ path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw GyreError(.notFound, "The file \(path) cannot be read.", why: "It is not there, or may not be read.")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
