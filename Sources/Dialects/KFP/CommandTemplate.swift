// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyrePipelines

/// Fills the placeholders of compiled commands and of the texts that go into tasks.
struct CommandTemplate {
    let executorInput: JSONValue
    let run: PipelineRun
    let path: String
    /// The folder that all tasks share; nil where it is not known yet, and then its placeholder stays.
    var workspace: String?
    /// The inputs that are lists of artifacts.
    var lists: Set<String> = []

    /// The command with its arguments, and what must be installed for it.
    ///
    /// `whole`: with what installs packages.
    func fill(
        _ container: Container
    ) throws(GyreError) -> (command: [String], whole: [String], requirements: [[String]]) {
        var words: [String] = []
        for word in container.command + container.arguments { words += try expand(word) }
        // A Python component starts with a shell that installs its packages and then goes on with the rest.
        guard words.count > 4, words[0] == "sh", words[1] == "-c", words[2].contains("pip install"),
            words[2].contains("\"$0\" \"$@\"")
        else { return (words, words, []) }
        return (Array(words.dropFirst(3)), words, Self.requirements(in: words[2]))
    }

    /// The quoted arguments of each `pip install` in a shell script.
    static func requirements(in script: String) -> [[String]] {
        var steps: [[String]] = []
        for part in script.split(separator: "&&") {
            guard let range = part.firstRange(of: "pip install") else { continue }
            var arguments: [String] = []
            var rest = part[range.upperBound...]
            while let start = rest.firstIndex(of: "'"), let end = rest[rest.index(after: start)...].firstIndex(of: "'")
            {
                arguments.append(String(rest[rest.index(after: start)..<end]))
                rest = rest[rest.index(after: end)...]
            }
            if !arguments.isEmpty { steps.append(arguments) }
        }
        return steps
    }

    private func expand(_ word: JSONValue) throws(GyreError) -> [String] {
        guard let text = word.string else { return [word.text] }
        if text.hasPrefix("{\"IfPresent\"") || text.hasPrefix("{\"Concat\"") {
            return try structure(try JSONValue(parsing: text))
        }
        return [try fill(text)]
    }

    private func structure(_ json: JSONValue) throws(GyreError) -> [String] {
        if let text = json.string { return [try fill(text)] }
        if let parts = json["Concat"]?.array {
            var joined = ""
            for part in parts { joined += try structure(part).joined() }
            return [joined]
        }
        if let condition = json["IfPresent"] {
            let name = condition["InputName"]?.string ?? ""
            let isPresent =
                executorInput["inputs"]?["parameterValues"]?[name] != nil
                || executorInput["inputs"]?["artifacts"]?[name] != nil
            let chosen = condition[isPresent ? "Then" : "Else"] ?? []
            var words: [String] = []
            for part in chosen.array ?? [chosen] { words += try structure(part) }
            return words
        }
        throw GyreError(.unsupported, "The placeholder \(json.text.prefix(100)) is unknown.")
    }

    /// A value with its placeholders filled, however deep they stand.
    func settled(_ value: JSONValue) throws(GyreError) -> JSONValue {
        switch value {
        case .string(let text): return .string(try fill(text))
        case .array(let items): return .array(try items.map { item throws(GyreError) in try settled(item) })
        case .object(let object):
            return .object(
                JSONObject(
                    try object.members.map { member throws(GyreError) in (member.name, try settled(member.value)) }))
        default: return value
        }
    }

    private func fill(_ text: String) throws(GyreError) -> String {
        guard text.contains("{{$") else { return text }
        var filled = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "{{$"), let end = rest[start.upperBound...].firstRange(of: "}}") {
            filled += rest[..<start.lowerBound]
            filled += try value(of: String(rest[start.upperBound..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
        return filled + rest
    }

    private func value(of placeholder: String) throws(GyreError) -> String {
        func text(_ value: JSONValue?) -> String { value.map { $0.string ?? $0.text } ?? "" }
        switch placeholder {
        case "": return executorInput.text
        case ".outputs.output_file": return text(executorInput["outputs"]?["outputFile"])
        case ".pipeline_job_name": return run.name
        case ".pipeline_job_resource_name": return KFPLanguage.resourceName(of: run)
        case ".pipeline_job_uuid": return run.id
        case ".pipeline_task_name": return KFPLanguage.taskName(of: path)
        case ".pipeline_task_uuid": return path
        case ".pipeline_job_create_time_utc", ".pipeline_job_schedule_time_utc": return Timestamp.text(run.startedAt)
        case ".pipeline_root": return run.annotations["pipeline_root"]?.string ?? ""
        case ".workspace_path": return workspace ?? "{{$.workspace_path}}"
        default: break
        }
        let parts = placeholder.replacing("']", with: "").replacing("['", with: ".").split(separator: ".").map(
            String.init)
        guard parts.count >= 3 else { throw GyreError(.unsupported, "The placeholder {{$\(placeholder)}} is unknown.") }
        let side = executorInput[parts[0]]
        switch (parts[0], parts[1]) {
        case ("inputs", "parameters"): return text(side?["parameterValues"]?[parts[2]])
        case ("outputs", "parameters"): return text(side?["parameters"]?[parts[2]]?["outputFile"])
        case (_, "artifacts"):
            let list = side?["artifacts"]?[parts[2]]?["artifacts"]
            if parts.count == 3, lists.contains(parts[2]) { return text(list) }
            let artifact = list?[0]
            switch parts.count > 3 ? parts[3] : "" {
            case "uri", "path": return text(artifact?["uri"])
            case "metadata": return text(artifact?["metadata"])
            default: return text(artifact)
            }
        default: throw GyreError(.unsupported, "The placeholder {{$\(placeholder)}} is unknown.")
        }
    }
}
