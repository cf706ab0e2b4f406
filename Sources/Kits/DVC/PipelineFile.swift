// SPDX-License-Identifier: Apache-2.0

package import GyreBase
internal import GyreYAML

/// A `dvc.yaml`: its stages, loops unrolled and templates resolved.
package struct PipelineFile {
    /// Gives the text of a file of one version, nil where it has none.
    package typealias Read = (String) throws(Failure) -> String?
    /// What reading may fail with: what cannot be read must not pass for what is not there.
    package typealias Failure = GyreError

    private let path: String
    private let read: Read
    private let document: JSONObject
    private let lock: JSONObject
    private var stages: [PipelineStage] = []
    /// The most stages that loops make.
    private static let mostStages = 10_000

    /// The stages of the file at a path; `read` gives the text of a file of the same version.
    package static func stages(
        _ path: String, read: @escaping Read
    ) throws(GyreError) -> [PipelineStage] {
        var file = try PipelineFile(path: path, read: read)
        try file.collect()
        return file.stages
    }

    private init(path: String, read: @escaping Read) throws(GyreError) {
        self.path = path
        self.read = read
        document = try Self.mapping(path, read(path) ?? "")
        let lockPath = Paths.parent(path) + "/dvc.lock"
        let lockDocument = try read(lockPath).map { text throws(GyreError) in try Self.mapping(lockPath, text) }
        lock = lockDocument?["stages"]?.object ?? (lockDocument?["schema"] == nil ? lockDocument : nil) ?? JSONObject()
    }

    static func mapping(_ path: String, _ text: String) throws(GyreError) -> JSONObject {
        let value: JSONValue
        do { value = try YAML.coreDocument(text) } catch {
            let hasMarks = text.contains("<<<<<<<")
            throw GyreError(
                .invalid, "\"\(path)\" cannot be read.", why: error.why ?? error.what,
                fix: hasMarks ? "A merge left its marks in it; settle them." : nil)
        }
        guard let object = value.object ?? (value.isNull ? JSONObject() : nil) else {
            throw GyreError(.invalid, "\"\(path)\" holds \(value.kindName).", why: "It has members.")
        }
        return object
    }

    /// Whether a file of this name may be one that parameters are read from.
    package static func isParameterFile(_ name: String) -> Bool {
        [".yaml", ".yml", ".json", ".toml", ".py"].contains { name.hasSuffix($0) }
    }

    private mutating func collect() throws(GyreError) {
        let folder = Paths.parent(path)
        var context = JSONObject()
        if try read(folder + "/params.yaml") != nil { context = try Self.parameters(folder + "/params.yaml", read) }
        context = try Self.merged(context, document["vars"], folder: folder, in: path, read)
        for member in document["stages"]?.object?.members ?? [] {
            guard let definition = member.value.object else {
                throw GyreError(.invalid, "The stage \"\(member.name)\" in \"\(path)\" is \(member.value.kindName).")
            }
            try take(member.name, definition, context)
            guard stages.count <= Self.mostStages else {
                throw GyreError(.limitExceeded, "\"\(path)\" has more than \(Self.mostStages) stages.")
            }
        }
    }

    private mutating func take(_ name: String, _ definition: JSONObject, _ context: JSONObject) throws(GyreError) {
        let template = Template(context: context)
        func place(_ what: String) -> Template.Place { Template.Place(file: path, what: "stages.\(name).\(what)") }
        if let data = definition["foreach"] {
            guard let body = definition["do"]?.object else {
                throw GyreError(.invalid, "The stage \"\(name)\" in \"\(path)\" has a foreach without a do.")
            }
            let items = try template.resolved(data, isCommand: false, place("foreach"))
            switch items {
            case .array(let elements):
                let isComposite = elements.contains { $0.array != nil || $0.object != nil }
                for (index, element) in elements.enumerated() {
                    let key = isComposite ? String(index) : Template.text(element)
                    try make("\(name)@\(key)", body, Self.with(context, [("item", element)]))
                }
            case .object(let object):
                for member in object.members {
                    try make(
                        "\(name)@\(member.name)", body,
                        Self.with(context, [("item", member.value), ("key", .string(member.name))]))
                }
            default: throw GyreError(.invalid, "The foreach of \"\(name)\" in \"\(path)\" is \(items.kindName).")
            }
            return
        }
        if let data = definition["matrix"] {
            guard let axes = try template.resolved(data, isCommand: false, place("matrix")).object else {
                throw GyreError(.invalid, "The matrix of \"\(name)\" in \"\(path)\" is \(data.kindName).")
            }
            var body = definition
            body["matrix"] = nil
            try unroll(name, body, context, axes.members[...], key: [], item: JSONObject())
            return
        }
        try make(name, definition, context)
    }

    private mutating func unroll(
        _ name: String, _ body: JSONObject, _ context: JSONObject, _ axes: ArraySlice<JSONObject.Member>, key: [String],
        item: JSONObject
    ) throws(GyreError) {
        guard let axis = axes.first else {
            let key = key.joined(separator: "-")
            return try make(
                "\(name)@\(key)", body, Self.with(context, [("item", .object(item)), ("key", .string(key))]))
        }
        for (index, value) in (axis.value.array ?? []).enumerated() {
            var item = item
            item[axis.name] = value
            let isComposite = value.array != nil || value.object != nil
            try unroll(
                name, body, context, axes.dropFirst(),
                key: key + [isComposite ? "\(axis.name)\(index)" : Template.text(value)], item: item)
            guard stages.count <= Self.mostStages else { return }
        }
    }

    private static func with(_ context: JSONObject, _ members: [(String, JSONValue)]) -> JSONObject {
        var context = context
        for (name, value) in members { context[name] = value }
        return context
    }

    private mutating func make(_ name: String, _ definition: JSONObject, _ context: JSONObject) throws(GyreError) {
        func place(_ what: String) -> Template.Place { Template.Place(file: path, what: "stages.\(name).\(what)") }
        let root = Paths.parent(path)
        var folder = root
        if let text = definition["wdir"] {
            let value = try Template(context: context).resolved(text, isCommand: false, place("wdir"))
            folder = Paths.absolute(Template.text(value), from: root)
        }
        let context = try Self.merged(context, definition["vars"], folder: folder, in: path, read)
        let template = Template(context: context)
        var resolved = JSONObject()
        for member in definition.members where member.name != "vars" && member.name != "wdir" {
            let value = try template.resolved(member.value, isCommand: member.name == "cmd", place(member.name))
            resolved[member.name] = value
        }
        let known: Set = [
            "cmd", "deps", "params", "outs", "metrics", "plots", "frozen", "always_changed", "desc", "meta",
        ]
        if let wrong = resolved.members.first(where: { !known.contains($0.name) }) {
            throw GyreError(
                .invalid, "The stage \"\(name)\" in \"\(path)\" has \"\(wrong.name)\", which no stage has.",
                fix: Nearest.fix(wrong.name, among: known.sorted(), otherwise: "Leave it out."))
        }
        stages.append(try stage(name, resolved, folder: folder))
    }

    private func stage(_ name: String, _ resolved: JSONObject, folder: String) throws(GyreError) -> PipelineStage {
        guard let command = resolved["cmd"], command.string?.isEmpty == false || command.array?.isEmpty == false else {
            throw GyreError(.invalid, "The stage \"\(name)\" in \"\(path)\" has no cmd.")
        }
        let locked = lock[name]?.object
        let lockedOuts = try outputs(locked?["outs"])
        let lockedDeps = try outputs(locked?["deps"])
        var outs: [Output] = []
        for kind in ["outs", "metrics", "plots"] {
            for element in resolved[kind]?.array ?? [] {
                outs.append(Self.filled(try declared(element, kind, name), lockedOuts))
            }
        }
        let metrics = (resolved["metrics"]?.array ?? []).compactMap { $0.string ?? $0.object?.members.first?.name }
        let plots = (resolved["plots"]?.array ?? []).compactMap { element -> (String, JSONObject)? in
            if let path = element.string { return (path, JSONObject()) }
            return element.object?.members.first.map { ($0.name, $0.value.object ?? JSONObject()) }
        }
        let deps = try (resolved["deps"]?.array ?? []).map { element throws(GyreError) in
            Self.filled(try declared(element, "deps", name), lockedDeps)
        }
        return PipelineStage(
            file: path, name: name, folder: folder,
            commands: command.array?.map { Template.text($0) } ?? [Template.text(command)],
            isCommandList: command.array != nil, deps: deps, outs: outs,
            parameters: Self.parameters(resolved["params"]),
            metrics: Set(metrics), plots: plots, isFrozen: resolved["frozen"]?.bool ?? false,
            alwaysChanged: resolved["always_changed"]?.bool ?? false, description: resolved["desc"]?.string,
            locked: locked)
    }

    private func outputs(_ value: JSONValue?) throws(GyreError) -> [Output] {
        let file = Paths.parent(path) + "/dvc.lock"
        return try (value?.array ?? []).map { entry throws(GyreError) in try Output(entry: entry, file: file) }
    }

    private func declared(_ element: JSONValue, _ kind: String, _ stage: String) throws(GyreError) -> Output {
        if let path = element.string, !path.isEmpty { return Output(path: path) }
        guard let member = element.object?.members.first, !member.name.isEmpty else {
            throw GyreError(.invalid, "\(kind) of the stage \"\(stage)\" in \"\(path)\" holds \(element.kindName).")
        }
        var output = Output(path: member.name)
        let flags = member.value.object ?? JSONObject()
        output.isCached = flags["cache"]?.bool ?? true
        output.isPushed = flags["push"]?.bool ?? true
        output.isPersistent = flags["persist"]?.bool ?? false
        output.remote = flags["remote"]?.string
        return output
    }

    private static func filled(_ output: Output, _ locked: [Output]) -> Output {
        guard let found = locked.first(where: { $0.path.utf8.elementsEqual(output.path.utf8) }) else { return output }
        var output = output
        output.id = found.id
        output.sizeBytes = found.sizeBytes
        output.fileCount = found.fileCount
        output.isExecutable = found.isExecutable
        output.isLegacy = found.isLegacy
        return output
    }

    /// `params` as files with the names that are wanted of each; nil for all of a file.
    private static func parameters(_ value: JSONValue?) -> [(file: String, names: [String]?)] {
        var found: [(String, [String]?)] = []
        func add(_ file: String, _ names: [String]?) {
            guard let place = found.firstIndex(where: { $0.0 == file }) else { return found.append((file, names)) }
            if let names, let old = found[place].1 { found[place].1 = old + names } else { found[place].1 = nil }
        }
        for element in value?.array ?? [] {
            if let name = element.string { add("params.yaml", [name]) }
            for member in element.object?.members ?? [] {
                let names = member.value.array?.map { Template.text($0) }
                add(member.name, names?.isEmpty == true ? nil : names)
            }
        }
        return found
    }

    // MARK: Parameters

    /// The values of a file of parameters.
    package static func parameters(_ path: String, _ read: Read) throws(GyreError) -> JSONObject {
        guard let text = try read(path) else {
            throw GyreError(.notFound, "The file of parameters \"\(path)\" is not there.")
        }
        if path.hasSuffix(".json") {
            do { return try JSONValue(parsing: text).object ?? JSONObject() } catch {
                throw GyreError(.invalid, "\"\(path)\" is no JSON.", why: error.why ?? error.what)
            }
        }
        if path.hasSuffix(".toml") || path.hasSuffix(".py") {
            throw GyreError(
                .unsupported, "Parameters are read from YAML and JSON; \"\(path)\" is neither.",
                fix: "Keep them in params.yaml.")
        }
        return try mapping(path, text)
    }

    private static func merged(
        _ context: JSONObject, _ vars: JSONValue?, folder: String, in file: String, _ read: Read
    ) throws(GyreError) -> JSONObject {
        var context = context
        for element in vars?.array ?? [] {
            if let object = element.object {
                context = merge(context, object)
                continue
            }
            let parts = (element.string ?? "").split(separator: ":", maxSplits: 1)
            guard let name = parts.first else { continue }
            let path = Paths.absolute(String(name), from: folder)
            // The usual file is known already, and naming it again is allowed.
            if Paths.name(path) == "params.yaml", parts.count == 1, Paths.parent(path) == Paths.parent(file) {
                continue
            }
            var values = try parameters(path, read)
            if parts.count == 2 {
                let names = parts[1].split(separator: ",").map { String($0).filter { !$0.isWhitespace } }
                values = JSONObject(values.members.filter { names.contains($0.name) }.map { ($0.name, $0.value) })
            }
            context = merge(context, values)
        }
        return context
    }

    private static func merge(_ left: JSONObject, _ right: JSONObject) -> JSONObject {
        var merged = left
        for member in right.members {
            if let inner = member.value.object, let old = merged[member.name]?.object {
                merged[member.name] = .object(merge(old, inner))
            } else {
                merged[member.name] = member.value
            }
        }
        return merged
    }
}
