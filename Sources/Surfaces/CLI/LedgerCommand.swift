// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import GyreAPI
internal import GyreBase

struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "The ledger: every change, in one chain.",
        subcommands: [
            Log.self, Show.self, Verify.self, Export.self, HeadCommand.self, Key.self, Sign.self, Prove.self,
            Rollback.self,
        ])

    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List facts, newest first.",
            discussion: "Example: gyre ledger log --kind rollout --ref endpoint/delay")
        @Option(help: "Only kinds that begin so.") var kind: String?
        @Option(help: "Only facts that mention this.") var ref: String?
        @Option(help: "At most this many.") var limit = 30
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = "/ledger" + Percent.query([("limit", String(limit)), ("kind", kind), ("ref", ref)])
            let answer = try await connection.get(API.FactList.self, path)
            output.render(answer, ids: answer.facts.map { String($0.seq) }) {
                TextTable(
                    ["SEQ", "AT", "BY", "WHAT", "SUBJECT", "REASON"],
                    answer.facts.map {
                        [
                            String($0.seq), Cell.time($0.at), $0.actor, $0.kind, $0.subject,
                            String(($0.body["reason"]?.string ?? "").prefix(90)),
                        ]
                    }
                ).text(empty: "No fact fits.")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one fact, with what it says of people where that was not erased.",
            discussion: "Example: gyre ledger show 42")
        @Argument(help: "The fact's place in the ledger.") var seq: Int64
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.Fact.self, "/ledger/facts/\(seq)")
            output.render(answer, ids: [String(answer.seq)]) {
                let rows = (answer.json.object?.members ?? []).map { [$0.name, Cell.text($0.value)] }
                return TextTable(["MEMBER", "VALUE"], rows).text(empty: "")
            }
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Re-hash the whole chain, and check it against its signed states.",
            discussion: """
                Reads the file of the home folder itself, also while a server runs; with --server the server reads its own.
                Exit status 0 if it is intact, 1 if not. Example: gyre ledger verify --head 1200:9f2c…
                """)
        @Option(help: "A head that was written down before: SEQ:HASH.") var head: String?
        @Option(
            help: "The key that checks signatures, as gyre ledger key printed it; the home's own where it is not said.")
        var key: String?
        @Option(help: "A file of signed states that was kept elsewhere, such as an anchor's.") var checkpoints: String?
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await verify()
            output.render(answer, ids: answer.findings.map { String($0.seq) }) {
                if answer.intact { return "intact: \(answer.facts) facts, \(answer.signed) signed states fit" }
                return "NOT INTACT: \(answer.facts) facts\n"
                    + answer.findings.map { "  fact \($0.seq): \($0.problem)" }.joined(separator: "\n")
            }
            if !answer.intact { throw ExitCode(1) }
        }

        private func verify() async throws -> Answer<API.Verification> {
            if let environment = CommandEnvironment.current, let home = connection.folder(environment) {
                return try Answer(try await environment.verifyHome(home, head, key, checkpoints))
            }
            return try await connection.get(API.Verification.self, "/ledger/verify" + Percent.query([("head", head)]))
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write all facts as JSON lines, oldest first.",
            discussion: "Example: gyre ledger export > ledger.jsonl")
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            try await connection.with { connection in
                var after: Int64 = 0
                while true {
                    let path = "/ledger?order=oldest&limit=5000&after=\(after)"
                    let page = try await connection.get(API.FactList.self, path)
                    // As they came: their bytes are what was hashed.
                    for fact in page.json["facts"]?.array ?? [] {
                        print(String(decoding: fact.canonicalBytes, as: UTF8.self))
                    }
                    guard let last = page.facts.last, page.facts.count == 5000 else { break }
                    after = last.seq
                }
            }
        }
    }

    struct HeadCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "head", abstract: "Print the end of the chain, to be written down elsewhere.",
            discussion: "Example: gyre ledger head")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let head = try await connection.get(API.Head.self, "/ledger/head")
            output.render(head, ids: [String(head.seq)]) { "\(head.seq):\(head.hash)" }
        }
    }

    struct Key: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the key that checks the ledger's signatures, to be written down elsewhere.",
            discussion: "Example: gyre ledger key > auditor/gyre.key")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.get(API.LedgerKey.self, "/ledger/key")
            output.render(answer, ids: [answer.key]) { answer.key }
        }
    }

    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign the ledger as it is now, and print the signed state.",
            discussion: "Example: gyre ledger sign. It is signed by itself every 1000 facts and five minutes too.")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await connection.post(API.SignedState.self, "/ledger/checkpoints", [:])
            output.render(answer, ids: [answer.checkpoint]) { answer.checkpoint }
        }
    }

    struct Prove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what proves that a fact is in the signed ledger.",
            discussion:
                "Example: gyre ledger prove 42 > proof.json; Docs/formats/check_proof.py checks it without Gyre.")
        @Argument(help: "The fact's place in the ledger.") var seq: Int64
        @OptionGroup var connection: ConnectionOptions

        func run() async throws {
            print(try await connection.get(API.Inclusion.self, "/ledger/facts/\(seq)/proof").json.indented())
        }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring all live pointers back to where they stood after a fact.",
            discussion: "Example: gyre ledger rollback --to 120 --dry-run")
        @Option(help: "The place in the ledger.") var to: Int64
        @Flag(help: "Show the plan, and change nothing.") var dryRun = false
        @Flag(help: "Do not ask.") var yes = false
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func validate() throws {
            guard dryRun || yes else {
                throw ValidationError("This moves everything that is live. Look with --dry-run, then say --yes.")
            }
        }

        func run() async throws {
            let body: JSONValue = ["to": .int(to), "dry_run": .bool(dryRun)]
            let rollback = try await connection.post(API.LedgerRollback.self, "/ledger/rollback", body)
            output.render(rollback, ids: rollback.moves.map(\.pointer)) {
                TextTable(
                    ["POINTER", "NOW", dryRun ? "WOULD BE" : "WAS MOVED TO"],
                    rollback.moves.map { [$0.pointer, Cell.text($0.old), Cell.text($0.new)] }
                ).text(empty: "Nothing moved since then.")
            }
        }
    }
}

struct LineageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lineage", abstract: "What a thing came from, or what was made of it.",
        discussion: "Example: gyre lineage model/delay@3 --direction up")
    @Argument(
        help:
            "The thing: dataset/flights@3f2a, model/delay@3 or @champion, run/9c1e, release/delay@1; the newest version where none is named."
    ) var ref: String
    @Option(help: "up to what it was made from, down to what was made of it.") var direction = "up"
    @Option(help: "Only facts up to this place.") var asOf: Int64?
    @Option(help: "Only the steps on the way from the first thing to this one.") var to: String?
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard ["up", "down"].contains(direction) else { throw ValidationError("--direction is up or down.") }
    }

    func run() async throws {
        let query = [("ref", ref), ("direction", direction), ("as_of", asOf.map(String.init)), ("to", to)]
        let path = "/lineage" + Percent.query(query)
        let lineage = try await connection.get(API.Lineage.self, path)
        let edges = lineage.path ?? lineage.edges ?? []
        output.render(lineage, ids: lineage.nodes ?? edges.map(\.input)) {
            TextTable(
                ["FROM", "TO", "BY", "SEQ"],
                edges.map { [$0.input, $0.output, $0.kind, String($0.seq)] }
            ).text(
                empty: to == nil
                    ? "\(lineage.root) \(direction == "up" ? "came from nothing" : "was used for nothing") that the ledger knows of."
                    : "\(lineage.root) leads to \(to ?? "") by no step that the ledger knows of.")
        }
    }
}
