// SPDX-License-Identifier: Apache-2.0

package import GyreBase

/// What differs between what is written down and what is there.
package struct StageStatus: Sendable {
    /// The stage as people name it.
    package let address: String
    /// `changed deps`, `changed outs` with their paths, `changed command`, `always changed`, in this order.
    package var changes: [JSONValue]
}

extension Repository {
    /// The state of everything, or of what is named.
    package func status(_ targets: [String] = []) throws(GyreError) -> [StageStatus] {
        let index = try index()
        let memory = try memory()
        var found: [StageStatus] = []
        let inspection = Inspection(repository: self, index: index, memory: memory)
        for number in try select(targets, index) {
            let stage = index.stages[number]
            let changes = try inspection.changes(stage)
            if !changes.isEmpty { found.append(StageStatus(address: stage.address(from: here), changes: changes)) }
        }
        return found
    }

    /// The stages that are meant: by file, by name, by the path of an output, by a folder; all for no name.
    package func select(_ targets: [String], _ index: Index) throws(GyreError) -> [Int] {
        guard !targets.isEmpty else { return Array(index.stages.indices) }
        var chosen: [Int] = []
        for target in targets {
            let path = Paths.absolute(target, from: here)
            let named = index.stages.indices.filter { number in
                let stage = index.stages[number]
                let address = stage.address(from: here)
                return stage.metafile?.path == path || address == target
                    || (stage.pipeline != nil && stage.file == path)
                    || stage.pipeline.map { Self.isGroup(address, target, $0) } ?? false
            }
            let owned = named.isEmpty ? index.owner(of: path).map { [$0.stage] } ?? [] : named
            guard !owned.isEmpty else {
                let names =
                    index.stages.map { $0.address(from: here) }
                    + index.stages.flatMap { stage in stage.outs.compactMap { stage.path(of: $0).map(shown) } }
                throw GyreError(
                    .notFound, "\"\(target)\" is neither tracked nor a stage.",
                    fix: Nearest.fix(target, among: names, otherwise: "gyre dvc list . --dvc-only"))
            }
            chosen += owned.filter { !chosen.contains($0) }
        }
        return chosen
    }

    /// `train` means all of `train@a`, `train@b`.
    private static func isGroup(_ address: String, _ target: String, _ stage: PipelineStage) -> Bool {
        stage.name.contains("@") && address.hasPrefix(target + "@")
    }
}

/// Looks at stages one after another; what was measured once is not measured again.
package final class Inspection {
    private let repository: Repository
    private let index: Index
    private let memory: any FileMemory
    private var measured: [String: Measured?] = [:]
    private var parameters: [String: JSONObject] = [:]

    /// Over what an index says.
    package init(repository: Repository, index: Index, memory: any FileMemory) {
        self.repository = repository
        self.index = index
        self.memory = memory
    }

    /// What a path holds; nil for nothing.
    package func measure(_ path: String, stores: Bool = false) throws(GyreError) -> Measured? {
        if !stores, let known = measured[path] { return known }
        let found = try repository.measure(path, ignores: index.ignores, memory: memory, stores: stores)
        measured[path] = .some(found)
        return found
    }

    /// Forgets what was measured at or below a path, since it changed.
    package func forget(_ path: String) {
        measured = measured.filter { !Paths.isInside($0.key, path) && !Paths.isInside(path, $0.key) }
    }

    /// What differs between a stage and what is there; empty for nothing.
    package func changes(_ stage: Stage) throws(GyreError) -> [JSONValue] {
        var changes: [JSONValue] = []
        if let pipeline = stage.pipeline, !pipeline.isFrozen {
            var deps = try changedDeps(pipeline)
            for (file, entry) in try changedParameters(pipeline) { deps[file] = entry }
            if !deps.isEmpty { changes.append(["changed deps": .object(deps)]) }
        }
        let outs = try changedOuts(stage)
        if !outs.isEmpty { changes.append(["changed outs": .object(outs)]) }
        guard let pipeline = stage.pipeline else { return changes }
        if !pipeline.isFrozen, let locked = pipeline.locked, locked["cmd"] != pipeline.commandValue {
            changes.append("changed command")
        }
        let runsAlways = pipeline.alwaysChanged || (!pipeline.isFrozen && pipeline.isCallback)
        if runsAlways { changes.append("always changed") }
        return changes
    }

    private func changedDeps(_ stage: PipelineStage) throws(GyreError) -> JSONObject {
        var found = JSONObject()
        for dep in stage.deps where !dep.path.contains("://") {
            let path = Paths.absolute(dep.path, from: stage.folder)
            let now = try measure(path)
            if let now {
                if now.id != dep.id { found[repository.shown(path)] = "modified" }
            } else {
                found[repository.shown(path)] = "deleted"
            }
        }
        return found
    }

    private func changedOuts(_ stage: Stage) throws(GyreError) -> JSONObject {
        var found = JSONObject()
        for output in stage.outs {
            guard let path = stage.path(of: output) else { continue }
            if let state = try state(output, at: path) { found[repository.shown(path)] = .string(state) }
        }
        return found
    }

    /// `not in cache`, `deleted`, `modified`; nil for an output that is as it should be.
    package func state(_ output: Output, at path: String) throws(GyreError) -> String? {
        if let id = output.id, output.isCached, try !isCached(id, isLegacy: output.isLegacy) { return "not in cache" }
        guard let now = try measure(path) else { return "deleted" }
        guard let id = output.id else { return "modified" }
        if output.isLegacy { return try repository.legacyID(path, now) == id ? nil : "modified" }
        return now.id == id ? nil : "modified"
    }

    /// Whether the cache has an object, and all files of a listing.
    package func isCached(_ id: ObjectID, isLegacy: Bool = false) throws(GyreError) -> Bool {
        if isLegacy, !repository.cache.contains(id) { return Files.kind(repository.cache.legacyPath(id)) == .file }
        guard repository.cache.contains(id) else { return false }
        guard id.isFolder else { return true }
        let files = try Listing.files(try repository.cache.read(id), name: id.text)
        return repository.cache.missing(among: files.entries.map(\.id)).isEmpty
    }

    // MARK: Parameters

    /// The parameters that differ from what the lock says, by file.
    private func changedParameters(_ stage: PipelineStage) throws(GyreError) -> [(String, JSONValue)] {
        var found: [(String, JSONValue)] = []
        for (file, names) in stage.parameters {
            let path = Paths.absolute(file, from: stage.folder)
            let locked = stage.locked?["params"]?[file]?.object
            guard Files.kind(path) != nil else {
                found.append((repository.shown(path), "deleted"))
                continue
            }
            guard let locked else {
                found.append((repository.shown(path), "new"))
                continue
            }
            let now = try values(path)
            var differences = JSONObject()
            for name in names ?? now.members.map(\.name) + locked.members.map(\.name) where differences[name] == nil {
                let value = names == nil ? now[name] : ParameterValues.value(name, in: now)
                if value == nil {
                    differences[name] = "deleted"
                } else if locked[name] == nil {
                    differences[name] = "new"
                } else if !ParameterValues.isEqual(value, locked[name]) {
                    differences[name] = "modified"
                }
            }
            if !differences.isEmpty { found.append((repository.shown(path), .object(differences))) }
        }
        return found
    }

    /// The values of a file of parameters.
    package func values(_ path: String) throws(GyreError) -> JSONObject {
        if let known = parameters[path] { return known }
        let values = try PipelineFile.parameters(path, Files.textIfThere)
        parameters[path] = values
        return values
    }
}
