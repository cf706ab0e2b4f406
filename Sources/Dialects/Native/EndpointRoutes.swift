// SPDX-License-Identifier: Apache-2.0

internal import GyreAPI
internal import GyreAccess
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
            NativeCall("GET", "/endpoints", .list(.endpoint), "All endpoints with their traffic.", listEndpoints),
            NativeCall(
                "GET", "/endpoints/{name}", .read(.endpoint, "name"),
                "An endpoint: traffic, rollouts, counts, reports.", show),
            NativeCall(
                "POST", "/endpoints/{name}/deploy",
                .operate(.endpoint, "name").and(.read(.model, "model"))
                    .asking("deploy", .endpoint, "name"),
                "Releases a model version and rolls it out, as a canary unless the endpoint serves nothing yet: {model, version, strategy, steps, judge, reason, dry_run}; strategies are canary, shadow, blue-green, all-at-once.",
                takes: API.DeployRequest.self, hasDryRun: true, deploy),
            NativeCall(
                "POST", "/endpoints/{name}/rollout/{verb}",
                .operate(.endpoint, "name").asking("promote", .endpoint, "name", onlyFor: ["promote"]),
                "A person's word on the rollout: promote, abort, pause or resume.",
                takes: API.ReasonRequest.self, hasDryRun: true, command),
            NativeCall(
                "POST", "/endpoints/{name}/traffic", .operate(.endpoint, "name").asking("promote", .endpoint, "name"),
                "Sets the canary's share, for a comparison that lasts: {canary_percent, reason}; the rollout is paused there.",
                takes: API.TrafficRequest.self, hasDryRun: true, setShare),
            NativeCall(
                "POST", "/endpoints/{name}/freeze", .operate(.endpoint, "name"),
                "Holds the traffic where it is: {seconds, reason}; what fails still loses its share.",
                takes: API.FreezeRequest.self, hasDryRun: true, freeze),
            NativeCall(
                "POST", "/endpoints/{name}/unfreeze", .operate(.endpoint, "name"), "Ends the hold: {reason}.",
                takes: API.ReasonRequest.self,
                hasDryRun: true, unfreeze),
            NativeCall(
                "POST", "/endpoints/{name}/rules", .operate(.endpoint, "name").asking("promote", .endpoint, "name"),
                "Sends requests with some attributes to one side of the rollout, in place of the rules before: {rules: [{attribute, values, to}], reason}.",
                takes: API.RulesRequest.self, hasDryRun: true, setRules),
            NativeCall(
                "POST", "/endpoints/{name}/bandit",
                .operate(.endpoint, "name").and(.read(.model, "model"))
                    .asking("promote", .endpoint, "name"),
                "Lets a bandit share the traffic: {versions, algorithm, exploration, reward, model, reason}; algorithms are epsilon-greedy, thompson, exp3; rewards label, accuracy.",
                takes: API.BanditRequest.self, hasDryRun: true, startBandit),
            NativeCall(
                "DELETE", "/endpoints/{name}/bandit", .operate(.endpoint, "name").asking("promote", .endpoint, "name"),
                "Ends a bandit; ?version= gets all traffic, else what was stable before it.",
                takes: API.NoBody.self, query: ["version", "reason"], hasDryRun: true, stopBandit),
            NativeCall(
                "POST", "/endpoints/{name}/logging", .operate(.endpoint, "name"),
                "Sets the share of requests that the prediction log keeps, from 0 to 1: {share, reason}; what fails is always kept.",
                takes: API.LoggingRequest.self, hasDryRun: true, setLogging),
            NativeCall(
                "POST", "/endpoints/{name}/labels", .predict(.endpoint, "name"),
                "Tells what became of predictions: {labels: [{id, label}]}; labels of ids that the prediction log does not have wait for them.",
                takes: API.LabelsRequest.self, label),
            NativeCall(
                "POST", "/endpoints/{name}/monitor", .operate(.endpoint, "name"),
                "Computes a window's report and acts on it: {window, from, to, dry_run}.",
                takes: API.MonitorRequest.self, hasDryRun: true, monitor),
            NativeCall(
                "GET", "/endpoints/{name}/predictions/{id}", .read(.endpoint, "name"),
                "One prediction with its label and its whole lineage.",
                explain),
        ]
    }

    private func deploy(_ request: NativeRequest<API.DeployRequest>) async throws(GyreError) -> JSONValue {
        let body = request.body
        var wanted = Conductor.DeployRequest()
        wanted.endpoint = Names.bare(request.parameter("name"), "endpoint")
        wanted.model = try await names.deployed(
            body.model, on: Names.bare(request.parameter("name"), "endpoint"))
        wanted.selector = body.version?.text ?? "latest"
        wanted.strategy = try DeployStrategy(body.strategy?.rawValue, steps: body.steps)
        wanted.judge = body.judge
        wanted.reason = body.reason ?? "asked for"
        guard request.isDryRun else {
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

    private func startBandit(_ request: NativeRequest<API.BanditRequest>) async throws(GyreError) -> JSONValue {
        let (name, split) = try await names.endpoint(request.parameter("name"))
        let wish = try Self.wish(request.body)
        if request.isDryRun { return try await triedBandit(wish, name, split) }
        return try await services.conductor.startBandit(
            wish, name, reason: request.body.reason ?? "asked for", by: request.actor
        ).json
    }

    private static func wish(_ body: API.BanditRequest) throws(GyreError) -> Conductor.BanditWish {
        var wish = Conductor.BanditWish()
        wish.model = body.model
        wish.selectors = (body.versions ?? []).map(\.text)
        if let name = body.algorithm {
            guard let algorithm = Bandit.Algorithm(rawValue: name) else {
                throw GyreError(
                    .invalid, "\"\(name.prefix(40))\" is no algorithm of a bandit.",
                    why: "There are \(Bandit.Algorithm.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            wish.algorithm = algorithm
        }
        if let name = body.reward {
            guard let reward = Bandit.Reward(rawValue: name) else {
                throw GyreError(
                    .invalid, "\"\(name.prefix(40))\" is no reward.",
                    why: "There are \(Bandit.Reward.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            wish.reward = reward
        }
        wish.exploration = body.exploration ?? wish.exploration
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

    private func label(_ request: NativeRequest<API.LabelsRequest>) async throws(GyreError) -> JSONValue {
        let name = try await names.endpoint(request.parameter("name")).name
        let list = request.body.labels
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

    private func listEndpoints(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        var list: [JSONValue] = []
        let visible = request.visible(.endpoint)
        for (name, split) in try await services.rollouts.endpoints() where visible?.contains(name) ?? true {
            list.append(Self.json(name, split))
        }
        return ["endpoints": .array(list)]
    }

    private func command(_ request: NativeRequest<API.ReasonRequest>) async throws(GyreError) -> JSONValue {
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
        let name = try await names.endpoint(request.parameter("name")).name
        let reason = request.body.reason ?? "asked for by \(request.actor)"
        if request.isDryRun { return try await tried(event, name, reason: reason) }
        return try await services.conductor.command(event, name, reason: reason, by: request.actor).json
    }

    private func setShare(_ request: NativeRequest<API.TrafficRequest>) async throws(GyreError) -> JSONValue {
        guard (0...99).contains(request.body.canaryPercent) else {
            throw GyreError(
                .invalid, "canary_percent is a whole number from 0 to 99.",
                fix: "gyre endpoint promote gives the canary all traffic.")
        }
        let name = try await names.endpoint(request.parameter("name")).name
        let reason = request.body.reason ?? "asked for by \(request.actor)"
        let event = CanaryPlan.Event.hold(percent: request.body.canaryPercent)
        if request.isDryRun { return try await tried(event, name, reason: reason) }
        return try await services.conductor.command(event, name, reason: reason, by: request.actor).json
    }

    private func freeze(_ request: NativeRequest<API.FreezeRequest>) async throws(GyreError) -> JSONValue {
        let seconds = request.body.seconds
        if let seconds, !(1...31_536_000).contains(seconds) {
            throw GyreError(.invalid, "seconds is from 1 to 31536000.")
        }
        let (name, split) = try await names.endpoint(request.parameter("name"))
        let reason = request.body.reason ?? "asked for"
        if request.isDryRun {
            return try await triedFreeze(name, split, seconds: seconds, reason: reason, by: request.actor)
        }
        return try await services.rollouts.freeze(name, seconds: seconds, reason: reason, by: request.actor)
            .json
    }

    private func unfreeze(_ request: NativeRequest<API.ReasonRequest>) async throws(GyreError) -> JSONValue {
        let name = try await names.endpoint(request.parameter("name")).name
        if request.isDryRun { return try await triedUnfreeze(name) }
        try await services.rollouts.unfreeze(
            name, reason: request.body.reason ?? "asked for", by: request.actor)
        return ["frozen": false]
    }

    private func setRules(_ request: NativeRequest<API.RulesRequest>) async throws(GyreError) -> JSONValue {
        let name = try await names.endpoint(request.parameter("name")).name
        let rules = try TrafficRule.read(request.json["rules"])
        if request.isDryRun { return try await triedRules(rules, name) }
        return try await services.endpoints.setRules(
            rules, name, reason: request.body.reason ?? "asked for", by: request.actor
        ).json
    }

    private func stopBandit(_ request: NativeRequest<API.NoBody>) async throws(GyreError) -> JSONValue {
        let winner = try request.http.query("version").map { text throws(GyreError) in
            guard let number = Int(text) else {
                throw GyreError(.invalid, "\"\(text.prefix(40))\" is no number of a version.")
            }
            return number
        }
        let (name, split) = try await names.endpoint(request.parameter("name"))
        if request.isDryRun {
            return try await triedStop(of: name, split, winner: winner)
        }
        return try await services.conductor.stopBandit(
            name, winner: winner, reason: request.http.query("reason") ?? "asked for", by: request.actor
        ).json
    }

    private func setLogging(_ request: NativeRequest<API.LoggingRequest>) async throws(GyreError) -> JSONValue {
        let share = request.body.share
        guard (0...1).contains(share) else {
            throw GyreError(.invalid, "share is a number from 0 to 1.")
        }
        let name = try await names.endpoint(request.parameter("name")).name
        if request.isDryRun {
            return [
                "share": .double(share), "old": .double(try await services.rollouts.sample(of: name)),
                "dry_run": true,
            ]
        }
        try await services.endpoints.sample(
            name, share, reason: request.body.reason ?? "asked for", by: request.actor)
        return ["share": .double(share)]
    }

    private func monitor(_ request: NativeRequest<API.MonitorRequest>) async throws(GyreError) -> JSONValue {
        let from = try Timestamp.parse(request.body.from ?? "1970-01-01")
        let to = try Timestamp.parse(request.body.to ?? "9999-01-01")
        let (report, actions) = try await services.conductor.monitor(
            try await names.endpoint(request.parameter("name")).name, window: request.body.window ?? "all",
            from: from, to: to, isDryRun: request.isDryRun, by: request.actor)
        var json = report.json
        json["actions"] = .strings(actions)
        return request.isDryRun ? Self.dry(json) : json
    }

    private func explain(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let name = try await names.endpoint(request.parameter("name")).name
        return try await services.conductor.explain(
            try await names.prediction(request.parameter("id"), of: name), endpoint: name,
            log: services.predictions)
    }
}
