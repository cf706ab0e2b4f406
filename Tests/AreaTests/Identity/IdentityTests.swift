// SPDX-License-Identifier: Apache-2.0

import GyreAccess
import GyreBase
import GyreIdentity
import GyreLedger
import GyreTestSupport
import Synchronization
import Testing

/// Who there is, and what they may do.
@Suite struct IdentityTests {
    private let store = MemoryLedgerStore(now: { 0 })
    private let clock = ManualClock()
    private var ann: Principal { Principal(.user, "ann") }

    private func identity() async throws -> Identity {
        let identity = Identity(store: store, surroundings: clock.surroundings)
        try await identity.load()
        return identity
    }

    private func visit(_ workspace: String? = nil) -> Identity.Visit {
        Identity.Visit(workspace: workspace, address: "::1")
    }

    @Test("a role is on a workspace or on one thing, comes by groups too, and all of it is read back")
    func roles() async throws {
        let identity = try await identity()
        try await identity.makeAccount(ann, password: nil, by: "test")
        _ = try await identity.makeGroup("science", by: "test")
        _ = try await identity.setMember(ann, of: "science", true, by: "test")
        let thing = Thing(.model, "delay")
        try await identity.give(Grant(Principal(.group, "science"), .reader, workspace: "default"), by: "test")
        try await identity.give(Grant(ann, .operator, workspace: "default", thing: thing), by: "test")
        for known in [identity, try await self.identity()] {
            let access = known.access(of: ann, in: "default")
            #expect(access.workspace == [.read, .predict])
            #expect(
                access.permissions(on: thing).contains(.operate)
                    && !access.permissions(on: Thing(.model, "x")).contains(.write))
            #expect(access.visible(.model) == nil && access.visible(.dataset) == nil)
        }
        try await identity.take(Grant(Principal(.group, "science"), .reader, workspace: "default"), by: "test")
        #expect(identity.access(of: ann, in: "default").visible(.model) == ["delay"])
        #expect(identity.access(of: ann, in: "default").visible(.experiment) == [])
        try await identity.deleteGroup("science", by: "test")
        try await identity.deleteAccount(ann, by: "test")
        #expect(identity.access(of: ann, in: "default").isEmpty && identity.grants.isEmpty)
        await #expect(throws: GyreError.self) {
            try await identity.give(Grant(ann, .reader, workspace: "default"), by: "test")
        }
    }

    @Test("a token is known until it ends, is revoked or its owner is disabled, and does no more than its scope")
    func tokens() async throws {
        let identity = try await identity()
        try await identity.makeAccount(ann, password: nil, by: "test")
        try await identity.give(Grant(ann, .writer, workspace: "default"), by: "test")
        var wish = Token.Wish(name: "laptop")
        wish.scope = .read
        wish.lifetimeSeconds = 60
        let (token, secret) = try await identity.makeToken(ann, wish, by: "test")
        func caller() throws -> Caller? { try identity.caller(showing: Digest(of: secret), visit()) }
        #expect(try caller()?.name == "user/ann" && caller()?.access.workspace == .read && caller()?.token == "laptop")
        #expect(try identity.caller(showing: Digest(of: secret + "x"), visit()) == nil)
        #expect(identity.tokens(of: ann).first?.lastUse?.address == "::1")
        let restarted = try await self.identity()
        #expect(try restarted.caller(showing: Digest(of: secret), visit())?.name == "user/ann")
        _ = try await identity.setDisabled(ann, true, by: "test")
        #expect(try caller() == nil)
        _ = try await identity.setDisabled(ann, false, by: "test")
        #expect(try caller() != nil)
        #expect(throws: GyreError.self) { try identity.checkMayMakeTokens(try #require(try caller())) }
        await #expect(throws: GyreError.self, "the name is taken") {
            try await identity.makeToken(ann, wish, by: "test")
        }
        clock.advance(seconds: 61)
        #expect(try caller() == nil)
        try await identity.revoke(token.id, by: "test")
        #expect(identity.tokens(of: nil).isEmpty)
        let facts = try await store.facts(FactQuery())
        #expect(!facts.contains { $0.json.text.contains(secret) })
        #expect(try await !store.documents("token", prefix: "").contains { $0.body.text.contains(secret) })
    }

    @Test("workspaces are not found by those who may do nothing in them, and a token may be for one alone")
    func workspaces() async throws {
        let identity = try await identity()
        try await identity.makeAccount(ann, password: nil, by: "test")
        _ = try await identity.setWorkspace("fraud", description: "cards", quota: nil, isNew: true, by: "test")
        try await identity.give(Grant(ann, .reader, workspace: "fraud"), by: "test")
        #expect(try identity.resolve(ann, claimed: [], wanted: nil)?.workspace == "fraud", "the only one that is hers")
        #expect(throws: GyreError.self) { try identity.resolve(ann, claimed: [], wanted: "default") }
        #expect(throws: GyreError.self) { try identity.resolve(ann, claimed: [], wanted: "none") }
        var wish = Token.Wish(name: "one")
        wish.workspace = "fraud"
        let secret = try await identity.makeToken(ann, wish, by: "test").secret
        #expect(try identity.caller(showing: Digest(of: secret), visit())?.workspace == "fraud")
        #expect(throws: GyreError.self) { try identity.caller(showing: Digest(of: secret), visit("default")) }
        for name in ["Fraud", "-x", "a", "../x", "x/y"] {
            await #expect(throws: GyreError.self) {
                try await identity.setWorkspace(name, description: nil, quota: nil, isNew: true, by: "test")
            }
        }
        try await identity.deleteWorkspace("fraud", by: "test")
        #expect(try identity.caller(showing: Digest(of: secret), visit()) == nil)
        await #expect(throws: GyreError.self) { try await identity.deleteWorkspace("default", by: "test") }
    }

    @Test("passwords are compared, remembered for minutes, forgotten when they change, and guessing gets slower")
    func passwords() async throws {
        let identity = try await identity()
        try await identity.makeAccount(ann, password: "correct horse battery", by: "test")
        func signIn(_ password: String, _ name: String = "ann") async throws -> Principal {
            try await identity.signIn(name, password: password, digest: Digest(of: name + password), address: "::1")
        }
        #expect(try await signIn("correct horse battery") == ann)
        #expect(try await signIn("correct horse battery") == ann)
        await #expect(throws: GyreError.self) { try await signIn("wrong") }
        await #expect(throws: GyreError.self) { try await signIn("correct horse battery", "nobody") }
        try await identity.setPassword(of: ann, to: "another horse battery", by: "test")
        await #expect(throws: GyreError.self) { try await signIn("correct horse battery") }
        #expect(try await signIn("another horse battery") == ann)
        var codes: [GyreError.Code] = []
        for number in 0..<8 {
            do { _ = try await signIn("guess \(number)") } catch let error as GyreError { codes.append(error.code) }
        }
        #expect(codes.first == .unauthenticated && codes.last == .tooManyRequests)
        clock.advance(seconds: 120)
        #expect(try await signIn("another horse battery") == ann)
        await #expect(throws: GyreError.self) {
            try await identity.makeAccount(Principal(.user, "bob"), password: "short", by: "test")
        }
    }

    @Test("a browser's session ends, is renewed after an hour, and its old secret lasts for a minute more")
    func sessions() async throws {
        let identity = try await identity()
        try await identity.makeAccount(ann, password: nil, by: "test")
        let secret = try await identity.beginSession(ann, visit())
        #expect(try identity.caller(showing: Digest(of: secret), visit())?.isByCookie == true)
        #expect(await identity.renewSession(secret, visit()) == nil, "it is young")
        clock.advance(seconds: 3700)
        let renewed = try #require(await identity.renewSession(secret, visit()))
        #expect(try identity.caller(showing: Digest(of: secret), visit()) != nil)
        clock.advance(seconds: 61)
        #expect(try identity.caller(showing: Digest(of: secret), visit()) == nil)
        #expect(try identity.caller(showing: Digest(of: renewed), visit())?.name == "user/ann")
        try await identity.endSession(renewed)
        #expect(try identity.caller(showing: Digest(of: renewed), visit()) == nil)
        #expect(identity.tokens(of: nil).isEmpty, "sessions are no tokens of programs")
        clock.advance(seconds: 3 * 86_400)
        try await identity.removeEnded()
        #expect(try await store.documents("token", prefix: "").isEmpty)
    }

    @Test("whom a provider knows is made once, and never takes a name that is another's")
    func provider() async throws {
        let identity = try await identity()
        try await identity.makeAccount(ann, password: nil, by: "test")
        let claims = IdentityClaims(subject: "https://id#1", name: "bob", groups: ["science"])
        #expect(try await identity.account(of: claims) == Principal(.user, "bob"))
        #expect(
            try await identity.account(of: IdentityClaims(subject: "https://id#1", name: "robert", groups: []))
                == Principal(.user, "bob"))
        await #expect(throws: GyreError.self) {
            try await identity.account(of: IdentityClaims(subject: "https://id#2", name: "ann", groups: []))
        }
        await #expect(throws: GyreError.self) {
            try await identity.account(of: IdentityClaims(subject: "https://id#2", name: "bob", groups: []))
        }
        _ = try await identity.makeGroup("science", by: "test")
        try await identity.give(Grant(Principal(.group, "science"), .writer, workspace: "default"), by: "test")
        #expect(
            try identity.resolve(Principal(.user, "bob"), claimed: claims.groups, wanted: nil)?.access.workspace
                .contains(.write) == true)
        #expect(try identity.resolve(Principal(.user, "bob"), claimed: [], wanted: nil)?.access.isEmpty == true)
    }

    @Test("the first start makes one administrator, who cannot be the last to go")
    func administrators() async throws {
        let identity = try await identity()
        let secret = try #require(try await identity.makeFirstAdministrator())
        #expect(try await identity.makeFirstAdministrator() == nil)
        let caller = try #require(try identity.caller(showing: Digest(of: secret), visit()))
        #expect(caller.access == .everything && caller.name == "user/admin")
        let admin = Principal(.user, "admin")
        await #expect(throws: GyreError.self) { try await identity.deleteAccount(admin, by: "test") }
        await #expect(throws: GyreError.self) { try await identity.setAdministrator(admin, false, by: "test") }
        await #expect(throws: GyreError.self) { try await identity.setDisabled(admin, true, by: "test") }
        try await identity.makeAccount(ann, password: nil, isAdministrator: true, by: "test")
        try await identity.deleteAccount(admin, by: "test")
        #expect(
            try identity.owner(
                ofWholeToken: Digest(of: try await identity.makeToken(ann, Token.Wish(name: "t"), by: "test").secret))
                == ann)
        let passing = identity.issue(Caller(.known("task/1"), Access(workspace: .read)))
        #expect(try identity.caller(showing: Digest(of: passing), visit())?.name == "task/1")
        #expect(throws: GyreError.self) { try identity.caller(showing: Digest(of: passing), visit("other")) }
        identity.forget(passing)
        #expect(try identity.caller(showing: Digest(of: passing), visit()) == nil)
    }
}
