// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreYAML

/// What is compared between versions.
package enum ValueKind: Sendable {
    /// Values that stages are run with.
    case parameters
    /// Values that stages write.
    case metrics
}

extension Repository {
    /// The values of all files of a kind in a commit, or in the workspace for nil, by file below the repository.
    ///
    /// `targets`: only these files. What cannot be read is left out.
    package func values(
        _ kind: ValueKind, in revision: String?, targets: [String] = [], onlyDependencies: Bool = false
    ) throws(GyreError) -> [(file: String, values: JSONValue)] {
        let (index, read) = try sources(revision)
        var files: [(path: String, output: Output?)] = []
        func add(_ path: String, _ output: Output? = nil) {
            if !files.contains(where: { $0.path == path }) { files.append((path, output)) }
        }
        var names: [String: [String]?] = [:]
        for stage in index.stages {
            guard let pipeline = stage.pipeline else { continue }
            switch kind {
            case .metrics:
                for output in pipeline.outs where pipeline.metrics.contains(output.path) {
                    add(pipeline.path(of: output), output)
                }
            case .parameters:
                for (file, wanted) in pipeline.parameters {
                    let path = Paths.absolute(file, from: pipeline.folder)
                    add(path)
                    if let wanted, case let old? = names[path] ?? .some([]) {
                        names[path] = .some(old + wanted)
                    } else {
                        names[path] = .some(nil)
                    }
                }
            }
        }
        if kind == .parameters, !onlyDependencies, try read(root + "/params.yaml") != nil { add(root + "/params.yaml") }
        for path in Set(index.stages.compactMap { $0.pipeline?.file } + [root + "/dvc.yaml"]).sorted() {
            guard let text = try read(path) else { continue }
            let document = try PipelineFile.mapping(path, text)
            for element in document[kind == .metrics ? "metrics" : "params"]?.array ?? [] {
                guard let name = element.string else { continue }
                let file = Paths.absolute(name, from: Paths.parent(path))
                add(file, index.owner(of: file).map { index.stages[$0.stage].outs[$0.output] })
            }
        }
        if !targets.isEmpty {
            files = targets.map { target in
                let path = Paths.absolute(target, from: here)
                return files.first { $0.path == path } ?? (path, nil)
            }
        }
        var found: [(String, JSONValue)] = []
        for file in files {
            guard let values = try value(file.path, file.output, revision, read) else { continue }
            // Of other files than the usual one only what stages depend on is looked at.
            let isNarrow = onlyDependencies || (targets.isEmpty && file.path != root + "/params.yaml")
            if kind == .parameters, isNarrow, case let wanted?? = names[file.path] {
                let all = values.object ?? JSONObject()
                let members = wanted.compactMap { name in ParameterValues.value(name, in: all).map { (name, $0) } }
                found.append((place(file.path), .object(JSONObject(merging: members))))
            } else {
                found.append((place(file.path), values))
            }
        }
        return found
    }

    /// What a revision tracks, and how its files are read.
    private func sources(_ revision: String?) throws(GyreError) -> (Index, PipelineFile.Read) {
        guard let revision else { return (try index(), Files.textIfThere) }
        guard let git else {
            throw GyreError(.conflict, "There are no versions to look at.", why: "The repository is not under git.")
        }
        let commit = try self.revision(revision, git)
        let index = try Index(commit: commit, git: git, root: root)
        return (
            index,
            { path throws(GyreError) in
                let name = Paths.relative(path, to: git.root)
                let answer = try git.run(["show", "\(commit):\(name)"])
                guard answer.status == 0 else { return nil }
                return String(decoding: answer.bytes, as: UTF8.self)
            }
        )
    }

    private func value(
        _ path: String, _ output: Output?, _ revision: String?, _ read: PipelineFile.Read
    ) throws(GyreError) -> JSONValue? {
        var text = try read(path)
        // What git does not have, the cache may.
        if text == nil, let id = output?.id, cache.contains(id) {
            text = String(decoding: try cache.read(id), as: UTF8.self)
        }
        guard let text else { return nil }
        do throws(GyreError) {
            return path.hasSuffix(".json") ? try JSONValue(parsing: text) : try YAML.coreDocument(text)
        } catch {
            // What was committed long ago cannot be mended; what is here can.
            guard revision == nil else { return nil }
            throw GyreError(
                .invalid, "\"\(shown(path))\" cannot be read.", why: error.why ?? error.what, fix: "Mend the file.")
        }
    }

    /// One value that differs.
    package struct ValueChange: Sendable {
        /// Where the value stands, below the repository.
        package let file: String
        /// The value's name, as in `train.lr`.
        package let name: String
        /// What it was.
        package let old: JSONValue?
        /// What it is.
        package let new: JSONValue?

        /// By how much it differs, for numbers.
        package var difference: JSONValue? {
            switch (old, new) {
            case (let one?, let other?):
                // As Python counts: true is 1.
                let (before, after) = (Self.number(one), Self.number(other))
                if case (.int(let from)?, .int(let to)?) = (before, after) { return .int(to &- from) }
                guard let from = before?.double, let to = after?.double else { return nil }
                return .double(to - from)
            default: return nil
            }
        }

        private static func number(_ value: JSONValue) -> JSONValue? {
            switch value {
            case .bool(let flag): .int(flag ? 1 : 0)
            case .int, .double: value
            default: nil
            }
        }
    }

    /// What differs between two states of values; with `all` also what does not.
    package static func changes(
        _ old: [(file: String, values: JSONValue)], _ new: [(file: String, values: JSONValue)], all: Bool
    ) -> [ValueChange] {
        var found: [ValueChange] = []
        for file in Set(old.map(\.file) + new.map(\.file)).sorted() {
            func flat(_ side: [(file: String, values: JSONValue)]) -> [(name: String, value: JSONValue)] {
                guard let values = side.first(where: { $0.file == file })?.values else { return [] }
                return values.object == nil ? [("", values)] : ParameterValues.flat(values)
            }
            let (before, after) = (flat(old), flat(new))
            for name in Set(before.map(\.name) + after.map(\.name)).sorted() {
                let (one, other) = (before.first { $0.name == name }?.value, after.first { $0.name == name }?.value)
                guard all || !ParameterValues.isEqual(one, other) else { continue }
                found.append(ValueChange(file: file, name: name, old: one, new: other))
            }
        }
        return found
    }
}
