// SPDX-License-Identifier: Apache-2.0

internal import CAllocator
package import GyreBase
internal import Synchronization

/// The models that are known, and those of them that are loaded.
///
/// Looking a model up takes a short lock; loading happens elsewhere, one at a time for each version, and requests see a version only
/// when it has been loaded and tried. Under a budget of memory the ones that were not asked for longest leave.
package final class ModelHost: Sendable {
    private let runtimes: [ModelFormat: any ModelRuntime]
    private let surroundings: Surroundings
    private let budgetBytes: Int64
    private let table = Mutex(Table())
    private let lane = LoadingLane()

    private struct Table: Sendable {
        var models: [String: [Int: Slot]] = [:]
        var labels: [String: [String: Int]] = [:]
        var loads: [Key: Task<HostedModel, any Error>] = [:]
        var usedFormats: Set<ModelFormat> = []
        var broken: [String: Broken] = [:]
    }

    /// A model that is there and of which no version could be made known, and what tries it again.
    private struct Broken: Sendable {
        let error: GyreError
        let retry: @Sendable () async throws(GyreError) -> Void
    }

    private struct Key: Hashable, Sendable {
        let name: String
        let number: Int
    }

    private struct Slot: Sendable {
        var source: ModelSource
        var hosted: HostedModel?
        var state = State.unavailable
        var reason = ""
        /// Bytes in memory when it was loaded last.
        var measuredBytes: Int64 = 0
    }

    /// How a version stands.
    package enum State: String, Sendable {
        case unavailable = "UNAVAILABLE"
        case loading = "LOADING"
        case ready = "READY"
    }

    /// A version that is known.
    package struct Listing: Sendable {
        /// The model.
        package let name: String
        /// The version; 0 where none could be made known.
        package let number: Int
        /// How it stands.
        package let state: State
        /// Why it is not ready, or how it left.
        package let reason: String
        /// Whether it was ever loaded, or tried to be.
        package let isKnown: Bool

        init(name: String, number: Int, state: State, reason: String) {
            self.name = name
            self.number = number
            self.state = state
            self.reason = reason
            isKnown = true
        }

        /// A model that could be loaded.
        package init(name: String) {
            self.name = name
            number = 0
            state = .unavailable
            reason = ""
            isKnown = false
        }
    }

    /// A host without models.
    ///
    /// `budgetBytes`: memory that loaded models may take; 0 for any.
    package init(runtimes: [any ModelRuntime], budgetBytes: Int64 = 0, surroundings: Surroundings) {
        self.runtimes = Dictionary(uniqueKeysWithValues: runtimes.map { ($0.format, $0) })
        self.budgetBytes = budgetBytes
        self.surroundings = surroundings
    }

    // MARK: Asking

    /// A loaded version; the newest for nil.
    /// - Throws: `.notFound` naming what there is; `.unavailable` for one that is known and not loaded.
    package func model(_ name: String, _ number: Int? = nil) throws(GyreError) -> HostedModel {
        if let hosted = try loaded(name, number) { return hosted }
        let listing = listings().last { $0.name == name && (number == nil || $0.number == number) }
        throw GyreError(
            .unavailable, "\(Self.title(name, listing?.number)) is not ready.", why: listing?.reason)
    }

    private static func title(_ name: String, _ number: Int?) -> String {
        guard let number, number > 0 else { return "The model \"\(name)\"" }
        return "Version \(number) of the model \"\(name)\""
    }

    /// A loaded version, the newest for nil; nil where it is known and not loaded.
    /// - Throws: `.notFound` naming what there is.
    package func loaded(_ name: String, _ number: Int? = nil) throws(GyreError) -> HostedModel? {
        let (found, versions): (Slot?, [Int]) = table.withLock { table in
            guard let slots = table.models[name] else {
                return table.broken[name] == nil ? (nil, []) : (Slot(source: ModelSource(file: "", format: .onnx)), [])
            }
            if let number { return (slots[number], slots[number] == nil ? slots.keys.sorted() : []) }
            if let champion = table.labels[name]?[Self.usualLabel], let slot = slots[champion], slot.hosted != nil {
                return (slot, [])
            }
            let newest = slots.filter { $0.value.hosted != nil }.keys.max() ?? slots.keys.max()
            return (newest.flatMap { slots[$0] }, [])
        }
        if let found { return found.hosted }
        if versions.isEmpty { throw unknown(name) }
        throw GyreError(
            .notFound, "Model \"\(name)\" has no version \(number ?? 0).",
            why: "It has \(versions.map(String.init).joined(separator: ", ")).")
    }

    /// A version, loaded now if it is known and was not; the newest for nil.
    /// - Throws: what loading it says; `.unavailable` where it needs more memory than there may be.
    package func summon(_ name: String, _ number: Int? = nil) async throws(GyreError) -> HostedModel {
        if let hosted = try loaded(name, number) { return hosted }
        func look() -> (Int?, Slot?, Broken?) {
            table.withLock { table in
                let chosen = number ?? table.models[name]?.keys.max()
                return (chosen, chosen.flatMap { table.models[name]?[$0] }, table.broken[name])
            }
        }
        var (chosen, slot, broken) = look()
        if slot == nil, let broken {
            // Its owner may have mended it.
            do throws(GyreError) { try await broken.retry() } catch {
                // What is gone is unknown.
                throw look().2 == nil ? error : Self.unusable(name, nil, error)
            }
            if let hosted = try loaded(name, number) { return hosted }
            (chosen, slot, _) = look()
        }
        guard let chosen, let slot else { throw unknown(name) }
        if slot.reason == Self.unloaded {
            throw GyreError(
                .unavailable, "Version \(chosen) of the model \"\(name)\" is unloaded.",
                fix: "Load it: POST /v2/repository/models/\(name)/load, or RepositoryModelLoad by gRPC.")
        }
        do throws(GyreError) { return try await load(name, chosen, slot.source) } catch {
            throw Self.unusable(name, chosen, error)
        }
    }

    /// What a request is told of a model that cannot be loaded: the fault is the model's, whatever is wrong with it.
    private static func unusable(_ name: String, _ number: Int?, _ error: GyreError) -> GyreError {
        if [.unavailable, .timeout, .cancelled, .denied].contains(error.code) { return error }
        return GyreError(.unavailable, "\(title(name, number)) is not ready.", why: error.description)
    }

    /// What is told of a name that no model has.
    private func unknown(_ name: String) -> GyreError {
        let names = Set(listings().map(\.name)).sorted()
        let some = names.prefix(10).joined(separator: ", ")
        return GyreError(
            .notFound, "Model \"\(name.prefix(200))\" is not found.",
            why: names.isEmpty
                ? "No model is served here."
                : names.count > 10 ? "There are \(some), and \(names.count - 10) more." : "There are \(some).")
    }

    /// The version that a label stands for.
    package func version(_ name: String, label: String) throws(GyreError) -> Int {
        if let number = table.withLock({ $0.labels[name]?[label] }) { return number }
        throw GyreError(.notFound, "Model \"\(name)\" has no version with the label \"\(label.prefix(80))\".")
    }

    /// The label whose version answers requests that name none.
    private static let usualLabel = "champion"

    /// All loaded versions by name and number.
    package func models() -> [HostedModel] {
        table.withLock { $0.models.values.flatMap { $0.values.compactMap(\.hosted) } }
            .sorted { ($0.name, $0.number) < ($1.name, $1.number) }
    }

    /// All known versions by name and number.
    package func listings() -> [Listing] {
        table.withLock { table in
            table.models.flatMap { name, slots in
                slots.map { Listing(name: name, number: $0, state: $1.state, reason: $1.reason) }
            }
                + table.broken.map {
                    Listing(name: $0, number: 0, state: .unavailable, reason: $1.error.description)
                }
        }.sorted { ($0.name, $0.number) < ($1.name, $1.number) }
    }

    /// Whether a version of the model is loaded that stays whatever others need: it has the traffic of an endpoint.
    package func isPinned(_ name: String) -> Bool {
        table.withLock { $0.models[name]?.values.contains { $0.source.isPinned && $0.hosted != nil } ?? false }
    }

    /// Bytes that the loaded models take.
    package var loadedBytes: Int64 {
        table.withLock { $0.models.values.reduce(0) { $0 + $1.values.reduce(0) { $0 + ($1.hosted?.bytes ?? 0) } } }
    }

    // MARK: Changing

    /// Makes a version known: it is loaded when it is first asked for.
    package func register(_ name: String, _ number: Int, _ source: ModelSource) {
        table.withLock { table in
            table.models[name, default: [:]][number] = Slot(source: source)
            table.broken[name] = nil
        }
    }

    /// Keeps why no version of a model could be made known; what is known already stays as it is.
    ///
    /// `retry`: makes its versions known, or throws again; it is called when somebody asks for the model.
    package func fail(
        _ name: String, _ error: GyreError, retry: @escaping @Sendable () async throws(GyreError) -> Void
    ) {
        table.withLock { table in
            guard table.models[name] == nil else { return }
            table.broken[name] = Broken(error: error, retry: retry)
        }
    }

    /// Forgets that a model could not be made known.
    package func forget(_ name: String) { table.withLock { $0.broken[name] = nil } }

    /// Sets the labels of a model's versions.
    package func setLabels(_ name: String, _ labels: [String: Int]) { table.withLock { $0.labels[name] = labels } }

    /// Loads a version, tries it, and only then lets requests see it; a version that is loaded stays.
    /// - Throws: whatever the runtime says; what serves already is not touched.
    @discardableResult package func load(
        _ name: String, _ number: Int, _ source: ModelSource
    ) async throws(GyreError) -> HostedModel {
        let key = Key(name: name, number: number)
        let task: Task<HostedModel, any Error>? = table.withLock { table in
            if let slot = table.models[name]?[number], slot.hosted != nil, slot.source == source { return nil }
            if let underway = table.loads[key] { return underway }
            var slot = table.models[name]?[number] ?? Slot(source: source)
            if slot.hosted == nil { slot.state = .loading }
            slot.source = source
            slot.reason = ""
            table.models[name, default: [:]][number] = slot
            table.broken[name] = nil
            let task = Task { try await self.lane.run { () throws(GyreError) in try self.loadNow(key, source) } }
            table.loads[key] = task
            return task
        }
        guard let task else { return try model(name, number) }
        do { return try await task.value } catch { throw GyreError.wrapping(error, "Loading the model \"\(name)\"") }
    }

    /// Stops serving a version; requests that run on it end undisturbed.
    ///
    /// `isForgotten`: whether it is no longer known either.
    package func unload(_ name: String, _ number: Int, isForgotten: Bool = true, reason: String = ModelHost.unloaded) {
        let gone: HostedModel? = table.withLock { table in
            let gone = table.models[name]?[number]?.hosted
            if isForgotten {
                table.models[name]?[number] = nil
                if table.models[name]?.isEmpty == true { table.models[name] = nil }
            } else {
                table.models[name]?[number]?.hosted = nil
                table.models[name]?[number]?.state = .unavailable
                table.models[name]?[number]?.reason = reason
            }
            return gone
        }
        if let gone { release(gone) }
    }

    /// What the reason of a version says that somebody unloaded.
    package static let unloaded = "unloaded"

    /// Lets go of a version away from the serving threads; the last request on it frees it.
    private func release(_ hosted: HostedModel) { Background.detach { [hosted] in _ = hosted } }

    // MARK: Loading

    private func loadNow(_ key: Key, _ source: ModelSource) throws(GyreError) -> HostedModel {
        do {
            let hosted = try make(key, source)
            let replaced: HostedModel? = table.withLock { table in
                table.loads[key] = nil
                let replaced = table.models[key.name]?[key.number]?.hosted
                table.models[key.name, default: [:]][key.number] = Slot(
                    source: source, hosted: hosted, state: .ready, measuredBytes: hosted.bytes)
                return replaced
            }
            if let replaced { release(replaced) }
            makeRoom(for: 0, sparing: key)
            return hosted
        } catch {
            table.withLock { table in
                table.loads[key] = nil
                guard table.models[key.name]?[key.number]?.hosted == nil else { return }
                table.models[key.name]?[key.number]?.state = .unavailable
                table.models[key.name]?[key.number]?.reason = error.description
            }
            throw error
        }
    }

    private func make(_ key: Key, _ source: ModelSource) throws(GyreError) -> HostedModel {
        if budgetBytes > 0 {
            let known = table.withLock { $0.models[key.name]?[key.number]?.measuredBytes } ?? 0
            let expected = known > 0 ? known : source.sizeBytes
            guard expected <= budgetBytes else {
                throw GyreError(
                    .unavailable, "The model \"\(key.name)\" needs about \(expected >> 20) MiB.",
                    why: "All models together may take \(budgetBytes >> 20) MiB.",
                    fix: "Whoever runs the server can allow more: gyre up --model-memory SIZE")
            }
            measureOthers()
            makeRoom(for: expected, sparing: key)
        }
        if budgetBytes > 0, ![.python, .ensemble, .remote, .bento, .ray].contains(source.format),
            table.withLock({ $0.usedFormats.insert(source.format).inserted })
        {
            // What a runtime's library does once must not count as the model's.
            _ = try tried(key, source)
        }
        let before = gyre_allocated_bytes()
        let made = try tried(key, source)
        let outside = made.model.outsideBytes
        made.setBytes(outside > 0 ? outside : max(gyre_allocated_bytes() - before, 4096))
        return made
    }

    /// A version that was loaded, compared with its declaration, and asked once.
    private func tried(_ key: Key, _ source: ModelSource) throws(GyreError) -> HostedModel {
        var source = source
        source.title = "\(key.name)@\(key.number)"
        let model = try run(source)
        let hosted = HostedModel(
            name: key.name, number: key.number, model: model, source: source, surroundings: surroundings)
        try Self.compare(source.declaredInputs, model.inputs, "input", key.name)
        try Self.compare(source.declaredOutputs, model.outputs, "output", key.name)
        try hosted.warmUp()
        return hosted
    }

    private func run(_ source: ModelSource) throws(GyreError) -> any RunnableModel {
        if source.format == .ensemble { return try EnsembleModel(source, host: self) }
        if let runtime = runtimes[source.format] {
            let model = try runtime.load(source)
            guard var original = source.fallback.first, let other = runtimes[original.format] else { return model }
            original.title = source.title
            let fallback = original
            return FallbackModel(model) { () throws(GyreError) in try other.load(fallback) }
        }
        throw GyreError(.unsupported, "Models of the format \(source.format.rawValue) are not served here.")
    }

    /// What was declared must be what the model has; a declaration of nothing fits all.
    private static func compare(
        _ declared: [TensorSpec], _ real: [TensorSpec], _ what: String, _ name: String
    ) throws(GyreError) {
        for spec in declared {
            guard let own = real.first(where: { $0.name == spec.name }) else {
                throw GyreError(
                    .invalid, "The configuration of the model \"\(name)\" has the \(what) \"\(spec.name)\".",
                    why: "The model has \(real.map(\.name).joined(separator: ", ")).")
            }
            let fits =
                own.shape.count == spec.shape.count
                && zip(own.shape, spec.shape).allSatisfy { $0 == $1 || $0 == -1 || $1 == -1 }
            guard own.datatype == spec.datatype, fits else {
                throw GyreError(
                    .invalid,
                    "The configuration of the model \"\(name)\" says that the \(what) \"\(spec.name)\" is \(spec.datatype.rawValue) \(spec.shape).",
                    why: "The model has \(own.datatype.rawValue) \(own.shape).")
            }
        }
    }

    /// Looks what models in other processes take by now, and lets those go that were not asked for longest where it is too much.
    ///
    /// Called now and then: a model grows with its first answers, after it was loaded. Blocks for as long as the system takes to tell.
    package func keepWithinBudget() {
        guard budgetBytes > 0 else { return }
        measureOthers()
        makeRoom(for: 0, sparing: nil)
    }

    /// Measures what models take in other processes anew.
    private func measureOthers() {
        for hosted in models() {
            // Processes that are busy are not looked at: less than half of what was seen before is taken for a part of it.
            let bytes = hosted.model.outsideBytes
            if bytes > 0 { hosted.setBytes(max(bytes, hosted.bytes / 2)) }
        }
    }

    /// Unloads what was not asked for longest until `bytes` more fit into the budget.
    private func makeRoom(for bytes: Int64, sparing key: Key?) {
        guard budgetBytes > 0 else { return }
        while loadedBytes + bytes > budgetBytes {
            let candidates = models().filter {
                !$0.source.isPinned && !($0.name == key?.name && $0.number == key?.number)
            }
            guard let oldest = candidates.min(by: { $0.lastUsedAt < $1.lastUsedAt }) else { return }
            unload(
                oldest.name, oldest.number, isForgotten: false,
                reason: "left to make room for \(key?.name ?? "others that grew"): it was not asked for longest")
        }
    }
}

/// One load after another, so that what each takes can be measured.
private actor LoadingLane {
    private var last: Task<Void, Never>?

    func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws(GyreError) -> Result
    ) async throws(GyreError) -> Result {
        let before = last
        let task = Task<Swift.Result<Result, GyreError>, Never> {
            await before?.value
            do throws(GyreError) { return .success(try await Background.run(body)) } catch { return .failure(error) }
        }
        last = Task { _ = await task.value }
        return try await task.value.get()
    }
}
