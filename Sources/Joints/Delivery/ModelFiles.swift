// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreAccess
package import GyreBase
package import GyreLedger
package import GyreRegistry
package import GyreServing
package import GyreTracking

/// Finds what serves a model version: its one `.onnx` file, or its whole folder, which Python runs.
///
/// Either is pinned by one digest. That of a folder is of a list of its files with theirs, which is a blob itself.
package struct ModelFiles: Sendable {
    private let tracking: Tracking
    private let loggedModels: LoggedModels
    let blobs: any BlobStore
    let store: any LedgerStore
    /// What makes ONNX models of others; nil for nothing.
    let converter: (any ModelConverter)?
    private let folders: String
    private let trustsModels: Bool
    /// Where models that only Python runs have what they require; nil runs all of them in one.
    let environments: (any ModelEnvironments)?

    /// Over these stores; the folders that Python needs are laid out below `folders`.
    ///
    /// `trustsModels`: whether models that clients registered may run code of their own, and manifests name files of this machine.
    package init(
        tracking: Tracking, loggedModels: LoggedModels, blobs: any BlobStore, store: any LedgerStore,
        converter: (any ModelConverter)?, folders: String, trustsModels: Bool,
        environments: (any ModelEnvironments)? = nil
    ) {
        self.environments = environments
        self.tracking = tracking
        self.loggedModels = loggedModels
        self.blobs = blobs
        self.store = store
        self.converter = converter
        self.folders = folders
        self.trustsModels = trustsModels
    }

    /// How a list of files begins.
    private static let mark = "gyre_model_folder"
    private static let longestList: Int64 = 16 << 20

    /// The digest of what serves a version.
    /// - Throws: `.invalid` where nothing can.
    package func servable(_ version: ModelVersion) async throws(GyreError) -> Digest {
        let content = try await content(of: version)
        // The files of XGBoost and LightGBM are data, as ONNX's are.
        if content.format.runsCode {
            try checkTrust("\(version.ref)")
            try Self.checkCaller("\(version.ref)")
        }
        guard let list = content.list else { return content.digest }
        let writer = try await blobs.writer()
        try await writer.write(list)
        let digest = try await writer.finish().digest
        if content.format.runsCode { _ = try await environment(of: digest, model: version.ref.description) }
        try await convert(version, digest)
        return digest
    }

    /// Whether whoever asks may have code run: a role of its own.
    ///
    /// What serves already is asked by anybody who may predict.
    /// - Throws: `.denied`.
    static func checkCaller(_ what: String) throws(GyreError) {
        guard let caller = Caller.current, !caller.access.workspace.contains(.runCode) else { return }
        throw GyreError(
            .denied, "\(what) runs code of its own, and \(caller.name ?? "the caller") may not have code run.",
            why: "It needs the permission to run code on the workspace \"\(caller.workspace)\".",
            fix: "An administrator gives the role: gyre role give NAME runner")
    }

    /// The environment that the files with this digest run in; nil for those that no Python runs, and where all run in one.
    ///
    /// It is made where it is not there, which may take minutes.
    /// - Throws: `.unavailable` where it cannot be made.
    package func environment(of digest: Digest, model: String) async throws(GyreError) -> ModelEnvironment? {
        guard let environments else { return nil }
        let source = try await laidOut(digest)
        guard source.format == .bento || source.format == .python && source.file.hasSuffix("/MLmodel") else {
            return nil
        }
        let folder = (source.file as NSString).deletingLastPathComponent
        return try await environments.environment(of: folder, model: model)
    }

    /// What a version's files are; nothing is loaded, run or written for it.
    package struct Content: Sendable {
        /// What pins them: the digest of the one file, or of the list of files.
        package let digest: Digest
        /// What can load them.
        package let format: ModelFormat
        /// The files' paths below the model's folder.
        package let paths: [String]
        /// The list of files as its blob has it; nil for one file.
        let list: [UInt8]?
    }

    /// Looks what would serve a version.
    /// - Throws: `.invalid` where nothing can.
    package func content(of version: ModelVersion) async throws(GyreError) -> Content {
        var uri = version.location.isEmpty ? version.source : version.location
        if !version.modelID.isEmpty { uri = try await loggedModels.model(version.modelID).artifactURI }
        guard let folder = try ServedArtifacts.path(uri) else {
            throw GyreError(
                .unsupported, "The files of \(version.ref) are not kept here.", why: "Its source is \(version.source).")
        }
        let prefix = folder.description + "/"
        let files = try await tracking.store.artifacts(below: folder)
        let models = files.filter { $0.path.description.hasSuffix(".onnx") }
        let paths = files.map { String($0.path.description.dropFirst(prefix.count)) }
        if let model = models.first, models.count == 1, served(paths)?.format.isService != true {
            return Content(digest: model.blob.digest, format: .onnx, paths: paths, list: nil)
        }
        let main = served(paths)
        guard let main else {
            throw GyreError(
                .invalid, "\(version.ref) cannot be served.",
                why: "It has \(models.count) .onnx files, of which one is needed, and no other model.",
                fix: "Log the model with mlflow, or gyre model import.")
        }
        var list: JSONValue = [:]
        for (path, file) in zip(paths, files) { list[path] = .string(file.blob.digest.hex) }
        let bytes = JSONValue.object(JSONObject([(Self.mark, list)])).canonicalBytes
        return Content(digest: Digest(of: bytes), format: main.format, paths: paths, list: bytes)
    }

    /// Keeps the files of a model that lies on this machine as they are now.
    /// - Throws: `.notFound` where they are not there; `.invalid` where there is none that can be served.
    package func keep(_ path: String, _ format: ModelFormat) async throws(GyreError) -> Digest {
        guard trustsModels else {
            throw GyreError(
                .denied, "Files of this machine may not be named here.", why: "It is \(path.prefix(200)).",
                fix: "gyre up --trust-models")
        }
        let manager = FileManager.default
        var isFolder = ObjCBool(false)
        guard unsafe manager.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw GyreError(.notFound, "There is no model at \(path).")
        }
        var names: [(name: String, path: String)] = []
        if isFolder.boolValue {
            let entries = manager.enumerator(atPath: path)?.allObjects as? [String] ?? []
            for entry in entries.sorted() where !(entry as NSString).lastPathComponent.hasPrefix(".") {
                var isInner = ObjCBool(false)
                guard unsafe manager.fileExists(atPath: "\(path)/\(entry)", isDirectory: &isInner), !isInner.boolValue
                else {
                    continue
                }
                names.append((entry, "\(path)/\(entry)"))
                guard names.count <= 10_000 else {
                    throw GyreError(.limitExceeded, "The model at \(path) has more than 10000 files.")
                }
            }
        } else {
            names.append(((path as NSString).lastPathComponent, path))
        }
        if format == .onnx {
            let models = names.filter { $0.name.hasSuffix(".onnx") || !isFolder.boolValue }
            guard let model = models.first, models.count == 1 else {
                throw GyreError(.invalid, "\(path) has \(models.count) .onnx files.", why: "One is needed.")
            }
            return try await blobs.add(file: model.path).digest
        }
        guard let main = ModelRepository.mainFile(names.map(\.name), format) else {
            throw GyreError(.invalid, "\(path) has no file that \(format.rawValue) can serve.")
        }
        var list: JSONValue = [:]
        for (name, path) in names where isFolder.boolValue || name == main {
            list[name] = .string(try await blobs.add(file: path).digest.hex)
        }
        let writer = try await blobs.writer()
        try await writer.write(JSONValue.object(JSONObject([(Self.mark, list)])).canonicalBytes)
        return try await writer.finish().digest
    }

    /// The blobs that a list of files names, where the blob with this digest is such a list; else none.
    package func members(of digest: Digest) async throws(GyreError) -> [Digest] {
        guard await blobs.contains(digest), let list = try await list(digest) else { return [] }
        return try list.members.map { member throws(GyreError) in try Digest(hex: member.value.string ?? "") }
    }

    /// The files of a folder by path; nil where the blob is no list of files.
    private func list(_ digest: Digest) async throws(GyreError) -> JSONObject? {
        let file = try await blobs.file(digest)
        guard try await blobs.size(digest) <= Self.longestList, let handle = FileHandle(forReadingAtPath: file) else {
            return nil
        }
        defer { try? handle.close() }  // nothing was written
        let head = Array("{\"\(Self.mark)\":".utf8)
        do {
            guard let start = try handle.read(upToCount: head.count), start.elementsEqual(head),
                let rest = try handle.readToEnd()
            else { return nil }
            return try JSONValue(parsing: Array(start) + Array(rest))[Self.mark]?.object
        } catch {
            throw GyreError.wrapping(error, "Reading the list of files \(digest.hex.prefix(12))")
        }
    }

    /// What loads the file or folder with this digest.
    package func source(_ digest: Digest) async throws(GyreError) -> ModelSource {
        if let converted = try await converted(digest) { return converted }
        return try await original(digest)
    }

    /// The same as its owner made it, in the environment that it asks for.
    func original(_ digest: Digest) async throws(GyreError) -> ModelSource {
        var source = try await laidOut(digest)
        if source.format.runsCode {
            source.python = try await environment(of: digest, model: "the model \(digest.hex.prefix(12))")?.python
        }
        return source
    }

    private func laidOut(_ digest: Digest) async throws(GyreError) -> ModelSource {
        guard let list = try await list(digest) else {
            var source = ModelSource(file: try await blobs.file(digest), format: .onnx)
            source.namesOutputs = true
            return source
        }
        guard let (name, format) = served(list.members.map(\.name)) else {
            throw GyreError(.invalid, "The model \(digest.hex.prefix(12)) has no file that can be served.")
        }
        if format.runsCode { try checkTrust("The model \(digest.hex.prefix(12))") }
        let folder = "\(folders)/\(digest.hex)"
        if !FileManager.default.fileExists(atPath: folder) { try await layOut(list, in: folder) }
        var source = ModelSource(file: "\(folder)/\(name)", format: format)
        if format == .xgboost || format == .lightgbm,
            let kind = try treeAnswer(folder, "The model \(digest.hex.prefix(12))")
        {
            source.treeAnswer = kind
        }
        return source
    }

    /// The file that serves among these, and what it is.
    ///
    /// What MLflow logged answers as its own `pyfunc` does, which Python shows; boosted trees are data, and are served as such where
    /// models may not run code.
    private func served(_ names: [String]) -> (name: String, format: ModelFormat)? {
        guard let main = ModelRepository.main(names) else { return nil }
        let isTree = main.format == .xgboost || main.format == .lightgbm
        return isTree && trustsModels && names.contains("MLmodel") ? ("MLmodel", .python) : main
    }

    /// What the trees in a folder of MLflow answer, by the class that it names; nil for a folder of anybody else.
    /// - Throws: `.denied` for a class whose way of deciding only Python knows.
    private func treeAnswer(_ folder: String, _ model: String) throws(GyreError) -> TreeAnswer? {
        guard let data = FileManager.default.contents(atPath: folder + "/MLmodel") else { return nil }
        let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first { $0.contains(" model_class: ") }
        let name = line?.split(separator: " ").last.map(String.init) ?? ""
        switch name.split(separator: ".").last ?? "" {
        case "Booster": return .values
        case "XGBRegressor", "XGBRFRegressor", "XGBRanker": return .bestValues
        case "XGBClassifier", "XGBRFClassifier": return .classes
        default:
            try checkTrust("\(model) of the class \(name.isEmpty ? "that its MLmodel does not name" : name)")
            return nil
        }
    }

    /// - Throws: `.denied` unless models may run code of their own.
    func checkTrust(_ model: String) throws(GyreError) {
        if trustsModels { return }
        throw GyreError(
            .denied, "\(model) is no ONNX model.",
            why: "Loading it runs whatever its files say, and clients may have put it here.",
            fix: "gyre up --trust-models, or log the model with mlflow.onnx.log_model.")
    }

    /// Copies the files into a folder of their own, which has its name only when all are there.
    private func layOut(_ list: JSONObject, in folder: String) async throws(GyreError) {
        let unfinished = "\(folder).\(ProcessInfo.processInfo.globallyUniqueString)"
        for member in list.members {
            try await blobs.copy(
                try Digest(hex: member.value.string ?? ""), to: "\(unfinished)/\(try RelativePath(member.name))")
        }
        do { try FileManager.default.moveItem(atPath: unfinished, toPath: folder) } catch {
            // Another request may have been first.
            try? FileManager.default.removeItem(atPath: unfinished)
            if !FileManager.default.fileExists(atPath: folder) { throw GyreError.wrapping(error, "Laying out a model") }
        }
    }
}
