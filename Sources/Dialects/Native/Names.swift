// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDelivery
internal import GyreFeatures
internal import GyreLedger
internal import GyreLoop
internal import GyreMonitoring
internal import GyrePipelines
internal import GyreRegistry
internal import GyreReleases
internal import GyreRollout
internal import GyreSearch
internal import GyreTracking
internal import GyreVersioning

/// Finds the thing that somebody names: by its whole id, the first digits of it, its name, an alias or `latest`.
///
/// A whole id always wins, since programs send those. What fits several things is a conflict that lists them; what fits nothing is not
/// found, with the nearest name.
struct Names: Sendable {
    let services: NativeDialect.Services

    /// Candidates that an error lists at most.
    private static let mostListed = 8
    /// Runs among which the nearest name is looked for.
    private static let mostCompared = 1000

    // MARK: Tracking

    /// An experiment by its number or its name.
    func experiment(_ text: String) async throws(GyreError) -> Experiment {
        let store = services.tracking.store
        if let number = Int64(text), let found = try await store.experiment(number) { return found }
        if let found = try await store.experiment(named: text) { return found }
        let names = try await store.experiments(.active).map(\.name)
        throw Self.unknown("experiment", text, among: names, otherwise: "gyre experiment list")
    }

    /// A run by its id, the first digits of it (four at least), or its name.
    func run(_ text: String) async throws(GyreError) -> Run {
        let store = services.tracking.store
        let wanted = Self.bare(text, "run")
        if let run = try await store.run(wanted) { return run }
        var query = RunQuery(
            experimentIDs: try await store.experiments(.all).map(\.id), filter: try Filter(""))
        query.view = .all
        query.limit = Self.mostListed + 1
        for clause in Self.clauses(forRun: wanted) {
            query.filter = Filter([clause])
            let found = try await store.runs(try await store.searchRuns(query).rows)
            if let only = found.first, found.count == 1 { return only }
            if !found.isEmpty {
                throw Self.ambiguous(
                    "runs", wanted, found.map { "\($0.id) (\($0.name))" }, fix: "Give more digits of the id.")
            }
        }
        if wanted.utf8.count < 4, wanted.allSatisfy(\.isHexDigit) {
            throw GyreError(
                .notFound, "No run is named \"\(wanted)\".", why: "An id is known by four digits or more.",
                fix: "Give more digits of the id, or its name: gyre run list")
        }
        query.filter = Filter([])
        query.view = .active
        query.limit = Self.mostCompared
        let recent = try await store.runs(try await store.searchRuns(query).rows)
        throw Self.unknown(
            "run", wanted, among: recent.map(\.name) + recent.map { String($0.id.prefix(wanted.count)) },
            otherwise: "gyre run list")
    }

    private static func clauses(forRun text: String) -> [Filter.Clause] {
        var clauses = [
            Filter.Clause(key: Filter.Key(entity: nil, name: "run_name"), comparison: .equal, operand: .text(text))
        ]
        // Nothing that LIKE would take for more than itself.
        if text.utf8.count >= 4, text.utf8.allSatisfy({ (48...57).contains($0) || (97...122).contains($0) }) {
            clauses.insert(
                Filter.Clause(
                    key: Filter.Key(entity: nil, name: "run_id"), comparison: .like, operand: .text(text + "%")),
                at: 0)
        }
        return clauses
    }

    // MARK: Registry

    /// A model by its name.
    func model(_ text: String) async throws(GyreError) -> RegisteredModel {
        let name = Self.bare(text, "model")
        do { return try await services.registry.model(name) } catch {
            guard error.code == .notFound else { throw error }
            let names = try await services.registry.models().map(\.name)
            throw Self.unknown("model", name, among: names, otherwise: "gyre model list")
        }
    }

