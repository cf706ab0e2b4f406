// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreBase
internal import GyreDelivery
internal import GyreHTTP
internal import GyreLoop
internal import GyreMonitoring
internal import GyreReleases
internal import GyreRollout
internal import GyreServing

extension NativeDialect {
    var endpointCalls: [NativeCall] {
        [
            NativeCall("GET", "/endpoints", "All endpoints with their traffic.") { _ throws(GyreError) in
                var list: [JSONValue] = []
                for (name, split) in try await services.rollouts.endpoints() {
                    list.append(Self.json(name, split))
                }
                return ["endpoints": .array(list)]
            },
            NativeCall("GET", "/endpoints/{name}", "An endpoint: traffic, rollouts, counts, reports.", show),
            NativeCall(
                "POST", "/endpoints/{name}/deploy",
                "Releases a model version and rolls it out, as a canary unless the endpoint serves nothing yet: {model, version, strategy, steps, judge, reason, dry_run}; strategies are canary, shadow, blue-green, all-at-once.",
                hasDryRun: true, deploy),
            NativeCall(
                "POST", "/endpoints/{name}/rollout/{verb}",
                "A person's word on the rollout: promote, abort, pause or resume.", hasDryRun: true
            ) {
                request throws(GyreError) in
                let events: [String: CanaryPlan.Event] = [
                    "promote": .promote, "abort": .abort, "pause": .pause, "resume": .resume,
                ]
                guard let event = events[request.parameter("verb")] else {
                    throw GyreError(
                        .notFound,
                        "\"\(request.parameter("verb").prefix(40))\" is nothing that can be done to a rollout.",
                        fix: Nearest.fix(
                            request.parameter("verb"), among: events.keys.sorted(),
                            otherwise: "promote, abort, pause, resume"))
                }
                let body = try await request.json()
                let name = try await names.endpoint(request.parameter("name")).name
                let reason = body["reason"]?.string ?? "asked for by \(request.actor)"
                if request.isDryRun(body) { return try await tried(event, name, reason: reason) }
                return try await services.conductor.command(event, name, reason: reason, by: request.actor).json
            },
            NativeCall(
                "POST", "/endpoints/{name}/traffic",
                "Sets the canary's share, for a comparison that lasts: {canary_percent, reason}; the rollout is paused there.",
                hasDryRun: true
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                guard let percent = body["canary_percent"]?.int, (0...99).contains(percent) else {
                    throw GyreError(
                        .invalid, "canary_percent is a whole number from 0 to 99.",
                        fix: "gyre endpoint promote gives the canary all traffic.")
                }
                let name = try await names.endpoint(request.parameter("name")).name
                let reason = body["reason"]?.string ?? "asked for by \(request.actor)"
                let event = CanaryPlan.Event.hold(percent: Int(percent))
                if request.isDryRun(body) { return try await tried(event, name, reason: reason) }
                return try await services.conductor.command(event, name, reason: reason, by: request.actor).json
            },
            NativeCall(
                "POST", "/endpoints/{name}/freeze",
                "Holds the traffic where it is: {seconds, reason}; what fails still loses its share.",
                hasDryRun: true
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                if let seconds = body["seconds"]?.int, !(1...31_536_000).contains(seconds) {
                    throw GyreError(.invalid, "seconds is from 1 to 31536000.")
                }
                let (name, split) = try await names.endpoint(request.parameter("name"))
                let reason = body["reason"]?.string ?? "asked for"
                if request.isDryRun(body) {
                    return try await triedFreeze(
                        name, split, seconds: body["seconds"]?.int, reason: reason, by: request.actor)
                }
                return try await services.rollouts.freeze(
                    name, seconds: body["seconds"]?.int, reason: reason, by: request.actor
                ).json
            },
            NativeCall("POST", "/endpoints/{name}/unfreeze", "Ends the hold: {reason}.", hasDryRun: true) {
                request throws(GyreError) in
                let body = try await request.json()
                let name = try await names.endpoint(request.parameter("name")).name
                if request.isDryRun(body) { return try await triedUnfreeze(name) }
                try await services.rollouts.unfreeze(
                    name, reason: body["reason"]?.string ?? "asked for", by: request.actor)
                return ["frozen": false]
            },
            NativeCall(
                "POST", "/endpoints/{name}/rules",
                "Sends requests with some attributes to one side of the rollout, in place of the rules before: {rules: [{attribute, values, to}], reason}.",
                hasDryRun: true
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                let name = try await names.endpoint(request.parameter("name")).name
                let rules = try TrafficRule.read(body["rules"])
                if request.isDryRun(body) { return try await triedRules(rules, name) }
                return try await services.endpoints.setRules(
                    rules, name, reason: body["reason"]?.string ?? "asked for", by: request.actor
                ).json
            },
            NativeCall(
                "POST", "/endpoints/{name}/bandit",
                "Lets a bandit share the traffic: {versions, algorithm, exploration, reward, model, reason}; algorithms are epsilon-greedy, thompson, exp3; rewards label, accuracy.",
                hasDryRun: true, startBandit),
            NativeCall(
                "DELETE", "/endpoints/{name}/bandit",
                "Ends a bandit; ?version= gets all traffic, else what was stable before it.",
                query: ["version", "reason"], hasDryRun: true
            ) {
                request throws(GyreError) in
                let winner = try request.query("version").map { text throws(GyreError) in
                    guard let number = Int(text) else {
                        throw GyreError(.invalid, "\"\(text.prefix(40))\" is no number of a version.")
                    }
                    return number
                }
                let (name, split) = try await names.endpoint(request.parameter("name"))
                if request.isDryRun(try await request.json()) {
                    return try await triedStop(of: name, split, winner: winner)
                }
                return try await services.conductor.stopBandit(
                    name, winner: winner, reason: request.query("reason") ?? "asked for", by: request.actor
                ).json
            },
            NativeCall(
                "POST", "/endpoints/{name}/logging",
                "Sets the share of requests that the prediction log keeps, from 0 to 1: {share, reason}; what fails is always kept.",
                hasDryRun: true
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                guard let share = body["share"]?.double, (0...1).contains(share) else {
                    throw GyreError(.invalid, "share is a number from 0 to 1.")
                }
                let name = try await names.endpoint(request.parameter("name")).name
                if request.isDryRun(body) {
                    return [
                        "share": .double(share), "old": .double(try await services.rollouts.sample(of: name)),
                        "dry_run": true,
                    ]
                }
                try await services.endpoints.sample(
                    name, share, reason: body["reason"]?.string ?? "asked for", by: request.actor)
                return ["share": .double(share)]
            },
            NativeCall(
                "POST", "/endpoints/{name}/labels",
                "Tells what became of predictions: {labels: [{id, label}]}; labels of ids that the prediction log does not have wait for them.",
                label),
            NativeCall(
                "POST", "/endpoints/{name}/monitor",
                "Computes a window's report and acts on it: {window, from, to, dry_run}.", hasDryRun: true
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                let from = try Timestamp.parse(body["from"]?.string ?? "1970-01-01")
                let to = try Timestamp.parse(body["to"]?.string ?? "9999-01-01")
                let (report, actions) = try await services.conductor.monitor(
                    try await names.endpoint(request.parameter("name")).name, window: body["window"]?.string ?? "all",
                    from: from, to: to, isDryRun: request.isDryRun(body), by: request.actor)
                var json = report.json
                json["actions"] = .strings(actions)
                return request.isDryRun(body) ? Self.dry(json) : json
            },
            NativeCall(
                "GET", "/endpoints/{name}/predictions/{id}", "One prediction with its label and its whole lineage."
            ) {
                request throws(GyreError) in
                let name = try await names.endpoint(request.parameter("name")).name
                return try await services.conductor.explain(
                    try await names.prediction(request.parameter("id"), of: name), endpoint: name,
                    log: services.predictions)
            },
        ]
    }

