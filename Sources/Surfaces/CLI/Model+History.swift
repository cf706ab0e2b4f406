// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
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
            let answer = try await connection.with { try await $0.call("GET", path, nil) }
            let facts = answer["facts"]?.array ?? []
            output.render(answer, ids: facts.map { Cell.text($0["seq"]) }) {
                TextTable(
                    ["SEQ", "WHEN", "WHO", "WHAT", "SUBJECT", "FROM", "TO"],
                    facts.map { fact in
                        let (old, new) = Self.change(fact)
                        return [
                            Cell.text(fact["seq"]), Cell.time(fact["at"]), Cell.text(fact["actor"]),
                            Cell.text(fact["kind"]).replacing("registry.", with: ""), Cell.text(fact["subject"]), old,
                            new,
                        ]
                    }
                ).text(empty: "Nothing has happened to the model yet.")
            }
        }

        /// What a fact says it was before and after, in a few words.
        private static func change(_ fact: JSONValue) -> (String, String) {
            func short(_ value: JSONValue?) -> String { String(Cell.text(value).prefix(40)) }
            if let move = fact["body"]?["moves"]?.array?.first {
                let alias = Cell.text(fact["body"]?["alias"])
                return ("\(alias)→\(short(move["old"]))", "\(alias)→\(short(move["new"]))")
            }
            let key = fact["body"]?["key"]?.string.map { "\($0)=" } ?? ""
            let (old, new) = (fact["body"]?["old"], fact["body"]?["new"])
            if old == nil, new == nil { return ("", fact["body"]?["semantic"]?.string ?? "") }
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
            let answer = try await connection.with {
                try await $0.call(
                    "POST", Percent.path("models", name, "undo"), trial.marked(["seq": .int(Int64(seq))]))
            }
            output.render(answer, ids: [Cell.text(answer["seq"])]) {
                "\(Cell.text(answer["kind"])) of \(Cell.time(answer["at"])) by \(Cell.text(answer["actor"])) \(trial.dryRun ? "would be" : "was") taken back."
            }
        }
    }
}