    /// A version of a model by its number, an alias or `latest`.
    func version(_ name: String, _ selector: String) async throws(GyreError) -> ModelVersion {
        let model = try await model(name)
        do { return try await services.registry.resolve(model.name, selector) } catch {
            guard error.code == .notFound else { throw error }
            let aliases = try await services.registry.aliases(of: model.name).map(\.alias)
            let numbers = try await services.registry.versions(of: model.name).map { String($0.number) }
            throw GyreError(
                .notFound, "The model \"\(model.name)\" has no version \"\(selector.prefix(80))\".",
                why: numbers.isEmpty
                    ? "It has no version at all."
                    : "It has \(Self.list(numbers.reversed())); its aliases are \(Self.list(aliases)).",
                fix: Nearest.fix(selector, among: aliases + ["latest"], otherwise: "gyre model show \(model.name)"))
        }
    }

    // MARK: Serving

    /// The traffic of an endpoint by its name.
    func endpoint(_ text: String) async throws(GyreError) -> (name: String, split: TrafficSplit) {
        let name = Self.bare(text, "endpoint")
        if let split = try await services.rollouts.split(name) { return (name, split) }
        let names = try await services.rollouts.endpoints().map(\.name)
        throw Self.unknown("endpoint", name, among: names, otherwise: "gyre endpoint list")
    }

    /// The model that is named for a deployment; nil for the one that the endpoint's project says.
    func deployed(_ model: String?, on endpoint: String) async throws(GyreError) -> String? {
        if let model { return try await self.model(model).name }
        if try await services.conductor.projects().contains(where: { $0.endpoint == endpoint }) { return nil }
        _ = try await self.model(endpoint)
        return nil
    }

    /// A release by its endpoint and its number, or `latest`.
    func release(_ text: String, _ number: String) async throws(GyreError) -> Release {
        let endpoint = Self.bare(text, "release")
        if let number = Int(number), number > 0 {
            do { return try await services.releases.release(endpoint, number) } catch {
                guard error.code == .notFound else { throw error }
            }
        }
        let all = try await services.releases.releases(of: nil)
        let own = all.filter { $0.endpoint == endpoint }
        guard let newest = own.first else {
            throw Self.unknown(
                "endpoint with a release", endpoint, among: all.map(\.endpoint), otherwise: "gyre release list")
        }
        if number == "latest" { return newest }
        throw GyreError(
            .notFound, "The endpoint \"\(endpoint)\" has no release \"\(number.prefix(40))\".",
            why: "It has \(Self.list(own.map { String($0.number) })).", fix: "gyre release list \(endpoint)")
    }

    /// The id of a prediction from all of its digits, or the first of them (four at least).
    func prediction(_ text: String, of endpoint: String) async throws(GyreError) -> String {
        let id = Self.bare(text, "prediction")
        guard id.utf8.count >= 4, try await services.predictions.known([id], endpoint: endpoint).isEmpty else {
            return id
        }
        let found = try await services.predictions.ids(
            beginningWith: id, endpoint: endpoint, limit: Self.mostListed + 1)
        if found.count > 1 { throw Self.ambiguous("predictions", id, found, fix: "Give more digits.") }
        return found.first ?? id
    }

    // MARK: Data

    /// The versions of a dataset by its name, newest first.
    func dataset(_ text: String) async throws(GyreError) -> [DatasetVersion] {
        let name = Self.bare(text, "dataset")
        let log = try await services.versioning.log(name)
        if !log.isEmpty { return log }
        let names = try await services.versioning.log(nil).map(\.name)
        throw Self.unknown("dataset", name, among: names, otherwise: "gyre data list")
    }

    /// A version of a dataset by its id, the first digits of it, `latest` or `accepted`.
    func datasetVersion(_ text: String, _ selector: String) async throws(GyreError) -> DatasetVersion {
        let log = try await dataset(text)
        let name = log[0].name
        if selector == "latest" || selector == "accepted" {
            return try await services.versioning.version(name, selector)
        }
        let found = log.filter { !selector.isEmpty && $0.id.hasPrefix(selector) }
        if let only = found.first, found.count == 1 { return only }
        guard found.isEmpty else {
            throw Self.ambiguous(
                "versions of \"\(name)\"", selector, found.map(\.ref.description), fix: "Give more digits.")
        }
        throw GyreError(
            .notFound, "The dataset \"\(name)\" has no version \"\(selector.prefix(80))\".",
            why: "It has \(Self.list(log.map(\.id))).", fix: "gyre data log \(name)")
    }

