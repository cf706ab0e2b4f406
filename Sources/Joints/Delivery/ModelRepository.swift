// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import GyreBase
internal import GyreLedger
package import GyreRegistry
package import GyreServing
internal import Synchronization

/// The models that can be served without an endpoint: those of a folder in Triton's layout, and those of the registry by their name.
///
/// `ROOT/NAME/config.pbtxt` (may be absent), `ROOT/NAME/1/model.onnx`, `ROOT/NAME/labels.txt`; the folders of versions are numbers.
package actor ModelRepository {
    private let root: String?
    private let uploads: String
    private let host: ModelHost
    private let registry: Registry
    private let files: ModelFiles
    private let readConfiguration: @Sendable (String) throws(GyreError) -> ModelConfiguration
    private nonisolated let started = Atomic(false)

    /// A repository in the folder `root`, or of the registry alone.
    ///
    /// `uploads`: where the files go that come in requests to load. `readConfiguration`: reads a `config.pbtxt`.
    package init(
        root: String?, uploads: String, host: ModelHost, registry: Registry, files: ModelFiles,
        readConfiguration: @escaping @Sendable (String) throws(GyreError) -> ModelConfiguration
    ) {
        self.root = root
        self.uploads = uploads
        self.host = host
        self.registry = registry
        self.files = files
        self.readConfiguration = readConfiguration
    }

    /// Models of the folder, by name.
    private var names: [String] {
        guard let root else { return [] }
        // `check` has told of a missing folder.
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return entries.filter { !$0.hasPrefix(".") && isFolder("\(root)/\($0)") }.sorted()
    }

    /// Whether the folder has a model of this name, which may be a client's.
    private func has(_ name: String) -> Bool {
        guard let root, !name.isEmpty, !name.hasPrefix("."), !name.utf8.contains(UInt8(ascii: "/")) else {
            return false
        }
        return isFolder("\(root)/\(name)")
    }

    /// What has the traffic of an endpoint is loaded and unloaded by that alone.
    /// - Throws: `.conflict`.
    private func checkIsFree(_ name: String) throws(GyreError) {
        guard host.isPinned(name) else { return }
        throw GyreError(
            .conflict, "The model \"\(name)\" has the traffic of an endpoint.",
            fix: "A deployment to the endpoint changes what it serves.")
    }

    /// - Throws: `.notFound` where the folder is not there.
    package func check() throws(GyreError) {
        guard let root, !isFolder(root) else { return }
        throw GyreError(.notFound, "The model repository \(root) is no folder.")
    }

    /// Whether the models that are served from the start are there.
    package nonisolated var hasStarted: Bool { started.load(ordering: .acquiring) }

    /// Loads the models named, or all of the folder; one that cannot be loaded is told and does not stop the others.
    ///
    /// All are known at once, so that a request for one that is not loaded yet waits for it. `isLazy`: they are only made known, and
    /// loaded when they are first asked for.
    package func start(_ wanted: [String], isLazy: Bool) async -> [GyreError] {
        defer { started.store(true, ordering: .releasing) }
        var problems: [GyreError] = []
        var left: [String] = []
        for name in wanted.isEmpty || wanted == ["*"] ? names : wanted {
            guard has(name) else {
                left.append(name)
                continue
            }
            do {
                try checkIsFree(name)
                for (number, source) in try sources(name, nil) { host.register(name, number, source) }
                if !isLazy { left.append(name) }
            } catch {
                fail(name, error)
                problems.append(error)
            }
        }
        for name in left {
            do { try await load(name) } catch { problems.append(error) }
        }
        return problems
    }

    /// All that is known: what is loaded or was, and what could be.
    package func index() -> [ModelHost.Listing] {
        let listed = host.listings()
        let known = Set(listed.map(\.name))
        // What is in the folder and was never asked for has no state yet.
        return listed + names.filter { !known.contains($0) }.map { ModelHost.Listing(name: $0) }
    }

    /// Loads a model anew, as its files are now; what serves goes on until the new versions are ready.
    ///
    /// `configuration`: takes the place of `config.pbtxt`. `files`: take the place of the model's folder, by their paths in it.
    package func load(
        _ name: String, configuration: ModelConfiguration? = nil, files given: [String: [UInt8]] = [:]
    ) async throws(GyreError) {
        if configuration?.settings.remote != nil { try files.checkTrust("The model of another server, \"\(name)\",") }
        try await load(name, configuration, given, above: [])
    }

    /// `above`: the ensembles that it is loaded for.
    private func load(
        _ name: String, _ configuration: ModelConfiguration?, _ given: [String: [UInt8]], above: [String]
    ) async throws(GyreError) {
        guard !above.contains(name) else {
            throw GyreError(
                .invalid, "Ensembles are made of each other: \((above + [name]).joined(separator: " → ")).")
        }
        try checkIsFree(name)
        if !given.isEmpty { return try await load(files: given, name, configuration, above: above) }
        guard has(name) else {
            host.forget(name)
            return try await load(name, try await registered(name, configuration), above: above)
        }
        let sources: [Int: ModelSource]
        do throws(GyreError) { sources = try self.sources(name, configuration) } catch {
            fail(name, error)
            throw error
        }
        try await load(name, sources, above: above)
    }

    /// Loads what a request brought; the files of an earlier one go when these serve.
    private func load(
        files given: [String: [UInt8]], _ name: String, _ configuration: ModelConfiguration?, above: [String]
    ) async throws(GyreError) {
        let folder = try keep(given, name)
        do throws(GyreError) {
            let sources = try self.sources(name, configuration, folder: folder)
            // The configuration may call any file a model of Python.
            for source in sources.values where source.format.runsCode || source.format == .remote {
                try files.checkTrust("The model \"\(name)\"")
                try ModelFiles.checkCaller("The model \"\(name)\"")
            }
            try await load(name, sources, above: above)
        } catch {
            try? FileManager.default.removeItem(atPath: folder)  // what is left of it is of no use
            throw error
        }
        let own = (folder as NSString).lastPathComponent
        let siblings = (try? FileManager.default.contentsOfDirectory(atPath: "\(uploads)/\(name)")) ?? []
        for other in siblings where other != own {
            try? FileManager.default.removeItem(atPath: "\(uploads)/\(name)/\(other)")  // tried again the next time
        }
    }

    /// Keeps why a model of the folder cannot be served, until it is mended.
    private func fail(_ name: String, _ error: GyreError) {
        host.fail(name, error) { [weak self] () throws(GyreError) in try await self?.load(name) }
    }

    private func load(_ name: String, _ sources: [Int: ModelSource], above: [String]) async throws(GyreError) {
        for part in Set(sources.values.flatMap { $0.settings.ensemble?.steps ?? [] }.map(\.model)).sorted() {
            if (try? host.loaded(part)) != nil { continue }  // what is unknown, or not loaded, is loaded now
            try await load(part, nil, [:], above: above + [name])
        }
        for (number, source) in sources { try await host.load(name, number, source) }
        for listing in host.listings() where listing.name == name && sources[listing.number] == nil {
            host.unload(name, listing.number)
        }
    }

    /// Lays the files of a request out as the folder of a model.
    /// - Throws: `.denied` for files of models that run code of their own.
    private func keep(_ given: [String: [UInt8]], _ name: String) throws(GyreError) -> String {
        guard try RelativePath(name).description == name, !name.contains("/") else {
            throw GyreError(.invalid, "\"\(name.prefix(200))\" is no name of a model.")
        }
        for path in given.keys.sorted() where !path.hasSuffix(".onnx") && !path.hasSuffix(".txt") {
            try files.checkTrust("The file \(path.prefix(200)) of the model \"\(name)\"")
        }
        let folder = "\(uploads)/\(name)/\(ProcessInfo.processInfo.globallyUniqueString)"
        let manager = FileManager.default
        do {
            for (path, bytes) in given {
                let url = URL(fileURLWithPath: "\(folder)/\(try RelativePath(path))")
                try manager.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(bytes).write(to: url)
            }
        } catch {
            throw GyreError.wrapping(error, "Keeping the files of the model \"\(name)\"")
        }
        return folder
    }

    /// Stops serving all versions of a model; requests under way end undisturbed.
    package func unload(_ name: String) throws(GyreError) {
        try checkIsFree(name)
        let versions = host.listings().filter { $0.name == name }
        guard !versions.isEmpty || has(name) else {
            throw GyreError(.notFound, "Model \"\(name.prefix(200))\" is not found.")
        }
        host.forget(name)
        for version in versions { host.unload(name, version.number, isForgotten: false) }
    }

    // MARK: The folder

    private func sources(
        _ name: String, _ given: ModelConfiguration?, folder other: String? = nil
    ) throws(GyreError) -> [Int: ModelSource] {
        let folder = other ?? "\(root ?? "")/\(name)"
        var configuration = if let given { given } else { try read("\(folder)/config.pbtxt", name) }
        for (output, file) in configuration.labelFiles {
            configuration.settings.labels[output] = try labels(file, folder)
        }
        // An empty folder is told below.
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let versions = entries.compactMap { entry in
            entry.first == "0" ? nil : Int(entry).flatMap { $0 > 0 && isFolder("\(folder)/\(entry)") ? $0 : nil }
        }
        let chosen = configuration.policy.choose(from: versions)
        guard !chosen.isEmpty else {
            throw GyreError(
                .invalid, "The model \"\(name)\" has no version that may be served.",
                why: versions.isEmpty
                    ? "\(folder) has no folder named by a number."
                    : "Its version policy leaves none of \(versions.sorted()).")
        }
        var sources: [Int: ModelSource] = [:]
        for number in chosen { sources[number] = try source("\(folder)/\(number)", name, configuration) }
        return sources
    }

    private func read(_ path: String, _ name: String) throws(GyreError) -> ModelConfiguration {
        guard let data = FileManager.default.contents(atPath: path) else { return ModelConfiguration() }
        guard data.count <= Limits.bodyBytes else {
            throw GyreError(.limitExceeded, "The configuration of the model \"\(name)\" is too large.")
        }
        do throws(GyreError) { return try readConfiguration(String(decoding: data, as: UTF8.self)) } catch {
            throw GyreError(error.code, "\(path) cannot be used. \(error.what)", why: error.why, fix: error.fix)
        }
    }

    private func labels(_ file: String, _ folder: String) throws(GyreError) -> [String] {
        let path = "\(folder)/\(try RelativePath(file))"
        guard let data = FileManager.default.contents(atPath: path) else {
            throw GyreError(.notFound, "The file of labels \(path) is not there.")
        }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }

    /// The usual names of a version's file.
    private static let usualFiles: [(name: String, format: ModelFormat)] = [
        ("bento.yaml", .bento), ("serve_config.yaml", .ray), ("model.onnx", .onnx), ("xgboost.json", .xgboost),
        ("xgboost.ubj", .xgboost),
        ("model.xgb", .xgboost),
        ("model.ubj", .xgboost), ("model.txt", .lightgbm), ("model.lgb", .lightgbm), ("MLmodel", .python),
        ("model.joblib", .python), ("model.pkl", .python), ("model.py", .python),
    ]

    /// The one of `names` that a format serves.
    static func mainFile(_ names: [String], _ format: ModelFormat) -> String? {
        let usual = usualFiles.first { $0.format == format && names.contains($0.name) }?.name
        if let usual { return usual }
        let endings: [ModelFormat: [String]] = [
            .python: [".joblib", ".pkl", ".py"], .xgboost: [".json", ".ubj", ".bst"], .lightgbm: [".txt", ".bst"],
            .onnx: [".onnx"],
        ]
        return names.filter { name in endings[format]?.contains { name.hasSuffix($0) } ?? false && !name.contains("/") }
            .sorted().first
    }

    /// The file that serves among these, and what it is.
    ///
    /// Of several ONNX files none is the one, unless it has the usual name.
    static func main(_ names: [String]) -> (name: String, format: ModelFormat)? {
        for file in usualFiles where names.contains(file.name) { return file }
        for format in [ModelFormat.python, .xgboost, .lightgbm] {
            if let name = mainFile(names, format) { return (name, format) }
        }
        return nil
    }

    private func source(
        _ folder: String, _ name: String, _ configuration: ModelConfiguration
    ) throws(GyreError) -> ModelSource {
        let manager = FileManager.default
        var found: (String, ModelFormat)?
        if let format = configuration.format, [.ensemble, .remote].contains(format) {
            found = (folder, format)
        } else if let file = configuration.file {
            let path = "\(folder)/\(try RelativePath(file))"
            let format =
                configuration.format ?? Self.usualFiles.first { file.hasSuffix(($0.0 as NSString).pathExtension) }?.1
            if manager.fileExists(atPath: path), let format { found = (path, format) }
        } else {
            for (file, format) in Self.usualFiles
            where configuration.format == nil || configuration.format == format {
                if manager.fileExists(atPath: "\(folder)/\(file)") {
                    found = ("\(folder)/\(file)", format)
                    break
                }
            }
        }
        guard let (path, format) = found else {
            throw GyreError(
                .notFound, "The folder \(folder) has no model that can be served.",
                why: configuration.file.map { "\($0) is not there, or its kind is not known." }
                    ?? "None of \(Self.usualFiles.map(\.0).joined(separator: ", ")) is there.")
        }
        var source = ModelSource(file: path, format: format)
        source.settings = configuration.settings
        source.declaredInputs = configuration.inputs
        source.declaredOutputs = configuration.outputs
        // What changes in the file is another model.
        source.revision = Self.revision(path)
        return source
    }

    private static func revision(_ path: String) -> String {
        // A missing file is told when it is loaded.
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return "\((attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0) \(attributes?[.size] ?? 0)"
    }

    private func isFolder(_ path: String) -> Bool {
        var isFolder = ObjCBool(false)
        return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
    }

    // MARK: The registry

    /// The versions of a registered model that have an alias, which becomes their label; where there are none, the newest.
    private func registered(
        _ name: String, _ configuration: ModelConfiguration?
    ) async throws(GyreError) -> [Int: ModelSource] {
        let versions: [ModelVersion]
        do throws(GyreError) { versions = try await registry.versions(of: name) } catch {
            guard error.code == .notFound || error.code == .invalid else { throw error }
            throw unknown(name)
        }
        guard let newest = versions.max(by: { $0.number < $1.number }) else { throw unknown(name) }
        var labels: [String: Int] = [:]
        for (alias, number) in try await registry.aliases(of: name) { labels[alias] = number }
        let wanted = labels.isEmpty ? [newest.number] : Set(labels.values)
        var sources: [Int: ModelSource] = [:]
        for version in versions where wanted.contains(version.number) {
            var source = try await files.source(try await files.servable(version))
            let own = try version.tags[ModelImport.tag].map { text throws(GyreError) in try readConfiguration(text) }
            source.settings = (configuration ?? own)?.settings ?? ModelSettings()
            sources[version.number] = source
        }
        host.setLabels(name, labels)
        return sources
    }

    private func unknown(_ name: String) -> GyreError {
        GyreError(
            .notFound, "Model \"\(name.prefix(200))\" is not found.",
            why: root.map { "It is neither in \($0) nor in the registry." } ?? "It is not in the registry.")
    }
}
