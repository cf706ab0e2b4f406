// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import GyreAPI
internal import GyreBase

extension Model {
    struct Predict: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Predict every row of a file or a dataset; what comes of it is a dataset version.",
            discussion: """
                A file is added as a dataset first, so that the predictions say what they were made from.
                Example: gyre model predict delay@champion --input march.parquet --output predicted.parquet
                """)
        @Argument(help: "The model, with @ and a number or an alias where it is not the newest version.") var model:
            String
        @Option(help: "A file of Parquet, CSV, TSV or JSON lines, or dataset/NAME[@VERSION].") var input: String
        @Option(name: .customLong("output"), help: "Where the predictions are written too: a .parquet or .csv file.")
        var file: String?
        @Option(
            help: "The dataset that they become a version of; the input's name with -predictions where it is not said.")
        var dataset: String?
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            if let file, !["parquet", "csv"].contains(Self.ending(file)) {
                throw ValidationError("--output is a file that ends in .parquet or .csv.")
            }
        }

        private static func ending(_ path: String) -> String { URL(fileURLWithPath: path).pathExtension.lowercased() }

        func run() async throws {
            let parts = model.split(separator: "@", maxSplits: 1).map(String.init)
            let answer = try await connection.with { connection in
                let input = try await known(connection)
                let body = trial.marked([
                    "input": .string(input), "dataset": .optional(dataset), "format": .optional(file.map(Self.ending)),
                ])
                let path = Percent.path(
                    "models", parts.first ?? "", "versions", parts.count > 1 ? parts[1] : "latest", "predictions")
                let answer = try await connection.post(API.Batch.self, path, body)
                if let file, let sha256 = answer.sha256 { try await connection.download(sha256, to: file) }
                return answer
            }
            output.render(answer, ids: [answer.dataset]) {
                trial.dryRun
                    ? "\(answer.model) would predict \(answer.input) into \(answer.dataset)."
                    : "\(Cell.text(answer.rows)) rows of \(answer.input) predicted by \(answer.model): "
                        + "\(answer.dataset)\(file.map { ", \($0)" } ?? "")"
            }
        }

        /// The dataset that is meant; a file becomes a version of one.
        private func known(_ connection: any Connection) async throws -> String {
            if input.hasPrefix("dataset/") { return String(input.dropFirst("dataset/".count)) }
            guard FileManager.default.fileExists(atPath: input) else {
                throw GyreError(
                    .notFound, "There is no file at \(input).", fix: "A dataset is named dataset/NAME: gyre data list")
            }
            let url = URL(fileURLWithPath: input)
            let name = url.deletingPathExtension().lastPathComponent
            if trial.dryRun {
                throw GyreError(
                    .invalid, "What predicting a file would do is known once it is a dataset.",
                    fix: "gyre data add \(input), and then --input dataset/\(name)")
            }
            let blob = try await connection.upload(file: input)
            let tree: JSONValue = [
                ["path": .string(url.lastPathComponent), "sha256": .string(blob.sha256), "size": .int(blob.sizeBytes)]
            ]
            let added = try await connection.post(
                API.DatasetVersion.self, Percent.path("datasets", name, "versions"),
                ["tree": tree, "message": .string("read by gyre model predict")])
            return added.ref.replacing("dataset/", with: "")
        }
    }
}
