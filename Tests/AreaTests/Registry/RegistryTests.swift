// SPDX-License-Identifier: Apache-2.0

import GyreBase
import GyreLedger
import GyreRegistry
import GyreTestSupport
import Testing

/// Models, their versions, aliases, and taking changes back.
@Suite struct RegistryTests {
    private let ledger = MemoryLedgerStore(now: { 0 })
    private var registry: Registry { Registry(store: ledger, surroundings: .still) }

    private func version(of name: String, _ source: String = "s3://bucket/model") async throws -> ModelVersion {
        try await registry.createVersion(of: name, Registry.VersionDraft(source: source), by: "ann")
    }

    /// The place of the newest fact of a kind.
    private func last(_ kind: String) async throws -> Int64 {
        let facts = try await ledger.facts(FactQuery())
        return try #require(facts.last { $0.fact.kind == kind }).seq
    }

    @Test("versions are numbered from 1, and a number is never given twice")
    func numbers() async throws {
        _ = try await registry.createModel("m", description: "d", tags: ["a": "b"], by: "ann")
        #expect(try await version(of: "m").number == 1)
        #expect(try await version(of: "m").number == 2)
        try await registry.deleteVersion("m", 2, by: "ann")
        #expect(try await version(of: "m").number == 3)
        #expect(try await registry.versions(of: "m").map(\.number) == [1, 3])
        #expect(try await registry.versions().count == 2)
        let error = await #expect(throws: GyreError.self) { try await registry.version("m", 2) }
        #expect(error?.code == .notFound)
    }

    @Test("a model whose name begins like another's keeps its versions to itself")
    func prefixes() async throws {
        for name in ["m", "m2", "m 2"] { _ = try await registry.createModel(name, by: "ann") }
        for name in ["m", "m2", "m2", "m 2"] { _ = try await version(of: name) }
        #expect(try await registry.versions(of: "m").map(\.number) == [1])
        #expect(try await registry.models().map(\.name) == ["m", "m 2", "m2"])
    }

