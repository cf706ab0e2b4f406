// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreBase
internal import GyreDVC

/// How a comparison of values is told.
struct ValueOutput: ParsableArguments {
    @Flag(name: .customLong("json"), help: "As JSON.") var isJSON = false
    @Flag(name: .customLong("md"), help: "As a table of Markdown.") var isMarkdown = false
    @Flag(help: "Also what does not differ.") var all = false

    /// Tells what differs; `what` names a value.
    func show(_ changes: [Repository.ValueChange], what: String, old: String, new: String, withChange: Bool) {
        if isJSON {
            var json = JSONObject()
            for change in changes {
                var entry = JSONObject([("old", Self.plain(change.old)), ("new", Self.plain(change.new))])
                if let difference = change.difference { entry["diff"] = difference }
                var file = json[change.file] ?? .object(JSONObject())
                file[change.name] = .object(entry)
                json[change.file] = file
            }
            return print(String(decoding: PythonText.json(.object(json)), as: UTF8.self))
        }
        guard !changes.isEmpty else { return }
        let header = ["Path", what, old, new] + (withChange ? ["Change"] : [])
        let rows = changes.map { change in
            [change.file, change.name, Self.text(change.old), Self.text(change.new)]
                + (withChange ? [Self.text(change.difference)] : [])
        }
        print(isMarkdown ? MarkdownTable.text([header] + rows) : TextTable(header, rows).text(empty: ""))
    }

    /// Lists and mappings are told as Python writes them.
    private static func plain(_ value: JSONValue?) -> JSONValue {
        switch value {
        case nil: .null
        case .array?, .object?: .string(PythonText.repr(value ?? .null))
        case .some(let value): value
        }
    }

    static func text(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null: "-"
        case .double(let number): Number.readable(number)
        case .bool(let flag): flag ? "True" : "False"
        case .string(let text): text
        case .some(let other): String(decoding: PythonText.json(other), as: UTF8.self)
        }
    }
}

extension DVCCommand {
    struct Params: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "params", abstract: "Parameters that stages are run with.", subcommands: [Diff.self])

        struct Diff: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Show which parameters differ between two commits, or a commit and the workspace.",
                discussion: "Example: gyre dvc params diff main --json")
            @Argument(help: "The older commit.") var old = "HEAD"
            @Argument(help: "The newer commit; the workspace where it is not said.") var new: String?
            @Option(parsing: .upToNextOption, help: "Files; all for none.") var targets: [String] = []
            @Flag(help: "Only those that stages depend on.") var deps = false
            @OptionGroup var output: ValueOutput
            @OptionGroup var options: RepositoryOptions

            func run() async throws {
                let (old, new, targets, deps) = (old, new, targets, deps)
                let (before, after) = try await options.work { repository throws(GyreError) in
                    (
                        try repository.values(.parameters, in: old, targets: targets, onlyDependencies: deps),
                        try repository.values(.parameters, in: new, targets: targets, onlyDependencies: deps)
                    )
                }
                output.show(
                    Repository.changes(before, after, all: output.all), what: "Param", old: old,
                    new: new ?? "workspace",
                    withChange: false)
            }
        }
    }

    struct Metrics: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "metrics", abstract: "Numbers that stages write.", subcommands: [Show.self, Diff.self])

        struct Show: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Show the metrics.", discussion: "Example: gyre dvc metrics show --json")
            @Argument(help: "Files; all for none.") var targets: [String] = []
            @OptionGroup var output: ValueOutput
            @OptionGroup var options: RepositoryOptions

            func run() async throws {
                let targets = targets
                let found = try await options.work { repository throws(GyreError) in
                    try repository.values(.metrics, in: nil, targets: targets)
                }
                if output.isJSON {
                    let files = JSONObject(found.map { ($0.file, ["data": $0.values]) })
                    let json: JSONValue = ["": files.isEmpty ? [:] : ["data": .object(files)]]
                    return print(String(decoding: PythonText.json(json), as: UTF8.self))
                }
                let names = Set(found.flatMap { ParameterValues.flat($0.values).map(\.name) }).sorted()
                let header = ["Path"] + names
                let rows = found.map { file, values in
                    let flat = ParameterValues.flat(values)
                    return [file] + names.map { name in ValueOutput.text(flat.first { $0.name == name }?.value) }
                }
                guard !rows.isEmpty else { return }
                print(output.isMarkdown ? MarkdownTable.text([header] + rows) : TextTable(header, rows).text(empty: ""))
            }
        }

        struct Diff: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract: "Show which metrics differ between two commits, or a commit and the workspace.",
                discussion: "Example: gyre dvc metrics diff HEAD~1 HEAD")
            @Argument(help: "The older commit.") var old = "HEAD"
            @Argument(help: "The newer commit; the workspace where it is not said.") var new: String?
            @Option(parsing: .upToNextOption, help: "Files; all for none.") var targets: [String] = []
            @OptionGroup var output: ValueOutput
            @OptionGroup var options: RepositoryOptions

            func run() async throws {
                let (old, new, targets) = (old, new, targets)
                let (before, after) = try await options.work { repository throws(GyreError) in
                    (
                        try repository.values(.metrics, in: old, targets: targets),
                        try repository.values(.metrics, in: new, targets: targets)
                    )
                }
                output.show(
                    Repository.changes(before, after, all: output.all), what: "Metric", old: old,
                    new: new ?? "workspace",
                    withChange: true)
            }
        }
    }
}
