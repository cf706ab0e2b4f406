// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
package import GyreDelivery
package import GyreServing

/// What REST and gRPC have in common.
package struct InferenceCalls: Sendable {
    let host: ModelHost
    let predictor: Predictor
    let repository: ModelRepository
    /// Memory shared with clients; nil where that is not allowed.
    let regions: (any TensorRegions)?
    /// Which requests are traced.
    let traces: PredictionTraces
    /// What is written about requests and models.
    let log: ServingLog
    /// The server's own version.
    let version: String

    /// The calls over these.
    ///
    /// `regions`: memory shared with clients; nil where it is not allowed. `version`: the server's own version.
    package init(
        host: ModelHost, predictor: Predictor, repository: ModelRepository, regions: (any TensorRegions)?,
        traces: PredictionTraces, log: ServingLog, version: String
    ) {
        self.host = host
        self.predictor = predictor
        self.repository = repository
        self.regions = regions
        self.traces = traces
        self.log = log
        self.version = version
    }

    /// The extensions that work, as the server's metadata tells them.
    var extensions: [String] {
        let always = [
            "classification", "model_repository", "schedule_policy", "model_configuration", "binary_tensor_data",
            "parameters", "statistics", "generate", "trace", "logging",
        ]
        return regions == nil ? always : always + ["system_shared_memory"]
    }

    /// An output that is asked for.
    struct OutputWish {
        let name: String
        /// Whether it comes as bytes; nil where the request does not say.
        var isBinary: Bool?
        /// How many classes are asked for; 0 for the tensor itself.
        var classes = 0
        /// Where it is written instead of into the answer.
        var slice: TensorRegion.Slice?
    }

    /// Gives out the outputs that were asked for, in that order; all of them where none was.
    ///
    /// Those that have a place in shared memory are written there; the log tells of the answer where somebody asked for that.
    func give(
        _ wishes: [OutputWish], _ model: String, _ answer: Predictor.Answer
    ) throws(GyreError) -> [(wish: OutputWish?, output: NamedTensor)] {
        log.answered(model, answer.version, answer.id)
        if wishes.isEmpty { return answer.outputs.map { (nil, $0) } }
        let labels =
            wishes.contains { $0.classes > 0 } ? try host.model(model, answer.version).source.settings.labels : [:]
        var chosen: [(OutputWish?, NamedTensor)] = []
        for wish in wishes {
            guard var output = answer.outputs.first(where: { $0.name == wish.name }) else {
                throw GyreError(
                    .invalid, "The model has no output \"\(wish.name.prefix(80))\".",
                    why: "It has \(answer.outputs.map(\.name).joined(separator: ", ")).")
            }
            if wish.classes > 0 { output = try output.classes(wish.classes, labels: labels[wish.name] ?? []) }
            if let slice = wish.slice { try shared().write(output.tensor.bytes, to: slice) }
            chosen.append((wish, output))
        }
        return chosen
    }

    /// The memory shared with clients.
    /// - Throws: `.denied` where it is not allowed.
    func shared() throws(GyreError) -> any TensorRegions {
        if let regions { return regions }
        throw GyreError(
            .denied, "Shared memory is not taken: this server listens beyond its own machine.",
            fix:
                "Send the tensors themselves. Where all who reach the server may share memory with it: gyre up --shared-memory"
        )
    }

    /// Awaits an answer; what fails by the server's fault is told in the log.
    func predict(_ request: Predictor.Request) async throws(GyreError) -> Predictor.Answer {
        do throws(GyreError) { return try await predictor.predict(request) } catch {
            log.failed(request.name, error)
            throw error
        }
    }

    /// An id that a client gave its request; nil for none.
    /// - Throws: `.invalid` for one that cannot be kept.
    static func id(_ text: String?) throws(GyreError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        if text.utf8.contains(0) { throw GyreError(.invalid, "The request's \"id\" holds the character U+0000.") }
        return text
    }

    /// The version that a text names; nil for none.
    func number(_ text: String) throws(GyreError) -> Int? {
        if text.isEmpty { return nil }
        if let number = Int(text) { return number }
        throw GyreError(.notFound, "\"\(text.prefix(40))\" is no version of a model.")
    }

    /// Loads a model anew.
    ///
    /// `configuration`: JSON in the place of `config.pbtxt`. `files`: what takes the place of its folder, by path.
    func load(_ name: String, configuration: String?, files: [String: [UInt8]]) async throws(GyreError) {
        let read = try configuration.map { text throws(GyreError) in try ConfigurationFile.read(json: text) }
        guard files.isEmpty || read != nil else {
            throw GyreError(
                .invalid, "Files for the model \"\(name)\" came without a configuration.",
                fix: "Send the parameter \"config\" with them.")
        }
        do throws(GyreError) { try await repository.load(name, configuration: read, files: files) } catch {
            log.warn("loading the model \"\(name)\" failed: \(error)")
            throw error
        }
        log.inform("loaded the model \"\(name)\"")
    }

    /// Stops serving a model.
    /// - Throws: `.conflict` where an endpoint's traffic goes to it.
    func unload(_ name: String) async throws(GyreError) {
        try await repository.unload(name)
        log.inform("unloaded the model \"\(name)\"")
    }
}
