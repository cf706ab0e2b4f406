// SPDX-License-Identifier: Apache-2.0

package import GyreBase
package import GyreLedger

/// A rollout: the controlled move of an endpoint's traffic to another deployment.
package struct Rollout: Sendable, Hashable {
    /// Eight hexadecimal digits, unique within the endpoint.
    package let id: String
    /// The name of the endpoint whose traffic it moves.
    package let endpoint: String
    /// What had the traffic when it began.
    package let stable: TrafficSplit.Target
    /// What is rolled out.
    package let canary: TrafficSplit.Target
    /// Its steps and where it stands.
    package var plan: CanaryPlan
    /// Requests that go to one side whatever the shares are.
    package var rules: [TrafficRule] = []
    /// Who judges.
    package let judge: Judge
    /// When it began, microseconds since 1970.
    package let startedAt: Int64
    /// When its present step began, microseconds since 1970.
    package var stepStartedAt: Int64
    /// When each of its steps began, the present one included, microseconds since 1970.
    package var stepStarts: [Int64]
    /// When it ended, microseconds since 1970.
    package var endedAt: Int64?
    /// Who ended it; nil while it is under way.
    package var endedBy: String?
    /// What the judge said last; nil before it has looked.
    package var lastVerdict: Verdict?
    /// What was said last.
    package var lastReason: String
    /// The numbers of what was said last.
    package var lastNumbers: JSONValue
    /// What labels that came after a promotion said against it; nil for nothing.
    package var contradicted: Contradicted?
    /// Labels and Brier scores of both sides over the whole rollout, those that came after its end included; nil while that is unknown.
    package var review: JSONValue?

    /// Labels that spoke against a promotion.
    package struct Contradicted: Sendable, Hashable {
        /// When that was seen, microseconds since 1970.
        package let at: Int64
        /// What was seen, in words.
        package let reason: String
        /// The numbers of both sides.
        package let numbers: JSONValue
        /// Whether the former version got the traffic back for it.
        package var isTakenBack = false

        init(at: Int64, reason: String, numbers: JSONValue) {
            self.at = at
            self.reason = reason
            self.numbers = numbers
        }

        init?(json: JSONValue?) {
            guard let json, let at = json["at"]?.int else { return nil }
            self.init(at: at, reason: json["reason"]?.string ?? "", numbers: json["numbers"] ?? [:])
            isTakenBack = json["taken_back"]?.bool ?? false
        }

        var json: JSONValue {
            [
                "at": .int(at), "reason": .string(reason), "numbers": numbers, "taken_back": .bool(isTakenBack),
            ]
        }
    }

    init(
        id: String, endpoint: String, stable: TrafficSplit.Target, canary: TrafficSplit.Target, plan: CanaryPlan,
        judge: Judge,
        startedAt: Int64
    ) {
        self.id = id
        self.endpoint = endpoint
        self.stable = stable
        self.canary = canary
        self.plan = plan
        self.judge = judge
        self.startedAt = startedAt
        stepStartedAt = startedAt
        stepStarts = [startedAt]
        lastReason = "The canary has just begun."
        lastNumbers = [:]
    }

    init(json: JSONValue) throws(GyreError) {
        guard let stable = TrafficSplit.Target(json: json["stable"]),
            let canary = TrafficSplit.Target(json: json["canary"])
        else {
            throw GyreError(.corrupt, "A stored rollout has no targets.")
        }
        let stored = StoredReader("rollout", json)
        self.init(
            id: try stored.text("id"), endpoint: try stored.text("endpoint"), stable: stable, canary: canary,
            plan: try CanaryPlan(json: json["plan"] ?? [:]), judge: Judge(stored: json["judge"]),
            startedAt: try stored.integer("started_at"))
        stepStartedAt = json["step_started_at"]?.int ?? startedAt
        stepStarts = (json["step_starts"]?.array ?? []).compactMap(\.int)
        if stepStarts.isEmpty { stepStarts = startedAt == stepStartedAt ? [startedAt] : [startedAt, stepStartedAt] }
        endedAt = json["ended_at"]?.int
        endedBy = json["ended_by"]?.string
        lastVerdict = Verdict(rawValue: json["last_verdict"]?.string ?? "")
        contradicted = Contradicted(json: json["contradicted"])
        lastReason = try stored.text("last_reason")
        lastNumbers = json["last_numbers"] ?? [:]
        rules = try TrafficRule.read(json["rules"])
    }

    /// As stored and as the native API tells it.
    package var json: JSONValue {
        [
            "id": .string(id), "endpoint": .string(endpoint), "stable": stable.json, "canary": canary.json,
            "plan": plan.json,
            "percent": .int(Int64(percent)), "state": .string(plan.state.rawValue),
            "judge": judge.json,
            "started_at": .int(startedAt), "step_started_at": .int(stepStartedAt),
            "step_starts": .array(stepStarts.map { .int($0) }), "ended_at": .optional(endedAt),
            "ended_by": .optional(endedBy), "last_verdict": .optional(lastVerdict?.rawValue),
            "contradicted": contradicted?.json ?? .null, "review": review ?? .null,
            "last_reason": .string(lastReason), "last_numbers": lastNumbers, "rules": .array(rules.map(\.json)),
        ]
    }

    /// `rollout/<endpoint>@<id>`.
    package var ref: Ref { Ref("rollout", endpoint, id) }

    /// The percent of the traffic that it gave its version: all of it once that was promoted, none where it was taken back.
    package var percent: Int {
        switch plan.state {
        case .running, .paused: plan.percent
        case .promoted: contradicted?.isTakenBack == true ? 0 : 100
        case .rolledBack, .aborted: 0
        }
    }

    /// How many windows the judge's level is shared by: one for each step, and the whole rollout, whose labels are looked at to the end.
    package var windows: Int { plan.steps.count + 1 }
}