    /// A feature view by its name.
    func featureView(_ text: String) async throws(GyreError) -> FeatureView {
        let name = Self.bare(text, "feature-view")
        do { return try await services.features.view(name) } catch {
            guard error.code == .notFound else { throw error }
            let names = try await services.features.views().map(\.name)
            throw Self.unknown("feature view", name, among: names, otherwise: "gyre feature list")
        }
    }

    /// The digest of a blob from all of its digits, or the first of them (six at least).
    func blob(_ text: String) async throws(GyreError) -> Digest {
        let digits = text.hasPrefix("sha256:") ? String(text.dropFirst(7)) : text
        if digits.utf8.count == 64 { return try Digest(hex: digits) }
        guard digits.utf8.count >= 6, digits.utf8.count < 64 else {
            throw GyreError(
                .invalid, "\"\(text.prefix(80))\" is no digest.", fix: "Give the 64 digits of it, or the first six.")
        }
        let found = try await services.blobs.all().filter { $0.hex.hasPrefix(digits) }
        if let only = found.first, found.count == 1 { return only }
        guard found.isEmpty else { throw Self.ambiguous("blobs", digits, found.map(\.hex), fix: "Give more digits.") }
        throw GyreError(.notFound, "No blob's digest begins with \"\(digits)\".")
    }

    // MARK: Pipelines

    /// A project by its name.
    func project(_ name: String) async throws(GyreError) -> Project {
        do { return try await services.conductor.project(name) } catch {
            guard error.code == .notFound else { throw error }
            let names = try await services.conductor.projects().map(\.name)
            throw Self.unknown("project", name, among: names, otherwise: "gyre apply -f gyre.yaml makes one.")
        }
    }

    /// A pipeline run by its id, or the first digits of it.
    func pipelineRun(_ text: String) async throws(GyreError) -> PipelineRun {
        let id = Self.bare(text, "pipeline-run")
        do { return try await services.pipelines.run(id) } catch {
            guard error.code == .notFound, !id.isEmpty else { throw error }
            let found = try await services.pipelines.runs().filter { $0.id.hasPrefix(id) }
            guard found.count > 1 else {
                throw GyreError(
                    .notFound, "No pipeline run has the id \"\(id.prefix(80))\".", fix: "gyre pipeline list")
            }
            throw Self.ambiguous("pipeline runs", id, found.map(\.id), fix: "Give more digits.")
        }
    }

    // MARK: Errors

    /// `text` without the kind that a ref begins with: `model/delay` is the model `delay`.
    static func bare(_ text: String, _ kind: String) -> String {
        text.hasPrefix(kind + "/") ? String(text.dropFirst(kind.count + 1)) : text
    }

    static func unknown(
        _ noun: String, _ text: String, among names: [String], otherwise: String
    ) -> GyreError {
        GyreError(
            .notFound, "No \(noun) is named \"\(text.prefix(80))\".",
            fix: Nearest.fix(text, among: names, otherwise: otherwise))
    }

    static func ambiguous(_ nouns: String, _ text: String, _ found: [String], fix: String) -> GyreError {
        GyreError(
            .conflict, "Several \(nouns) are meant by \"\(text.prefix(80))\".", why: "They are \(list(found)).",
            fix: fix)
    }

    /// The first few of a list, in words.
    private static func list(_ texts: [String]) -> String {
        if texts.isEmpty { return "none" }
        let shown = texts.prefix(mostListed).joined(separator: ", ")
        return texts.count > mostListed ? "\(shown) and more" : shown
    }
}
