// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreBase
internal import GyreYAML

/// A kind of object that is applied from a manifest.
enum ManifestKind: String, ExpressibleByArgument, CaseIterable {
    case isvc
    case inferenceservice
    case graph
    case inferencegraph
    case tm
    case trainedmodel

    var plural: String {
        switch self {
        case .isvc, .inferenceservice: "inferenceservices"
        case .tm, .trainedmodel: "trainedmodels"
        case .graph, .inferencegraph: "inferencegraphs"
        }
    }
}

struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what was applied from manifests: isvc, tm (trained models) or graph, with its status.",
        discussion: "Example: gyre get isvc iris -o yaml")

    @Argument(help: "isvc, tm or graph.") var kind: ManifestKind
    @Argument(help: "Its name; all where it is left out.") var name: String?
    @Option(name: .customShort("o"), help: "yaml, for the whole object.") var form: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let path = Percent.path(kind.plural) + (name.map { Percent.path($0) } ?? "")
        let answer = try await connection.with { try await $0.call("GET", path, nil) }
        if form == "yaml" { return print(try YAML.text(answer)) }
        let items = name == nil ? answer["items"]?.array ?? [] : [answer]
        output.render(answer, ids: items.map { Cell.text($0["metadata"]?["name"]) }) {
            TextTable(
                ["NAME", "URL", "READY", "PREV", "LATEST"],
                items.map { item in
                    let traffic = item["status"]?["components"]?["predictor"]?["traffic"]?.array ?? []
                    let ready = item["status"]?["conditions"]?.array?.first { $0["type"]?.string == "Ready" }
                    return [
                        Cell.text(item["metadata"]?["name"]), Cell.text(item["status"]?["url"]),
                        Cell.text(ready?["status"]),
                        traffic.count > 1 ? Cell.text(traffic[0]["percent"]) : "", Cell.text(traffic.last?["percent"]),
                    ]
                }
            ).text(empty: "Nothing is applied yet. Apply a manifest: gyre apply -f FILE")
        }
    }
}

struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop serving what was applied from a manifest.", discussion: "Example: gyre delete isvc iris")

    @Argument(help: "isvc, tm or graph.") var kind: ManifestKind
    @Argument(help: "Its name.") var name: String
    @OptionGroup var trial: DryRunOptions
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await connection.with {
            // An object that can be shown can be deleted.
            try await $0.call(trial.dryRun ? "GET" : "DELETE", Percent.path(kind.plural, name), nil)
        }
        output.render(answer, ids: [name]) {
            trial.dryRun
                ? "\(name), served at \(Cell.text(answer["status"]?["url"])), would be served no longer."
                : "\(name) is served no longer."
        }
    }
}