    private func deploy(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let body = try await request.json()
        var wanted = Conductor.DeployRequest()
        wanted.endpoint = Names.bare(request.parameter("name"), "endpoint")
        wanted.model = try await names.deployed(
            body["model"]?.string, on: Names.bare(request.parameter("name"), "endpoint"))
        wanted.selector = body["version"]?.string ?? body["version"]?.int.map(String.init) ?? "latest"
        wanted.strategy = try DeployStrategy(
            body["strategy"]?.string, steps: body["steps"]?.array?.compactMap { $0.int.map(Int.init) })
        wanted.judge = body["judge"].flatMap { $0.isNull ? nil : $0 }
        wanted.reason = body["reason"]?.string ?? "asked for"
        guard request.isDryRun(body) else {
            return try await services.conductor.rollOut(wanted, by: request.actor).json
        }
        let plan = try await services.conductor.plan(wanted)
        return [
            "dry_run": true, "endpoint": .string(plan.endpoint), "pins": plan.pins.json,
            "stable": plan.stable.map { .int(Int64($0.version)) } ?? .null,
            "steps": plan.plan.map { .array($0.steps.map { .int(Int64($0)) }) } ?? [100],
            "mirrored": .bool(plan.plan?.isMirrored ?? false), "judge": plan.judge.json,
        ]
    }

