// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreBase
internal import GyreDVC

extension DVCCommand {
    struct Repro: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring stages up to date: run what changed, and what needs it.",
            discussion: "Example: gyre dvc repro train --dry")
        @Argument(help: "Stages, files, or outputs; those of the dvc.yaml here for none.") var targets: [String] = []
        @Flag(name: .shortAndLong, help: "Run also what did not change.") var force = false
        @Flag(name: [.customShort("s"), .long], help: "Only what is named.") var singleItem = false
        @Flag(help: "Say what would be run.") var dry = false
        @Flag(help: "Run though the same was run before.") var noRunCache = false
        @Flag(help: "Write down what was made, and leave the cache as it is.") var noCommit = false
        @Flag(name: .shortAndLong, help: "Go on with what does not need a stage that failed.") var keepGoing = false
        @Flag(name: .shortAndLong, help: "Go on with everything when a stage failed.") var ignoreErrors = false
        @Flag(name: .shortAndLong, help: "The whole pipelines of what is named.") var pipeline = false
        @Flag(name: [.customShort("P"), .long], help: "All stages of the repository.") var allPipelines = false
        @Flag(help: "What is named, and what needs it.") var downstream = false
        @Flag(help: "Run what needs a stage that ran, though nothing changed.") var forceDownstream = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let repository = try options.open()
            var wanted = ReproduceOptions()
            wanted.targets = targets
            (wanted.force, wanted.singleItem, wanted.dry) = (force, singleItem, dry)
            (wanted.noRunCache, wanted.noCommit) = (noRunCache, noCommit)
            (wanted.keepGoing, wanted.ignoreErrors) = (keepGoing, ignoreErrors)
            (wanted.pipeline, wanted.allPipelines) = (pipeline, allPipelines)
            (wanted.downstream, wanted.forceDownstream) = (downstream, forceDownstream)
            let (chosen, isQuiet) = (wanted, options.quiet)
            let files = try await Background.run { () throws(GyreError) in
                try repository.reproduce(chosen) { text in if !isQuiet { Spoken.line(text) } }
            }
            options.tellToTrack(files, repository)
            if !options.quiet, files.isEmpty, !dry { print("Data and pipelines are up to date.") }
        }
    }

    struct StageCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "stage", abstract: "The stages of pipelines.", subcommands: [AddStage.self, ListStages.self])

        struct AddStage: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "add", abstract: "Write a stage into dvc.yaml.",
                discussion: "Example: gyre dvc stage add -n train -d data -p train.lr -o model.bin python train.py")
            @Option(name: .shortAndLong, help: "Its name.") var name: String
            @OptionGroup var parts: StageArguments
            @Flag(name: .shortAndLong, help: "Replace one of that name.") var force = false
            @Flag(help: "Run it then.") var run = false
            @Argument(parsing: .captureForPassthrough, help: "Its command.") var command: [String]
            @OptionGroup var options: RepositoryOptions

            func run() async throws {
                let repository = try options.open()
                var definition = parts.definition(name, command)
                definition.force = force
                let (wanted, name, runs) = (definition, name, run)
                let files = try await Background.run { () throws(GyreError) in
                    let files = try repository.addStage(wanted)
                    Spoken.line("Added stage '\(name)' in 'dvc.yaml'")
                    guard runs else { return files }
                    var reproduce = ReproduceOptions()
                    reproduce.targets = [name]
                    reproduce.singleItem = true
                    return files
                        + (try repository.reproduce(reproduce, say: Spoken.line)).filter { !files.contains($0) }
                }
                options.tellToTrack(files, repository)
            }
        }

        struct ListStages: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "list", abstract: "List the stages.", discussion: "Example: gyre dvc stage list --all")
            @Flag(name: .long, help: "All of the repository.") var all = false
            @Flag(help: "Names only.") var nameOnly = false
            @OptionGroup var options: RepositoryOptions

            func run() async throws {
                let repository = try options.open()
                let index = try repository.index()
                let stages = index.stages.filter { all || $0.file == repository.here + "/dvc.yaml" }
                let names = stages.map { $0.address(from: repository.here) }
                if nameOnly { return print(names.joined(separator: "\n")) }
                let width = names.map(\.count).max() ?? 0
                for (stage, name) in zip(stages, names) {
                    let about = stage.pipeline?.description ?? Self.outputs(stage)
                    print(name + String(repeating: " ", count: width - name.count) + "  " + about)
                }
            }

            private static func outputs(_ stage: Stage) -> String {
                let reports = stage.pipeline.map { $0.metrics.union($0.plots.map(\.path)) } ?? []
                let outs = stage.outs.map(\.path).filter { !reports.contains($0) }
                let parts = [
                    outs.isEmpty ? nil : "Outputs " + outs.joined(separator: ", "),
                    reports.isEmpty
                        ? nil : "Reports " + stage.outs.map(\.path).filter(reports.contains).joined(separator: ", "),
                ]
                return parts.compactMap { $0 }.joined(separator: "; ")
            }
        }
    }

    struct Freeze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep stages as they are when what they need changes.",
            discussion: "Example: gyre dvc freeze prepare")
        @Argument(help: "Stages or files.") var targets: [String]
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let targets = targets
            _ = try await options.work { repository throws(GyreError) in try repository.freeze(targets, true) }
        }
    }

    struct Unfreeze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let frozen stages run again.", discussion: "Example: gyre dvc unfreeze prepare")
        @Argument(help: "Stages or files.") var targets: [String]
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let targets = targets
            _ = try await options.work { repository throws(GyreError) in try repository.freeze(targets, false) }
        }
    }

    struct Dag: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show which stages need which.", discussion: "Example: gyre dvc dag --mermaid")
        @Argument(help: "A stage; everything it needs is shown.") var target: String?
        @Flag(help: "In the language of Graphviz.") var dot = false
        @Flag(help: "In the language of Mermaid.") var mermaid = false
        @Flag(name: .customLong("md"), help: "In Mermaid, for Markdown.") var isMarkdown = false
        @Flag(name: .shortAndLong, help: "Outputs in place of stages.") var outs = false
        @Flag(help: "The whole pipeline of the stage.") var full = false
        @OptionGroup var options: RepositoryOptions

        func run() async throws {
            let repository = try options.open()
            let index = try repository.index()
            let graph = try StageGraph(index)
            var chosen = Array(index.stages.indices)
            if let target {
                let stages = try repository.select([target], index)
                chosen = full ? graph.pipelines(of: stages) : graph.order(for: stages)
            }
            let nodes = names(index, chosen, repository)
            var edges: [(String, String)] = []
            for stage in chosen {
                for need in graph.upstream[stage] where chosen.contains(need) {
                    for one in nodes[need] ?? [] { for other in nodes[stage] ?? [] { edges.append((one, other)) } }
                }
            }
            let all = chosen.flatMap { nodes[$0] ?? [] }
            if dot {
                print("strict digraph {")
                for name in all { print("\"\(name)\";") }
                for (one, other) in edges { print("\"\(one)\" -> \"\(other)\";") }
                print("}")
            } else if mermaid || isMarkdown {
                let sorted = all.sorted()
                let numbers = Dictionary(sorted.enumerated().map { ($0.element, $0.offset + 1) }) { first, _ in first }
                if isMarkdown { print("```mermaid") }
                print("flowchart TD")
                for (index, name) in sorted.enumerated() { print("\tnode\(index + 1)[\"\(name)\"]") }
                for (one, other) in edges.sorted(by: { $0 < $1 }) {
                    print("\tnode\(numbers[one] ?? 0)-->node\(numbers[other] ?? 0)")
                }
                if isMarkdown { print("```") }
            } else {
                for stage in graph.order(for: chosen) where chosen.contains(stage) {
                    let needs = graph.upstream[stage].flatMap { nodes[$0] ?? [] }
                    for name in nodes[stage] ?? [] {
                        print(name + (needs.isEmpty ? "" : "  <- " + needs.joined(separator: ", ")))
                    }
                }
            }
        }

        private func names(_ index: Index, _ chosen: [Int], _ repository: Repository) -> [Int: [String]] {
            var names: [Int: [String]] = [:]
            for stage in chosen {
                names[stage] =
                    outs
                    ? index.stages[stage].outs.compactMap { index.stages[stage].path(of: $0).map(repository.shown) }
                    : [index.stages[stage].address(from: repository.here)]
            }
            return names
        }
    }
}

