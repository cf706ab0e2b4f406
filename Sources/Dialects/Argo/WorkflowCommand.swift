// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase
internal import GyreLedger
internal import GyrePipelines

/// Makes the command of a template ready: its texts filled, its files in the root that it has for itself.
struct WorkflowCommand {
    private let container: Container
    private let call: TaskCall
    private let root: String
    private var scope: WorkflowScope

    /// Where the source of a script lies.
    private static let script = "/argo/staging/script"

    init(_ container: Container, _ call: TaskCall, language: ArgoLanguage) throws(GyreError) {
        self.container = container
        self.call = call
        root = Self.root(of: call)
        scope = WorkflowScope(scope: call.scope, inputs: call.inputs, language: language)
        scope.paths = try Self.paths(container.details, scope)
    }

    /// The folder that a command sees as `/`.
    static func root(of call: TaskCall) -> String { call.folder + "/root" }

    /// The file that gets what it prints.
    static func output(of call: TaskCall) -> String { call.folder + "/standard-output" }

    /// The paths that a template's tags stand for.
    static func paths(_ template: JSONValue, _ scope: WorkflowScope) throws(GyreError) -> [String: String] {
        var paths: [String: String] = [:]
        for side in ["inputs", "outputs"] {
            for artifact in template[side]?["artifacts"]?.array ?? [] {
                guard let name = artifact["name"]?.string, let path = artifact["path"]?.string else { continue }
                paths["\(side).artifacts.\(name)"] = try Tag.fill(path, scope)
            }
        }
        for parameter in template["outputs"]?["parameters"]?.array ?? [] {
            guard let name = parameter["name"]?.string, let path = parameter["valueFrom"]?["path"]?.string else {
                continue
            }
            paths["outputs.parameters.\(name)"] = try Tag.fill(path, scope)
        }
        for (name, path) in paths {
            guard path.hasPrefix("/"), path.utf8.count < 1000, !path.split(separator: "/").contains("..") else {
                throw GyreError(
                    .invalid, "The path of \(name) is \"\(path.prefix(120))\".",
                    why: "It must be a whole path without \"..\".")
            }
        }
        return paths
    }

