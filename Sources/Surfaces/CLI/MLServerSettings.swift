// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import GyreBase

/// A model as MLServer has it: a folder with a `model-settings.json` that names its runtime and its file.
enum MLServerSettings {
    static func file(_ folder: String) -> String { folder + "/model-settings.json" }

    /// The files that a runtime looks for where its settings name none, and how they are called here.
    private static let usual: [String: [(file: String, target: String)]] = [
        "mlserver_sklearn.SKLearnModel": [
            ("model.joblib", "model.joblib"), ("model.pickle", "model.pkl"), ("model.pkl", "model.pkl"),
        ],
        "mlserver_xgboost.XGBoostModel": [
            ("model.bst", "model.bst"), ("model.json", "model.json"), ("model.ubj", "model.ubj"),
        ],
        "mlserver_lightgbm.LightGBMModel": [("model.bst", "model.txt"), ("model.txt", "model.txt")],
    ]
    private static let mlflow = "mlserver_mlflow.MLflowRuntime"

    /// The model in a folder.
    ///
    /// `name`: what it is registered as; nil for the name that its settings say.
    /// - Throws: `.invalid` for settings that are none; `.unsupported` for a runtime that is not served here.
    static func model(_ folder: String, _ name: String?) throws -> LocalModel {
        let settings = try JSONValue(parsing: try LocalModel.text(file(folder)))
        let runtime = settings["implementation"]?.string ?? ""
        let own = settings["name"]?.string ?? URL(fileURLWithPath: folder).lastPathComponent
        let uri = settings["parameters"]?["uri"]?.string
        let place = uri.map { $0.hasPrefix("/") ? $0 : "\(folder)/\($0)" }
        if runtime == mlflow {
            let place = place ?? folder
            guard FileManager.default.fileExists(atPath: place + "/MLmodel") else {
                throw GyreError(
                    .notFound, "The model of \(file(folder)) is not at \(place).", why: "There is no MLmodel.")
            }
            return LocalModel(name: name ?? own, files: try LocalFiles.find([place]))
        }
        guard let usual = usual[runtime] else {
            throw GyreError(
                .unsupported, "The runtime \"\(runtime.prefix(80))\" of \(file(folder)) is not served.",
                why: "There are \((Self.usual.keys + [mlflow]).sorted().joined(separator: ", ")).",
                fix: "Log the model with mlflow.pyfunc, whose classes may do what a runtime of your own does.")
        }
        let manager = FileManager.default
        var isFolder = ObjCBool(false)
        if let place, unsafe manager.fileExists(atPath: place, isDirectory: &isFolder), !isFolder.boolValue {
            let ending = URL(fileURLWithPath: place).pathExtension
            let target = usual.first { $0.file.hasSuffix("." + ending) }?.target ?? usual[0].target
            return LocalModel(name: name ?? own, files: [(target, place)])
        }
        let root = isFolder.boolValue ? place ?? folder : folder
        guard uri == nil || isFolder.boolValue,
            let found = usual.first(where: { manager.fileExists(atPath: "\(root)/\($0.file)") })
        else {
            throw GyreError(
                .notFound, "The model of \(file(folder)) is not there.",
                why: uri.map { "Its uri is \($0)." } ?? "It has none of \(usual.map(\.file).joined(separator: ", ")).")
        }
        return LocalModel(name: name ?? own, files: [(found.target, "\(root)/\(found.file)")])
    }
}