    /// An endpoint with what each side of its traffic gets.
    private static func json(_ name: String, _ split: TrafficSplit) -> JSONValue {
        var json = split.json
        json["name"] = .string(name)
        if split.bandit == nil { json["stable_percent"] = .int(Int64(100 - split.canaryPercent)) }
        return json
    }

    private func startBandit(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let body = try await request.json()
        let (name, split) = try await names.endpoint(request.parameter("name"))
        let wish = try Self.wish(body)
        if request.isDryRun(body) { return try await triedBandit(wish, name, split) }
        return try await services.conductor.startBandit(
            wish, name, reason: body["reason"]?.string ?? "asked for", by: request.actor
        ).json
    }

    private static func wish(_ body: JSONValue) throws(GyreError) -> Conductor.BanditWish {
        var wish = Conductor.BanditWish()
        wish.model = body["model"]?.string
        wish.selectors = (body["versions"]?.array ?? []).compactMap { $0.string ?? $0.int.map(String.init) }
        if let name = body["algorithm"]?.string {
            guard let algorithm = Bandit.Algorithm(rawValue: name) else {
                throw GyreError(
                    .invalid, "\"\(name.prefix(40))\" is no algorithm of a bandit.",
                    why: "There are \(Bandit.Algorithm.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            wish.algorithm = algorithm
        }
        if let name = body["reward"]?.string {
            guard let reward = Bandit.Reward(rawValue: name) else {
                throw GyreError(
                    .invalid, "\"\(name.prefix(40))\" is no reward.",
                    why: "There are \(Bandit.Reward.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            wish.reward = reward
        }
        wish.exploration = body["exploration"]?.double ?? wish.exploration
        return wish
    }

    private func show(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let (name, split) = try await names.endpoint(request.parameter("name"))
        var json = Self.json(name, split)
        if split.bandit != nil { json["learned"] = services.predictor.learned(name) }
        json["freeze"] = try await services.rollouts.freeze(of: name)?.json ?? .null
        json["log_share"] = .double(try await services.rollouts.sample(of: name))
        json["counts"] = try await services.predictions.counts(name)
        json["rollouts"] = .array(try await services.rollouts.rollouts(of: name).prefix(20).map(\.json))
        json["reports"] = .array(try await services.monitors.reports(name))
        json["loaded"] = .array(services.host.models().filter { $0.name == name }.map { .int(Int64($0.number)) })
        return json
    }

    private func label(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let name = try await names.endpoint(request.parameter("name")).name
        let list = try API.LabelsRequest(request: try await request.json()).labels
        guard list.count <= Limits.pageRows else {
            throw GyreError(
                .limitExceeded, "The request has \(list.count) labels; \(Limits.pageRows) is the most.",
                fix: "Send them in parts.")
        }
        var labels: [Label] = []
        for item in list {
            guard !item.id.isEmpty else { throw GyreError(.invalid, "A label needs the id of its prediction.") }
            labels.append(Label(id: item.id, value: item.label))
        }
        let known = try await services.predictions.known(labels.map(\.id), endpoint: name)
        let waiting = labels.filter { !known.contains($0.id) }.map(\.id)
        try await services.predictions.append(labels, endpoint: name)
        let matched = services.predictor.label(labels, endpoint: name)
        return [
            "labels": .int(Int64(labels.count)), "joined": .int(Int64(labels.count - waiting.count)),
            "waiting": .int(Int64(waiting.count)), "waiting_ids": .strings(waiting.prefix(20)),
            "counted_for_rollout": .int(Int64(matched)),
        ]
    }
}