    func made() throws(GyreError) -> TaskCommand {
        let template = container.details
        try folder(root + "/tmp")
        for path in scope.paths.values where !path.hasPrefix("/tmp/") { try folder(parent(root + path)) }
        for mount in template["container"]?["volumeMounts"]?.array ?? template["script"]?["volumeMounts"]?.array ?? [] {
            if let path = mount["mountPath"]?.string, path.hasPrefix("/"), !path.contains("..") {
                try folder(root + path)
            }
        }
        var inputs = try placeInputs(template)
        var words: [String] = []
        for word in container.command { words.append(try Tag.fill(ExpressionFunctions.text(word), scope)) }
        for word in container.arguments {
            // What is JSON stays that, whatever its tags come to.
            let isRequest = template["http"] != nil
            words.append(
                isRequest
                    ? try Tag.fill(try JSONValue(parsing: ExpressionFunctions.text(word)), scope).text
                    : try Tag.fill(ExpressionFunctions.text(word), scope))
        }
        if let source = template["script"]?["source"]?.string {
            try write(try Tag.fill(source, scope), to: Self.script)
            // A shell may be told to run it as a program.
            try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: root + Self.script)
            words.append(Self.script)
            inputs.append(Self.script)
        }
        var command = TaskCommand(hostWords(words), whole: words)
        command.hasProgram = !container.command.isEmpty
        command.root = PrivateRoot(
            folder: root, inputs: inputs,
            outputs: scope.paths.filter { $0.key.hasPrefix("outputs") }.values.sorted())
        command.output = Self.output(of: call)
        let body = template["container"] ?? template["script"] ?? [:]
        command.directory = try body["workingDir"]?.string.map { text throws(GyreError) in try Tag.fill(text, scope) }
        if let directory = command.directory {
            guard directory.hasPrefix("/"), !directory.split(separator: "/").contains(".."), directory.utf8.count < 1000
            else {
                throw GyreError(
                    .invalid, "workingDir is \"\(directory.prefix(120))\".",
                    why: "It must be a whole path without \"..\".")
            }
            try folder(root + directory)
        }
        var environment: [String: String] = [:]
        for (name, value) in container.environment { environment[name] = try Tag.fill(value, scope) }
        command.environment = environment
        for name in ["activeDeadlineSeconds", "timeout"] {
            guard let limit = template[name], limit != .null else { continue }
            let text = try Tag.fill(ExpressionFunctions.text(limit), scope)
            guard let seconds = GoTime.seconds(text), seconds > 0 else {
                throw GyreError(.invalid, "\(name) is \"\(text.prefix(40))\", which is no duration.")
            }
            command.timeoutSeconds = min(command.timeoutSeconds ?? .max, Int(min(seconds.rounded(.up), 1e9)))
        }
        return command
    }

    /// The words as this machine's own programs run them.
    private func hostWords(_ words: [String]) -> [String] {
        let image =
            container.image.split(separator: "/").last.map { String($0.prefix { $0 != ":" && $0 != "@" }) } ?? ""
        if image == "argosay" {
            if container.command.isEmpty { return ["sh", "-c", Self.argosay, "argosay"] + words }
            if words[0] == "argosay" || words[0] == "/argosay" {
                return ["sh", "-c", Self.argosay, "argosay"] + words.dropFirst()
            }
            if words[0] == "cowsay" { return ["echo"] + words.dropFirst() }
        }
        // Whoever writes an image's own shell means the one of this machine.
        return words
    }

    /// What the image `argosay` does: it says something, to a file where one is named; it shows files, sleeps and exits.
    private static let argosay = """
        case "$1" in
        echo) shift; if [ $# -gt 1 ]; then printf '%s' "$1" > "$2"; else printf '%s\\n' "$1"; fi ;;
        cat) shift; cat "$@" ;;
        sleep) sleep "${2%s}" ;;
        exit) exit "${2:-0}" ;;
        assert_contains) grep -q "$3" "$2" ;;
        '') echo 'hello argo' ;;
        *) echo "argosay does not know $1" >&2; exit 1 ;;
        esac
        """

    // MARK: Files

    private func placeInputs(_ template: JSONValue) throws(GyreError) -> [String] {
        var placed: [String] = []
        for artifact in template["inputs"]?["artifacts"]?.array ?? [] {
            guard let name = artifact["name"]?.string, let path = scope.paths["inputs.artifacts.\(name)"] else {
                continue
            }
            if let raw = call.inputs.parameters[WorkflowReader.raw(name)]?.string ?? artifact["raw"]?["data"]?.string {
                try write(
                    call.inputs.parameters[WorkflowReader.raw(name)] == nil ? try Tag.fill(raw, scope) : raw, to: path)
            } else if let given = call.inputs.artifacts[name]?.first {
                try move(try part(of: given, name), to: root + path)
            } else if artifact["optional"]?.bool != true {
                throw GyreError(.invalid, "The input artifact \"\(name)\" was not given.")
            } else {
                continue
            }
            if let mode = artifact["mode"]?.int {
                // A file system without modes leaves it as it is.
                try? FileManager.default.setAttributes(
                    [.posixPermissions: Int(mode) & 0o777], ofItemAtPath: root + path)
            }
            placed.append(path)
        }
        return placed
    }

    /// Where the part of an artifact lies that is meant.
    private func part(of artifact: Artifact, _ name: String) throws(GyreError) -> String {
        let whole = call.inputPath(name)
        // Nothing lies where an artifact is an empty folder.
        if artifact.tree.entries.isEmpty { try folder(whole) }
        guard let part = call.inputs.parameters[WorkflowReader.part(name)]?.string, !part.isEmpty else { return whole }
        let place = whole + "/" + part
        guard call.isOwn(place), FileManager.default.fileExists(atPath: place) else {
            throw GyreError(.invalid, "The artifact \"\(name)\" has no part \"\(part.prefix(120))\".")
        }
        return place
    }

    private func parent(_ path: String) -> String { path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } }

    private func folder(_ path: String) throws(GyreError) {
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw GyreError.wrapping(error, "Making the folder of a task")
        }
    }

    private func write(_ text: String, to path: String) throws(GyreError) {
        try folder(parent(root + path))
        do { try Data(text.utf8).write(to: URL(fileURLWithPath: root + path)) } catch {
            throw GyreError.wrapping(error, "Writing what a task reads")
        }
    }

    private func move(_ from: String, to path: String) throws(GyreError) {
        try folder(parent(path))
        do {
            if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
            try FileManager.default.moveItem(atPath: from, toPath: path)
        } catch {
            throw GyreError.wrapping(error, "Placing what a task reads")
        }
    }
}
