// SPDX-License-Identifier: Apache-2.0

internal import GyreBase

/// Finds tags that can stand for nothing, before anything runs.
struct WorkflowScopes {
    /// The parameters of the workflow.
    private let parameters: Set<String>

    init(spec: JSONValue) {
        parameters = Set((spec["arguments"]?["parameters"]?.array ?? []).compactMap { $0["name"]?.string })
    }

    /// What the tags of a template may name.
    private struct Names {
        var inputs: Set<String> = []
        var artifacts: Set<String> = []
        var outputs: Set<String> = []
        var steps: Set<String> = []
        var word = "steps"
        var hasItem = false
        let workflow: Set<String>
    }

    /// - Throws: `.invalid` naming a tag that is out of scope, or an expression that cannot be read.
    func check(_ template: WorkflowReader.Template) throws(GyreError) {
        let body = template.body
        var names = Names(workflow: parameters)
        func all(_ json: JSONValue?) -> Set<String> { Set((json?.array ?? []).compactMap { $0["name"]?.string }) }
        names.inputs = all(body["inputs"]?["parameters"])
        names.artifacts = all(body["inputs"]?["artifacts"])
        names.outputs = all(body["outputs"]?["parameters"]).union(all(body["outputs"]?["artifacts"]))
        let steps = (body["steps"]?.array ?? []).flatMap { $0.array ?? [$0] }
        let tasks = body["dag"]?["tasks"]?.array ?? []
        if body["dag"] != nil { names.word = "tasks" }
        // Steps see those of the lists before theirs; hooks see their own.
        names.steps = all(.array(steps + tasks))
        for (index, step) in (steps + tasks).enumerated() {
            var inner = names
            inner.hasItem = ["withItems", "withParam", "withSequence"].contains { step[$0] != nil }
            let place = "\(template.place).\(names.word)[\(index)]"
            for member in step.object?.members ?? [] where member.name != "inline" {
                try check(member.value, inner, "\(place).\(member.name)")
            }
            if body["steps"] != nil { try checkOrder(body["steps"]?.array ?? [], step, place) }
        }
        for member in body.object?.members ?? [] where member.name != "steps" && member.name != "dag" {
            try check(member.value, names, "\(template.place).\(member.name)")
        }
    }

    /// Steps name only steps of the lists before their own.
    private func checkOrder(_ groups: [JSONValue], _ step: JSONValue, _ place: String) throws(GyreError) {
        guard let own = groups.firstIndex(where: { ($0.array ?? [$0]).contains(step) }) else { return }
        let before = Set(groups[..<own].flatMap { $0.array ?? [$0] }.compactMap { $0["name"]?.string })
        for member in ["arguments", "when", "withParam", "withItems", "withSequence"] {
            for text in Self.texts(step[member] ?? .null) {
                for case .tag(.path(let path), let written) in try Tag.parts(of: text)
                where path[0] == "steps" && path.count > 1 && !before.contains(path[1]) {
                    throw GyreError(
                        .invalid, "\(place).\(member) has {{\(written.prefix(80))}}, which is out of scope.",
                        why: "The step \"\(path[1])\" does not come before it.")
                }
            }
        }
    }

    private static func texts(_ json: JSONValue) -> [String] {
        switch json {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap(texts)
        case .object(let object): object.members.flatMap { texts($0.value) }
        default: []
        }
    }

    private func check(_ json: JSONValue, _ names: Names, _ place: String) throws(GyreError) {
        switch json {
        case .array(let elements):
            for (index, element) in elements.enumerated() { try check(element, names, "\(place)[\(index)]") }
        case .object(let object):
            for member in object.members { try check(member.value, names, "\(place).\(member.name)") }
        case .string(let text):
            do throws(GyreError) {
                for case .tag(let tag, let written) in try Tag.parts(of: text) {
                    switch tag {
                    case .path(let path):
                        if !isKnown(path, names) {
                            throw GyreError(.invalid, "{{\(written.prefix(80))}} stands for nothing there.")
                        }
                    case .expression(let expression):
                        for path in expression.all.compactMap(\.path) where path.count > 2 && !isKnown(path, names) {
                            throw GyreError(
                                .invalid,
                                "{{\(written.prefix(80))}} names \(path.joined(separator: ".")), which is nothing there."
                            )
                        }
                    }
                }
            } catch {
                throw GyreError(error.code, "\(place): \(error.what)", why: error.why, fix: error.fix)
            }
        default: break
        }
    }

    private func isKnown(_ path: [String], _ names: Names) -> Bool {
        switch path[0] {
        case "inputs":
            guard path.count > 2 else { return true }
            return path[1] == "parameters" ? names.inputs.contains(path[2]) : names.artifacts.contains(path[2])
        case "outputs": return path.count > 2 ? names.outputs.contains(path[2]) || path[1] == "result" : true
        case "steps", "tasks": return path[0] == names.word && (path.count < 2 || names.steps.contains(path[1]))
        case "item": return names.hasItem
        case "workflow":
            guard path.count > 2, path[1] == "parameters" else { return true }
            return names.workflow.contains(path[2]) || path[2] == "json"
        case "pod", "node", "retries", "lastRetry", "status", "duration", "exitCode", "resourcesDuration": return true
        default: return false
        }
    }
}
