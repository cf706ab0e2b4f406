// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
internal import GyreDelivery
internal import GyreServing

/// Reads an `InferenceService`: what can be done on one machine is taken, anything else is refused with the field's path and the reason.
enum InferenceServiceManifest {
    private static let frameworks: [String: ModelFormat] = [
        "onnx": .onnx, "sklearn": .python, "mlflow": .python, "xgboost": .xgboost, "lightgbm": .lightgbm,
    ]
    /// What a predictor may have beside its model.
    private static let honoured: Set<String> = [
        "model", "minReplicas", "maxReplicas", "containerConcurrency", "timeout", "canaryTrafficPercent", "batcher",
        "logger",
        "scaleTarget", "scaleMetric", "labels", "annotations", "serviceAccountName",
    ]

    static func read(_ manifest: JSONValue) throws(GyreError) -> InferenceServices.Wanted {
        let name = try ManifestName.read(manifest)
        guard let spec = manifest["spec"]?.object else { throw wrong("spec", "It is missing.") }
        for member in spec.members where member.name != "predictor" {
            throw wrong(
                "spec.\(member.name)",
                "Its containers need a cluster. A Python model may have preprocess, postprocess and explain of its own, and an InferenceGraph or an ensemble puts models together."
            )
        }
        guard let predictor = spec["predictor"]?.object else { throw wrong("spec.predictor", "It is missing.") }
        let (model, format, place) = try self.model(predictor)
        for member in predictor.members where !honoured.contains(member.name) && frameworks[member.name] == nil {
            throw wrong("spec.predictor.\(member.name)", "It needs a cluster, or is not known.")
        }
        guard let uri = model["storageUri"]?.string, !uri.isEmpty else {
            throw wrong("\(place).storageUri", "It is missing.")
        }
        var wanted = InferenceServices.Wanted(
            name: name, manifest: manifest, path: try path(uri, "\(place).storageUri"), format: format,
            fingerprint: .object(model))
        try settings(predictor, model, place, &wanted)
        if let percent = predictor["canaryTrafficPercent"] {
            guard let number = percent.int, (0...100).contains(number) else {
                throw wrong("spec.predictor.canaryTrafficPercent", "It is a whole number from 0 to 100.")
            }
            wanted.canaryPercent = Int(number)
        }
        return wanted
    }

    /// Reads a `TrainedModel`: a model of its own, that belongs to a service.
    static func readTrainedModel(
        _ manifest: JSONValue
    ) throws(GyreError) -> (wanted: InferenceServices.Wanted, parent: String) {
        let name = try ManifestName.read(manifest)
        guard let parent = manifest["spec"]?["inferenceService"]?.string else {
            throw wrong("spec.inferenceService", "It is missing.")
        }
        guard let model = manifest["spec"]?["model"]?.object else { throw wrong("spec.model", "It is missing.") }
        guard let framework = model["framework"]?.string, let format = frameworks[framework] else {
            throw wrong(
                "spec.model.framework", "It is none of \(frameworks.keys.sorted().joined(separator: ", ")).")
        }
        guard let uri = model["storageUri"]?.string, !uri.isEmpty else {
            throw wrong("spec.model.storageUri", "It is missing.")
        }
        var wanted = InferenceServices.Wanted(
            name: name, manifest: manifest, path: try path(uri, "spec.model.storageUri"), format: format,
            fingerprint: .object(model))
        guard let memory = model["memory"]?.string else { throw wrong("spec.model.memory", "It is missing.") }
        let bytes = try Quantity.bytes(memory, "spec.model.memory")
        if format == .python { wanted.settings.memoryLimit = bytes }
        wanted.parent = parent
        return (wanted, parent)
    }

    /// The one model of a predictor, in the form with `modelFormat` or in that of a framework.
    private static func model(_ predictor: JSONObject) throws(GyreError) -> (JSONObject, ModelFormat, String) {
        if predictor["containers"] != nil {
            throw wrong("spec.predictor.containers", "Containers need a cluster.")
        }
        let named = predictor.members.filter { $0.name == "model" || frameworks[$0.name] != nil }
        guard let only = named.first, named.count == 1, let model = only.value.object else {
            throw wrong(
                "spec.predictor",
                "It has exactly one of model, \(frameworks.keys.sorted().joined(separator: ", ")), and has \(named.count)."
            )
        }
        let place = "spec.predictor.\(only.name)"
        if let format = frameworks[only.name] { return (model, format, place) }
        guard let name = model["modelFormat"]?["name"]?.string else {
            throw wrong("\(place).modelFormat.name", "It is missing.")
        }
        guard let format = frameworks[name] else {
            throw wrong(
                "\(place).modelFormat.name",
                "\"\(name.prefix(40))\" is none of \(frameworks.keys.sorted().joined(separator: ", ")).")
        }
        if let version = model["protocolVersion"]?.string, !["v1", "v2", "grpc-v2"].contains(version) {
            throw wrong("\(place).protocolVersion", "There are v1, v2 and grpc-v2, all at once.")
        }
        return (model, format, place)
    }

