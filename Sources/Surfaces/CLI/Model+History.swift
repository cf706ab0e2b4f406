// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

extension Model {
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell who moved what on a model, newest first.", discussion: "Example: gyre model history delay")
        @Argument(help: "The model.") var name: String
        @Option(help: "At most this many.") var limit = 50
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = Percent.path("models", name, "history") + Percent.query([("limit", String(limit))])
            let answer = try await connection.get(API.FactList.self, path)
            output.render(answer, ids: answer.facts.map { String($0.seq) }) {
                TextTable(
                    ["SEQ", "WHEN", "WHO", "WHAT", "SUBJECT", "FROM", "TO"],
                    answer.facts.map { fact in
                        let (old, new) = Self.change(fact.body)
                        return [
                            String(fact.seq), Cell.time(fact.at), fact.actor,
                            fact.kind.replacing("registry.", with: ""), fact.subject, old, new,
                        ]
                    }
                ).text(empty: "Nothing has happened to the model yet.")
            }
        }

        /// What a fact says it was before and after, in a few words.
        private static func change(_ body: JSONValue) -> (String, String) {
            func short(_ value: JSONValue?) -> String { String(Cell.text(value).prefix(40)) }
            if let move = body["moves"]?.array?.first {
                let alias = Cell.text(body["alias"])
                return ("\(alias)→\(short(move["old"]))", "\(alias)→\(short(move["new"]))")
            }
            let key = body["key"]?.string.map { "\($0)=" } ?? ""
            let (old, new) = (body["old"], body["new"])
            if old == nil, new == nil { return ("", body["semantic"]?.string ?? "") }
            return (key + short(old), key + short(new))
        }
    }

    struct Undo: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take one change of a model back: an alias, a tag, a description, a stage or a name.",
            discussion: "Example: gyre model undo delay 1042")
        @Argument(help: "The model.") var name: String
        @Argument(help: "The change's place in the ledger, as `gyre model history` tells it.") var seq: Int
        @OptionGroup var trial: DryRunOptions
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body = trial.marked(["seq": .int(Int64(seq))])
            let undone = try await connection.post(API.Fact.self, Percent.path("models", name, "undo"), body)
            output.render(undone, ids: [String(undone.seq)]) {
                "\(undone.kind) of \(Cell.time(undone.at)) by \(undone.actor) \(trial.dryRun ? "would be" : "was") taken back."
            }
        }
    }
}
