// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// A stage that is to be written into a `dvc.yaml`.
package struct StageDefinition: Sendable {
    /// What it is called in its file.
    package var name: String
    /// Its command, or several.
    package var commands: [String]
    /// What it reads.
    package var deps: [String] = []
    /// The parameters it depends on: `lr`, or `file.yaml:a,b`.
    package var parameters: [String] = []
    /// What it writes.
    package var outs: [String] = []
    /// What it writes that is not kept.
    package var outsWithoutCache: [String] = []
    /// What it writes and finds there when it runs again.
    package var persistentOuts: [String] = []
    /// Files of numbers that it writes and that are kept.
    package var metrics: [String] = []
    /// Its metrics that are not kept.
    package var metricsWithoutCache: [String] = []
    /// Files of points that it writes and that are kept.
    package var plots: [String] = []
    /// Its plots that are not kept.
    package var plotsWithoutCache: [String] = []
    /// The folder it runs in.
    package var workingFolder: String?
    /// Whether it runs each time.
    package var alwaysChanged = false
    /// What there is to say about it.
    package var description: String?
    /// Whether one of its name is replaced.
    package var force = false

    /// A stage that runs a command.
    package init(name: String, commands: [String]) {
        self.name = name
        self.commands = commands
    }

    /// As `dvc.yaml` has it.
    var document: JSONObject {
        var document = JSONObject()
        document["desc"] = description.map { .string($0) }
        document["cmd"] = commands.count == 1 ? .string(commands[0]) : .strings(commands)
        document["wdir"] = workingFolder.map { .string($0) }
        func sorted(_ names: [String]) -> [String] { names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
        if !deps.isEmpty { document["deps"] = .strings(sorted(deps)) }
        if !parameters.isEmpty { document["params"] = .array(parameterEntries) }
        func flagged(_ plain: [String], _ loose: [String], _ persistent: [String] = []) -> JSONValue? {
            let entries: [(String, JSONValue)] =
                plain.map { ($0, .string($0)) } + loose.map { ($0, .object(JSONObject([($0, ["cache": false])]))) }
                + persistent.map { ($0, .object(JSONObject([($0, ["persist": true])]))) }
            guard !entries.isEmpty else { return nil }
            return .array(entries.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }.map(\.1))
        }
        document["outs"] = flagged(outs, outsWithoutCache, persistentOuts)
        document["metrics"] = flagged(metrics, metricsWithoutCache)
        document["plots"] = flagged(plots, plotsWithoutCache)
        if alwaysChanged { document["always_changed"] = true }
        return document
    }

    /// Names of the usual file first, then other files with theirs.
    private var parameterEntries: [JSONValue] {
        var (usual, files): ([String], [(String, [String])]) = ([], [])
        for text in parameters {
            let parts = text.split(separator: ":", maxSplits: 1)
            let isFile = parts.count == 2 || PipelineFile.isParameterFile(text)
            let names = parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : []
            guard isFile else {
                usual += text.split(separator: ",").map(String.init)
                continue
            }
            files.append((String(parts[0]), names))
        }
        return usual.sorted().map { .string($0) }
            + files.sorted { $0.0 < $1.0 }.map { file, names in
                .object(JSONObject([(file, names.isEmpty ? .null : .strings(names.sorted()))]))
            }
    }
}

extension Repository {
    /// Writes a stage into the `dvc.yaml` of the folder that is worked in; gives the files that git should know of.
    package func addStage(_ definition: StageDefinition) throws(GyreError) -> [String] {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let name = definition.name
        guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" || $0 == "." })
        else {
            throw GyreError(
                .invalid, "\"\(name)\" cannot be the name of a stage.", why: "Letters, digits, - _ and . can.")
        }
        let file = here + "/dvc.yaml"
        let index = try index()
        let old = index.stages.first { $0.pipeline?.file == file && $0.pipeline?.name == name }
        guard old == nil || definition.force else {
            throw GyreError(
                .alreadyExists, "The stage \"\(name)\" is in \(shown(file)) already.", fix: "Use --force to replace it."
            )
        }
        let before = Files.kind(file) == nil ? nil : try Files.text(file)
        try PipelineText.put(name, definition.document, in: file)
        do throws(GyreError) {
            // Read again, so that nothing is left behind that is no pipeline.
            _ = try StageGraph(try self.index())
        } catch {
            if let before { try Files.replace(file, with: before) } else { try Files.remove(file) }
            throw error
        }
        var files = [file]
        let folder = definition.workingFolder.map { Paths.absolute($0, from: here) } ?? here
        for path in definition.outs + definition.persistentOuts + definition.metrics + definition.plots where git != nil
        {
            let absolute = Paths.absolute(path, from: folder)
            guard try git?.ignored(among: [absolute]).isEmpty ?? false, Files.kind(Paths.parent(absolute)) == .folder
            else {
                continue
            }
            let ignored = try GitIgnoreFile.add(absolute)
            if !files.contains(ignored) { files.append(ignored) }
        }
        _ = try stage(files)
        return files
    }

    /// Keeps stages and imports as they are when what they need changes, or no longer does.
    package func freeze(_ targets: [String], _ isFrozen: Bool) throws(GyreError) -> [String] {
        let lock = try lock()
        defer { withExtendedLifetime(lock) {} }
        let index = try index()
        var files: [String] = []
        for number in try select(targets, index) {
            switch index.stages[number].source {
            case .pipeline(let stage):
                guard stage.isFrozen != isFrozen else { continue }
                try PipelineText.set("frozen", isFrozen, of: stage)
                files.append(stage.file)
            case .metafile(var metafile):
                metafile.document["frozen"] = isFrozen ? true : nil
                try Files.replace(metafile.path, with: metafile.newText)
                files.append(metafile.path)
            }
        }
        _ = try stage(files)
        return files
    }
}