    private static func path(_ uri: String, _ place: String) throws(GyreError) -> String {
        if uri.hasPrefix("/") { return uri }
        if uri.hasPrefix("file:///") { return String(uri.dropFirst("file://".count)) }
        throw wrong(place, "\"\(uri.prefix(200))\" is neither file:///… nor an absolute path on this machine.")
    }

    private static func settings(
        _ predictor: JSONObject, _ model: JSONObject, _ place: String, _ wanted: inout InferenceServices.Wanted
    ) throws(GyreError) {
        func number(_ name: String, in range: ClosedRange<Int64>) throws(GyreError) -> Int64? {
            guard let value = predictor[name] else { return nil }
            guard let number = value.int, range.contains(number) else {
                throw wrong(
                    "spec.predictor.\(name)", "It is a whole number from \(range.lowerBound) to \(range.upperBound).")
            }
            return number
        }
        let least = try number("minReplicas", in: 0...1000)
        let most = try number("maxReplicas", in: 0...1000)
        if let least, let most, most > 0, most < least {
            throw wrong("spec.predictor.maxReplicas", "It is below minReplicas.")
        }
        let concurrency = try number("containerConcurrency", in: 0...1000)
        wanted.settings.instances = Int(min(64, max(1, most ?? concurrency ?? 1)))
        wanted.settings.minimumInstances = Int(min(64, max(1, least ?? 1)))
        if least == 0 { wanted.settings.idleTimeout = 60_000_000 }
        if let seconds = try number("timeout", in: 1...86_400) { wanted.settings.runTimeout = seconds * 1_000_000 }
        if let batcher = predictor["batcher"] {
            let rows = batcher["maxBatchSize"]?.int ?? 32
            guard (1...100_000).contains(rows) else {
                throw wrong("spec.predictor.batcher.maxBatchSize", "It is a whole number from 1 to 100000.")
            }
            wanted.settings.maximumBatch = Int(rows)
            wanted.settings.batching = ModelSettings.Batching()
            wanted.settings.batching?.maximumDelay = max(0, min(60_000, batcher["maxLatency"]?.int ?? 500)) * 1000
        }
        if let url = predictor["logger"]?["url"], !url.isNull {
            throw wrong("spec.predictor.logger.url", "Every prediction is in Gyre's own log; it is sent nowhere else.")
        }
        if let limit = model["resources"]?["limits"]?["cpu"] {
            wanted.settings.runThreads = try Quantity.processors(limit, "\(place).resources.limits.cpu")
        }
        if let limit = model["resources"]?["limits"]?["memory"]?.string {
            wanted.settings.memoryLimit = try Quantity.bytes(limit, "\(place).resources.limits.memory")
        }
    }

    static func wrong(_ field: String, _ why: String) -> GyreError {
        GyreError(.invalid, "\(field) cannot be honoured.", why: why)
    }
}

/// Kubernetes' quantities.
enum Quantity {
    /// Whole processors, at least one: what a model may compute on at the same time.
    static func processors(_ value: JSONValue, _ field: String) throws(GyreError) -> Int {
        let text = value.string ?? value.text
        let number = text.hasSuffix("m") ? Double(text.dropLast()).map { $0 / 1000 } : Double(text)
        guard let number, number > 0, number <= 1024 else {
            throw InferenceServiceManifest.wrong(field, "\"\(text.prefix(40))\" is no number of processors.")
        }
        return max(1, Int(number.rounded(.up)))
    }

    static func bytes(_ text: String, _ field: String) throws(GyreError) -> Int64 {
        let units: [(String, Double)] = [
            ("Ki", 0x1p10), ("Mi", 0x1p20), ("Gi", 0x1p30), ("Ti", 0x1p40), ("k", 1e3), ("M", 1e6), ("G", 1e9),
            ("T", 1e12), ("", 1),
        ]
        for (unit, factor) in units where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(unit.count)), number > 0, number * factor < 1e15 else { break }
            return Int64(number * factor)
        }
        throw InferenceServiceManifest.wrong(field, "\"\(text.prefix(40))\" is no amount of memory.")
    }
}

/// The name of an object, as Kubernetes allows it.
enum ManifestName {
    static func read(_ manifest: JSONValue) throws(GyreError) -> String {
        guard let name = manifest["metadata"]?["name"]?.string else {
            throw InferenceServiceManifest.wrong("metadata.name", "It is missing.")
        }
        let isFit =
            (1...63).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
            }
            && name.first?.isLetter == true && name.last != "-"
        guard isFit else {
            throw InferenceServiceManifest.wrong(
                "metadata.name",
                "\"\(name.prefix(80))\" is not made of lower-case letters, digits and inner hyphens, with a letter first."
            )
        }
        return name
    }
}