    @Test("a name is taken once, and the error says by what", arguments: [true, false])
    func taken(isPrompt: Bool) async throws {
        let prompt = [RegisteredModel.promptTag: "true"]
        _ = try await registry.createModel("x", tags: isPrompt ? prompt : [:], by: "ann")
        let same = await #expect(throws: GyreError.self) {
            try await registry.createModel("x", tags: isPrompt ? prompt : [:], by: "ann")
        }
        #expect(same?.code == .alreadyExists && same?.what.hasSuffix("already exists.") == true)
        let other = await #expect(throws: GyreError.self) {
            try await registry.createModel("x", tags: isPrompt ? [:] : prompt, by: "ann")
        }
        #expect(other?.what.contains("already taken by a \(isPrompt ? "prompt" : "registered model")") == true)
    }

    @Test("names that an address cannot hold are refused", arguments: ["", "  ", "a/b", "a:b", "a@b"])
    func names(name: String) async {
        let error = await #expect(throws: GyreError.self) { try await registry.createModel(name, by: "ann") }
        #expect(error?.code == .invalid)
    }

    @Test("an alias names one version at a time, and goes with it")
    func aliases() async throws {
        _ = try await registry.createModel("m", by: "ann")
        for _ in 1...3 { _ = try await version(of: "m") }
        try await registry.setAlias("champion", of: "m", to: 1, by: "ann")
        try await registry.setAlias("champion", of: "m", to: 2, by: "ann")
        #expect(try await registry.resolve("m", "champion").number == 2)
        #expect(try await registry.resolve("m", "latest").number == 3)
        #expect(try await registry.resolve("m", "1").number == 1)
        #expect(try await registry.aliases(of: "m").map(\.number) == [2])
        try await registry.deleteVersion("m", 2, by: "ann")
        let error = await #expect(throws: GyreError.self) { try await registry.resolve("m", "champion") }
        #expect(error?.code == .notFound)
        await #expect(throws: GyreError.self) { try await registry.setAlias("champion", of: "m", to: 2, by: "ann") }
        try await registry.deleteAlias("none", of: "m", by: "ann")
    }

    @Test(
        "an alias is no number, not \"latest\" and not like v1",
        arguments: ["", "latest", "Latest", "v1", "V23", "a b", "a/b"])
    func aliasNames(alias: String) {
        #expect(throws: GyreError.self) { try RegistryRules.checkAlias(alias) }
    }

    @Test("renaming takes versions, tags and aliases along, and the old name is free")
    func rename() async throws {
        _ = try await registry.createModel("old", description: "d", tags: ["k": "v"], by: "ann")
        _ = try await registry.createModel("other", by: "ann")
        _ = try await version(of: "old")
        try await registry.setAlias("champion", of: "old", to: 1, by: "ann")
        let renamed = try await registry.renameModel("old", to: "new", by: "ann")
        #expect(renamed.description == "d" && renamed.tags == ["k": "v"])
        #expect(try await registry.resolve("new", "champion").name == "new")
        #expect(try await registry.aliases(of: "old").isEmpty)
        await #expect(throws: GyreError.self) { try await registry.model("old") }
        let error = await #expect(throws: GyreError.self) {
            try await registry.renameModel("new", to: "other", by: "ann")
        }
        #expect(error?.code == .alreadyExists)
        _ = try await registry.createModel("old", by: "ann")
    }

    @Test("deleting a model takes versions and aliases with it")
    func delete() async throws {
        _ = try await registry.createModel("m", by: "ann")
        _ = try await version(of: "m")
        try await registry.setAlias("champion", of: "m", to: 1, by: "ann")
        try await registry.deleteModel("m", by: "ann")
        #expect(try await registry.versions().isEmpty)
        #expect(try await ledger.pointers(prefix: "model/").isEmpty)
        let error = await #expect(throws: GyreError.self) { try await registry.deleteModel("m", by: "ann") }
        #expect(error?.code == .notFound)
    }

    @Test("moving to a stage archives the versions that are there, where that is asked")
    func stages() async throws {
        _ = try await registry.createModel("m", by: "ann")
        for _ in 1...3 { _ = try await version(of: "m") }
        for number in 1...2 {
            _ = try await registry.stageVersion("m", number, .production, archivesOthers: false, by: "ann")
        }
        _ = try await registry.stageVersion("m", 3, .production, archivesOthers: true, by: "ann")
        #expect(try await registry.versions(of: "m").map(\.stage) == [.archived, .archived, .production])
    }

    @Test("every kind of change can be taken back, and gives what was before")
    func undo() async throws {
        _ = try await registry.createModel("m", description: "first", tags: ["k": "old"], by: "ann")
        _ = try await version(of: "m")
        try await registry.setAlias("champion", of: "m", to: 1, by: "ann")
        _ = try await version(of: "m")

        try await registry.setAlias("champion", of: "m", to: 2, by: "ann")
        _ = try await registry.undo(try await last("registry.alias.set"), of: "m", by: "bob")
        #expect(try await registry.resolve("m", "champion").number == 1)
        try await registry.deleteAlias("champion", of: "m", by: "ann")
        _ = try await registry.undo(try await last("registry.alias.deleted"), of: "m", by: "bob")
        #expect(try await registry.resolve("m", "champion").number == 1)

        try await registry.tagModel("m", "k", "new", by: "ann")
        _ = try await registry.undo(try await last("registry.model.tagged"), of: "m", by: "bob")
        #expect(try await registry.model("m").tags["k"] == "old")
        try await registry.tagModel("m", "k", nil, by: "ann")
        _ = try await registry.undo(try await last("registry.model.untagged"), of: "m", by: "bob")
        #expect(try await registry.model("m").tags["k"] == "old")

        try await registry.tagVersion("m", 1, "t", "x", by: "ann")
        _ = try await registry.undo(try await last("registry.version.tagged"), of: "m", by: "bob")
        #expect(try await registry.version("m", 1).tags["t"] == nil)
        try await registry.tagVersion("m", 1, "t", "x", by: "ann")
        try await registry.tagVersion("m", 1, "t", nil, by: "ann")
        _ = try await registry.undo(try await last("registry.version.untagged"), of: "m", by: "bob")
        #expect(try await registry.version("m", 1).tags["t"] == "x")

        _ = try await registry.describeModel("m", "second", by: "ann")
        _ = try await registry.undo(try await last("registry.model.described"), of: "m", by: "bob")
        #expect(try await registry.model("m").description == "first")
        _ = try await registry.describeVersion("m", 1, "words", by: "ann")
        _ = try await registry.undo(try await last("registry.version.described"), of: "m", by: "bob")
        #expect(try await registry.version("m", 1).description == "")

        _ = try await registry.stageVersion("m", 1, .production, archivesOthers: false, by: "ann")
        _ = try await registry.undo(try await last("registry.version.staged"), of: "m", by: "bob")
        #expect(try await registry.version("m", 1).stage == .none)

        _ = try await registry.renameModel("m", to: "n", by: "ann")
        _ = try await registry.undo(try await last("registry.model.renamed"), of: "n", by: "bob")
        #expect(try await registry.model("m").name == "m")

        let told = try await registry.history(of: "m", limit: 100).map(\.fact.kind)
        #expect(
            told.filter { $0 == "registry.change.undone" }.count == 9, "the tenth is told of the name that it took back"
        )
        #expect(try await ledger.verify().findings.isEmpty)
    }

    @Test("what was made cannot be taken back, and an alias that moved on since is not moved")
    func cannotUndo() async throws {
        _ = try await registry.createModel("m", by: "ann")
        for _ in 1...3 { _ = try await version(of: "m") }
        let made = try await last("registry.version.created")
        let error = await #expect(throws: GyreError.self) { try await registry.undo(made, of: "m", by: "bob") }
        #expect(error?.code == .unsupported)
        try await registry.setAlias("a", of: "m", to: 1, by: "ann")
        try await registry.setAlias("a", of: "m", to: 2, by: "ann")
        let earlier = try await last("registry.alias.set")
        try await registry.setAlias("a", of: "m", to: 3, by: "ann")
        let moved = await #expect(throws: GyreError.self) { try await registry.undo(earlier, of: "m", by: "bob") }
        #expect(moved?.code == .conflict)
        #expect(try await registry.resolve("m", "a").number == 3)
        let other = await #expect(throws: GyreError.self) { try await registry.undo(earlier, of: "x", by: "bob") }
        #expect(other?.code == .notFound)
        await #expect(throws: GyreError.self) { try await registry.history(of: "x", limit: 1) }
    }

    @Test("tags have the rules of MLflow")
    func tags() async throws {
        _ = try await registry.createModel("m", by: "ann")
        for key in ["", "a//b", "../x", "a#b", String(repeating: "k", count: 251)] {
            await #expect(throws: GyreError.self) { try await registry.tagModel("m", key, "v", by: "ann") }
        }
        await #expect(throws: GyreError.self) {
            try await registry.tagModel("m", "k", String(repeating: "v", count: 100_001), by: "ann")
        }
        try await registry.tagModel("m", "größe/ä b-c.d:e", "v", by: "ann")
        let many = Dictionary(uniqueKeysWithValues: (0...1000).map { ("k\($0)", "v") })
        await #expect(throws: GyreError.self) { try await registry.createModel("n", tags: many, by: "ann") }
    }
}
