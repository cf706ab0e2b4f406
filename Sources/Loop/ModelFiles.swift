// SPDX-License-Identifier: Apache-2.0

internal import Foundation
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
    private let blobs: any BlobStore
    private let folders: String

    /// Over these stores; the folders that Python needs are laid out below `folders`.
    package init(tracking: Tracking, loggedModels: LoggedModels, blobs: any BlobStore, folders: String) {
        self.tracking = tracking
        self.loggedModels = loggedModels
        self.blobs = blobs
        self.folders = folders
    }

    /// How a list of files begins.
    private static let mark = "gyre_model_folder"
    private static let longestList: Int64 = 16 << 20

    /// The digest of what serves a version.
    /// - Throws: `.invalid` where nothing can.
    package func servable(_ version: ModelVersion) async throws(GyreError) -> Digest {
        var uri = version.location.isEmpty ? version.source : version.location
        if !version.modelID.isEmpty { uri = try await loggedModels.model(version.modelID).artifactURI }
        guard uri.hasPrefix("mlflow-artifacts:/") else {
            throw GyreError(
                .unsupported, "The files of \(version.ref) are not kept here.", why: "Its source is \(version.source).")
        }
        let folder = try RelativePath(String(uri.dropFirst("mlflow-artifacts:/".count)))
        let prefix = folder.description + "/"
        let files = try await tracking.store.artifacts(below: folder)
        let models = files.filter { $0.path.description.hasSuffix(".onnx") }
        if let model = models.first, models.count == 1 { return model.blob.digest }
        guard files.contains(where: { $0.path.description == prefix + "MLmodel" }) else {
            throw GyreError(
                .invalid, "\(version.ref) cannot be served.",
                why: "It has \(models.count) .onnx files, of which one is needed, and no MLmodel file.",
                fix: "Log the model with mlflow.")
        }
        var list: JSONValue = [:]
        for file in files {
            list[String(file.path.description.dropFirst(prefix.count))] = .string(file.blob.digest.hex)
        }
        let writer = try await blobs.writer()
        try await writer.write(JSONValue.object(JSONObject([(Self.mark, list)])).canonicalBytes)
        return try await writer.finish().digest
    }

    /// What loads the file or folder with this digest.
    package func source(_ digest: Digest) async throws(GyreError) -> ModelSource {
        let file = try await blobs.file(digest)
        guard try await blobs.size(digest) <= Self.longestList, let data = FileManager.default.contents(atPath: file),
            data.starts(with: Array("{\"\(Self.mark)\":".utf8)),
            case .object(let list)? = try JSONValue(parsing: Array(data))[Self.mark]
        else { return ModelSource(file: file, format: .onnx) }
        let folder = "\(folders)/\(digest.hex)"
        if !FileManager.default.fileExists(atPath: folder) { try await layOut(list, in: folder) }
        return ModelSource(file: folder + "/MLmodel", format: .python)
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