/// What is said while stages run: on standard output at once, so that it stands before what a command writes.
enum Spoken {
    static func line(_ text: String) {
        print(text)
        StandardOutput.flush()
    }
}

/// The parts of a stage.
struct StageArguments: ParsableArguments {
    @Option(name: .shortAndLong, help: "What it reads; may be repeated.") var deps: [String] = []
    @Option(name: .shortAndLong, help: "Parameters it depends on: NAME, or FILE:NAME,NAME.") var params: [String] = []
    @Option(name: .shortAndLong, help: "What it writes.") var outs: [String] = []
    @Option(name: [.customShort("O"), .long], help: "What it writes that is not kept.") var outsNoCache: [String] = []
    @Option(help: "What it writes and finds there when it runs again.") var outsPersist: [String] = []
    @Option(name: .shortAndLong, help: "Its metrics.") var metrics: [String] = []
    @Option(name: [.customShort("M"), .long], help: "Its metrics that are not kept.") var metricsNoCache: [String] = []
    @Option(help: "Its plots.") var plots: [String] = []
    @Option(help: "Its plots that are not kept.") var plotsNoCache: [String] = []
    @Option(name: .shortAndLong, help: "The folder it runs in.") var wdir: String?
    @Flag(help: "It runs each time.") var alwaysChanged = false
    @Option(help: "What there is to say about it.") var desc: String?

    func definition(_ name: String, _ command: [String]) -> StageDefinition {
        var definition = StageDefinition(name: name, commands: [Self.text(command)])
        definition.deps = deps
        definition.parameters = params
        (definition.outs, definition.outsWithoutCache, definition.persistentOuts) = (outs, outsNoCache, outsPersist)
        (definition.metrics, definition.metricsWithoutCache) = (metrics, metricsNoCache)
        (definition.plots, definition.plotsWithoutCache) = (plots, plotsNoCache)
        definition.workingFolder = wdir
        definition.alwaysChanged = alwaysChanged
        definition.description = desc
        return definition
    }

    /// One word is a command as it stands; several are put together.
    private static func text(_ words: [String]) -> String {
        let words = words.first == "--" ? Array(words.dropFirst()) : words
        guard words.count > 1 else { return words.first ?? "" }
        return words.map { word in
            word.contains(where: { $0 == " " || $0 == "\"" })
                ? "\"" + word.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" : word
        }.joined(separator: " ")
    }
}