/// Rollouts and the traffic pointers that they move.
package actor Rollouts {
    let store: any LedgerStore
    /// Its clock, and its chance.
    package nonisolated let surroundings: Surroundings
    /// The last look at each endpoint's rollout: kept here, since a look that moves nothing is no fact.
    var looks: [String: Look] = [:]

    struct Look {
        let rollout: String
        var judgement: Judge.Judgement?
        var review: JSONValue?
    }

    /// Rollouts in `store`.
    package init(store: any LedgerStore, surroundings: Surroundings) {
        self.store = store
        self.surroundings = surroundings
    }

    // MARK: Reading

    /// An endpoint's split; nil where there is no endpoint.
    package func split(_ endpoint: String) async throws(GyreError) -> TrafficSplit? {
        TrafficSplit(json: try await store.pointer(TrafficSplit.pointer(endpoint)))
    }

    /// All endpoints with their splits.
    package func endpoints() async throws(GyreError) -> [(name: String, split: TrafficSplit)] {
        var found: [(String, TrafficSplit)] = []
        for pointer in try await store.pointers(prefix: "endpoint/") {
            guard pointer.name.hasSuffix("#traffic"), let split = TrafficSplit(json: pointer.value) else { continue }
            found.append((String(pointer.name.dropFirst("endpoint/".count).dropLast("#traffic".count)), split))
        }
        return found
    }

    /// The rollouts of an endpoint, newest first.
    package func rollouts(of endpoint: String) async throws(GyreError) -> [Rollout] {
        try await store.documents("rollout", prefix: "\(endpoint)/").map { document throws(GyreError) in
            var rollout = try Rollout(json: document.body)
            guard let look = looks[endpoint], look.rollout == rollout.id else { return rollout }
            rollout.review = look.review
            if let judgement = look.judgement, !rollout.plan.state.isEnd {
                rollout.lastReason = judgement.reason
                rollout.lastNumbers = judgement.numbers
            }
            return rollout
        }
        .sorted { $0.startedAt > $1.startedAt }
    }

    /// The rollout that is under way.
    package func active(_ endpoint: String) async throws(GyreError) -> Rollout? {
        try await rollouts(of: endpoint).first { !$0.plan.state.isEnd }
    }

    // MARK: Moving

    /// Gives all traffic to a target at once: a first deployment, or a person's decision.
    ///
    /// A rollout under way is aborted.
    package func setStable(
        _ endpoint: String, _ target: TrafficSplit.Target, model: Ref, reason: JSONValue, by actor: String
    ) async throws(GyreError) {
        try await checkNotFrozen(endpoint)
        let pointer = TrafficSplit.pointer(endpoint)
        let active = try await active(endpoint)
        let seen = try await store.pointer(pointer)
        let look = active.flatMap { numbers(of: $0) }
        let now = surroundings.now()
        try await store.transact { ledger throws(GyreError) in
            // What somebody moved since it was looked at is theirs; the caller decides anew.
            guard try ledger.pointer(pointer) == seen else {
                throw GyreError(
                    .conflict, "The traffic of \"\(endpoint)\" was moved meanwhile.",
                    fix: "gyre endpoint show \(endpoint)")
            }
            var proposal = Proposal(())
            if let active {
                let aborted = try Self.applying(
                    .abort, to: active, reason: "Another deployment was set.", numbers: look, by: actor, at: now,
                    in: ledger)
                proposal = Proposal(
                    (), aborted.changes.filter { if case .move = $0 { false } else { true } }, recording: aborted.facts)
            }
            return Proposal(
                (), proposal.changes + [.move(pointer, to: TrafficSplit(stable: target).json)],
                recording: [
                    Fact(
                        "rollout.traffic.set", Ref("endpoint", endpoint), by: actor,
                        inputs: [model, Ref("release", endpoint, String(target.release))],
                        outputs: [Ref("endpoint", endpoint)],
                        body: [
                            "reason": reason, "ended_bandit": TrafficSplit(json: seen)?.bandit?.json ?? .null,
                        ])
                ] + proposal.facts)
        }
    }

    /// - Throws: `.conflict` where a new deployment would be refused now: a hold, and for a canary a rollout or a bandit under way.
    package func checkCanDeploy(_ endpoint: String, asCanary: Bool) async throws(GyreError) {
        if asCanary, let active = try await active(endpoint) { throw Self.underWay(active) }
        try await checkNotFrozen(endpoint)
        if asCanary, let split = try await split(endpoint) { try checkNoBandit(endpoint, split) }
    }

    private static func underWay(_ active: Rollout) -> GyreError {
        let endpoint = active.endpoint
        return GyreError(
            .conflict, "A rollout of \"\(endpoint)\" is under way.",
            why: "Version \(active.canary.version) has \(active.plan.percent) %.",
            fix: "gyre endpoint promote \(endpoint), or gyre endpoint abort \(endpoint)")
    }

    /// Starts a canary; the target must be loaded and warm.
    /// - Throws: `.conflict` while another is under way; `.notFound` for an endpoint without a stable deployment.
    package func start(
        _ endpoint: String, canary: TrafficSplit.Target, plan: CanaryPlan, judge: Judge, reason: JSONValue,
        by actor: String
    ) async throws(GyreError) -> Rollout {
        guard let split = try await split(endpoint) else {
            throw GyreError(
                .notFound, "The endpoint \"\(endpoint)\" serves nothing yet.", fix: "gyre endpoint deploy \(endpoint)")
        }
        try await checkCanDeploy(endpoint, asCanary: true)
        if judge.minimumAgreement > 0, !plan.isMirrored {
            throw GyreError(
                .invalid,
                "The judge asks for an agreement of \(Number.readable(judge.minimumAgreement)), and nothing is compared.",
                why: "Only a shadow gets copies of the requests that stable answers.",
                fix: "gyre endpoint deploy \(endpoint) --strategy shadow, or a judge without minimum_agreement")
        }
        let rollout = Rollout(
            id: String(surroundings.newID().prefix(8)), endpoint: endpoint, stable: split.stable, canary: canary,
            plan: plan, judge: judge, startedAt: surroundings.now())
        let next = TrafficSplit(
            stable: split.stable, canary: canary, canaryPercent: rollout.plan.percent,
            isMirrored: rollout.plan.mirrorsNow)
        try await store.commit(
            [
                .create(Self.document(rollout)),
                .moveIf(TrafficSplit.pointer(endpoint), expecting: split.json, to: next.json),
            ],
            recording: [
                Fact(
                    "rollout.canary.started", rollout.ref, by: actor,
                    inputs: [Ref("release", endpoint, String(canary.release))],
                    outputs: [rollout.ref, Ref("endpoint", endpoint)],
                    body: [
                        "reason": reason, "steps": .array(plan.steps.map { .int(Int64($0)) }),
                        "mirrored": .bool(plan.isMirrored),
                        "judge": judge.json,
                    ])
            ])
        return rollout
    }

    /// Takes a judgement: moves the traffic on, back, or not at all.
    ///
    /// One that moves nothing and says what was said before is shown with the rollout and not stored.
    package func judged(_ rollout: Rollout, _ judgement: Judge.Judgement) async throws(GyreError) -> Rollout {
        guard let current = try await active(rollout.endpoint), current.id == rollout.id else { return rollout }
        var judgement = judgement
        if judgement.verdict == .pass, let freeze = try await freeze(of: rollout.endpoint) {
            judgement = Judge.Judgement(
                verdict: .inconclusive, reason: "\(judgement.reason) It stays: \(freeze.reason)",
                numbers: judgement.numbers)
        }
        looks[rollout.endpoint] = Look(rollout: rollout.id, judgement: judgement)
        var plan = current.plan
        if plan.handle(.judged(judgement.verdict)) == .none, current.lastVerdict == judgement.verdict {
            return current
        }
        return try await apply(
            .judged(judgement.verdict), to: current, reason: judgement.reason, numbers: judgement.numbers,
            by: "policy/canary")
    }

    /// A person's word on the rollout under way.
    package func command(
        _ event: CanaryPlan.Event, _ endpoint: String, reason: String, by actor: String
    ) async throws(GyreError) -> Rollout {
        guard let active = try await active(endpoint) else {
            throw GyreError(
                .conflict, "No rollout of \"\(endpoint)\" is under way.", fix: "gyre endpoint show \(endpoint)")
        }
        switch event {
        case .promote, .hold, .resume: try await checkNotFrozen(endpoint)
        case .abort, .pause, .judged: break
        }
        return try await apply(event, to: active, reason: reason, by: actor)
    }

    /// Applies an event to a rollout as it is stored now: what came first counts.
    private func apply(
        _ event: CanaryPlan.Event, to seen: Rollout, reason: String, numbers: JSONValue? = nil, by actor: String
    ) async throws(GyreError) -> Rollout {
        let now = surroundings.now()
        let shown = numbers ?? self.numbers(of: seen)
        let isNewReason = numbers == nil
        return try await store.transact { ledger throws(GyreError) in
            try Self.applying(
                event, to: seen, reason: reason, isNewReason: isNewReason, numbers: shown, by: actor, at: now,
                in: ledger)
        }
    }

    /// The numbers of the last look at a rollout.
    private func numbers(of rollout: Rollout) -> JSONValue? {
        looks[rollout.endpoint].flatMap { $0.rollout == rollout.id ? $0.judgement?.numbers : nil }
    }

    /// What an event does to a rollout as it is stored now, and what is written for that.
    ///
    /// `isNewReason`: whether another reason alone is worth writing down.
    private static func applying(
        _ event: CanaryPlan.Event, to seen: Rollout, reason: String, isNewReason: Bool = true, numbers: JSONValue?,
        by actor: String, at now: Int64, in ledger: any LedgerTransaction
    ) throws(GyreError) -> Proposal<Rollout> {
        let key = "\(seen.endpoint)/\(seen.id)"
        guard let document = try ledger.document("rollout", key) else {
            throw GyreError(.notFound, "The rollout \(key) is gone.")
        }
        var rollout = try Rollout(json: document.body)
        let before = rollout.plan
        var isNewVerdict = false
        if case .judged(let verdict) = event {
            if before != seen.plan { return Proposal(rollout) }
            isNewVerdict = rollout.lastVerdict != verdict
            rollout.lastVerdict = verdict
        }
        guard !before.state.isEnd else {
            throw GyreError(.conflict, "The rollout of \"\(seen.endpoint)\" has ended: \(before.state.rawValue).")
        }
        let action = rollout.plan.handle(event)
        let hasNews = before != rollout.plan || isNewVerdict || (isNewReason && rollout.lastReason != reason)
        rollout.lastReason = reason
        if let numbers { rollout.lastNumbers = numbers }
        let (next, kind) = outcome(of: action, rollout, before)
        guard hasNews || next != nil else { return Proposal(rollout) }
        if next != nil { rollout.stepStartedAt = now }
        if rollout.plan.state.isEnd {
            (rollout.endedAt, rollout.endedBy) = (now, actor)
        } else if next != nil {
            rollout.stepStarts.append(now)
        }
        var changes: [Change] = [.put(Self.document(rollout))]
        if let next { changes.append(.move(TrafficSplit.pointer(rollout.endpoint), to: next.json)) }
        return Proposal(
            rollout, changes,
            recording: [
                Fact(
                    kind, rollout.ref, by: actor,
                    inputs: [Ref("release", rollout.endpoint, String(rollout.canary.release))],
                    outputs: [Ref("endpoint", rollout.endpoint)],
                    body: ["reason": .string(reason), "numbers": rollout.lastNumbers])
            ])
    }

    /// The split that an action asks for, and the kind of the fact that tells of it.
    private static func outcome(
        of action: CanaryPlan.Action, _ rollout: Rollout, _ before: CanaryPlan
    ) -> (TrafficSplit?, String) {
        switch action {
        case .setTraffic(let percent):
            var split = TrafficSplit(
                stable: rollout.stable, canary: rollout.canary, canaryPercent: percent,
                isMirrored: rollout.plan.mirrorsNow)
            split.rules = rollout.rules
            return (split, rollout.plan.heldPercent == nil ? "rollout.canary.advanced" : "rollout.canary.set")
        case .promote: return (TrafficSplit(stable: rollout.canary), "rollout.canary.promoted")
        case .rollBack:
            return (
                TrafficSplit(stable: rollout.stable),
                rollout.plan.state == .aborted ? "rollout.canary.aborted" : "rollout.canary.rolled-back"
            )
        case .none:
            switch rollout.plan.state {
            case before.state: return (nil, "rollout.canary.held")
            case .paused: return (nil, "rollout.canary.paused")
            case .running: return (nil, "rollout.canary.running")
            // An end always asks for something.
            case .promoted, .rolledBack, .aborted: return (nil, "rollout.canary.held")
            }
        }
    }

    static func document(_ rollout: Rollout) -> Document {
        Document("rollout", "\(rollout.endpoint)/\(rollout.id)", rollout.json)
    }
}
