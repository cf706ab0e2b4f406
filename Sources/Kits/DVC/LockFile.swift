// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreYAML

/// The `dvc.lock` beside a `dvc.yaml`: what each stage read and wrote when it ran last.
enum LockFile {
    /// Where it is.
    static func path(_ stage: PipelineStage) -> String { Paths.parent(stage.file) + "/dvc.lock" }

    private static func document(_ path: String) throws(GyreError) -> JSONObject {
        let text: String
        do { text = try Files.text(path) } catch  where error.code == .notFound { return JSONObject() }
        return try PipelineFile.mapping(path, text)
    }

    private static func written(_ stages: JSONObject) -> String {
        BlockText.text(.object(JSONObject([("schema", "2.0"), ("stages", .object(stages))])))
    }

    private static func stages(_ document: JSONObject) -> JSONObject {
        document["stages"]?.object ?? (document["schema"] == nil ? document : JSONObject())
    }

    /// Writes the entry of a stage, a new one last; false where it is so already.
    static func put(_ entry: JSONObject, of stage: PipelineStage) throws(GyreError) -> Bool {
        let path = path(stage)
        var stages = stages(try document(path))
        if stages[stage.name] == .object(entry) { return false }
        stages[stage.name] = .object(entry)
        try Files.replace(path, with: written(stages))
        return true
    }

    /// Takes the entry of a stage out; false where there is none.
    static func remove(_ stage: PipelineStage) throws(GyreError) -> Bool {
        let path = path(stage)
        var stages = stages(try document(path))
        guard stages[stage.name] != nil else { return false }
        stages[stage.name] = nil
        if stages.isEmpty { try Files.remove(path) } else { try Files.replace(path, with: written(stages)) }
        return true
    }
}

extension Repository {
    /// What `dvc.lock` says of a stage that has the dependencies, parameters and outputs that are there now.
    ///
    /// The outputs are as the stage has them; dependencies and parameters are looked at.
    func lockEntry(_ stage: PipelineStage, _ inspection: Inspection) throws(GyreError) -> JSONObject {
        var entry = JSONObject([("cmd", stage.commandValue)])
        func sorted(_ outputs: [Output]) -> [JSONValue] {
            outputs.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }.map { .object($0.lockEntry) }
        }
        var deps: [Output] = []
        for var dep in stage.deps {
            if !dep.path.contains("://") {
                let path = Paths.absolute(dep.path, from: stage.folder)
                guard let found = try inspection.measure(path) else {
                    throw GyreError(
                        .notFound, "The stage \"\(stage.name)\" depends on \"\(shown(path))\", which does not exist.")
                }
                dep.take(found)
            }
            deps.append(dep)
        }
        if !deps.isEmpty { entry["deps"] = .array(sorted(deps)) }
        let parameters = try parameterValues(stage, inspection)
        if !parameters.isEmpty { entry["params"] = .object(parameters) }
        if !stage.outs.isEmpty { entry["outs"] = .array(sorted(stage.outs)) }
        return entry
    }

    /// The values of the parameters of a stage: `params.yaml` first, other files by name.
    private func parameterValues(_ stage: PipelineStage, _ inspection: Inspection) throws(GyreError) -> JSONObject {
        var values = JSONObject()
        let ordered = stage.parameters.sorted { one, other in
            if (one.file == "params.yaml") != (other.file == "params.yaml") { return one.file == "params.yaml" }
            return one.file.utf8.lexicographicallyPrecedes(other.file.utf8)
        }
        for (file, names) in ordered {
            let all = try inspection.values(Paths.absolute(file, from: stage.folder))
            var members: [(String, JSONValue)] = []
            for name in Array(Set(names ?? all.members.map(\.name))).sorted(by: {
                $0.utf8.lexicographicallyPrecedes($1.utf8)
            }) {
                guard let value = ParameterValues.value(name, in: all) else {
                    throw GyreError(
                        .notFound,
                        "The stage \"\(stage.name)\" depends on the parameter \"\(name)\", which is not in \"\(file)\"."
                    )
                }
                members.append((name, value))
            }
            values[file] = .object(JSONObject(members))
        }
        return values
    }
}
