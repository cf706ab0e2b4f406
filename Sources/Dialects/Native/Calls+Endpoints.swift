// SPDX-License-Identifier: Apache-2.0

internal import GyreBase
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
                    var json = split.json
                    json["name"] = .string(name)
                    list.append(json)
                }
                return ["endpoints": .array(list)]
            },
            NativeCall("GET", "/endpoints/{name}", "An endpoint: traffic, rollouts, counts, reports.", show),
            NativeCall(
                "POST", "/endpoints/{name}/deploy",
                "Releases a model version and rolls it out: {version, reason, strategy, steps}; strategies are canary, shadow, blue-green, all-at-once."
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                let selector = body["version"]?.string ?? body["version"]?.int.map(String.init) ?? "latest"
                let model = body["model"]?.string ?? request.parameter("name")
                let strategy = try DeployStrategy(
                    body["strategy"]?.string, steps: body["steps"]?.array?.compactMap { $0.int.map(Int.init) })
                return try await services.conductor.rollOut(
                    model: model, selector: selector, strategy: strategy, reason: body["reason"]?.string ?? "asked for",
                    by: request.actor
                ).json
            },
            NativeCall(
                "POST", "/endpoints/{name}/rollout/{verb}",
                "A person's word on the rollout: promote, abort, pause or resume."
            ) {
                request throws(GyreError) in
                let events: [String: CanaryPlan.Event] = [
                    "promote": .promote, "abort": .abort, "pause": .pause, "resume": .resume,
                ]
                guard let event = events[request.parameter("verb")] else {
                    throw GyreError(
                        .notFound,
                        "\"\(request.parameter("verb").prefix(40))\" is nothing that can be done to a rollout.")
                }
                let reason = try await request.json()["reason"]?.string ?? "asked for by \(request.actor)"
                return try await services.conductor.command(
                    event, request.parameter("name"), reason: reason, by: request.actor
                ).json
            },
            NativeCall(
                "POST", "/endpoints/{name}/traffic",
                "Sets the canary's share, for a comparison that lasts: {canary_percent, reason}; the rollout is paused there."
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                guard let percent = body["canary_percent"]?.int, (0...99).contains(percent) else {
                    throw GyreError(
                        .invalid, "canary_percent is a whole number from 0 to 99.",
                        fix: "gyre endpoint promote gives the canary all traffic.")
                }
                return try await services.conductor.command(
                    .hold(percent: Int(percent)), request.parameter("name"),
                    reason: body["reason"]?.string ?? "asked for by \(request.actor)", by: request.actor
                ).json
            },
            NativeCall(
                "POST", "/endpoints/{name}/freeze",
                "Holds the traffic where it is: {seconds, reason}; what fails still loses its share."
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                if let seconds = body["seconds"]?.int, !(1...31_536_000).contains(seconds) {
                    throw GyreError(.invalid, "seconds is from 1 to 31536000.")
                }
                return try await services.rollouts.freeze(
                    request.parameter("name"), seconds: body["seconds"]?.int,
                    reason: body["reason"]?.string ?? "asked for", by: request.actor
                ).json
            },
            NativeCall("POST", "/endpoints/{name}/unfreeze", "Ends the hold: {reason}.") {
                request throws(GyreError) in
                try await services.rollouts.unfreeze(
                    request.parameter("name"), reason: try await request.json()["reason"]?.string ?? "asked for",
                    by: request.actor)
                return [:]
            },
            NativeCall(
                "POST", "/endpoints/{name}/rules",
                "Sends requests with some attributes to one side of the rollout, in place of the rules before: {rules: [{attribute, values, to}], reason}."
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                return try await services.endpoints.setRules(
                    try TrafficRule.read(body["rules"]), request.parameter("name"),
                    reason: body["reason"]?.string ?? "asked for", by: request.actor
                ).json
            },
            NativeCall(
                "POST", "/endpoints/{name}/bandit",
                "Lets a bandit share the traffic: {versions, algorithm, exploration, reward, model, reason}; algorithms are epsilon-greedy, thompson, exp3; rewards label, accuracy.",
                startBandit),
            NativeCall(
                "DELETE", "/endpoints/{name}/bandit",
                "Ends a bandit; ?version= gets all traffic, else what was stable before it."
            ) {
                request throws(GyreError) in
                let winner = try request.query("version").map { text throws(GyreError) in
                    guard let number = Int(text) else {
                        throw GyreError(.invalid, "\"\(text.prefix(40))\" is no number of a version.")
                    }
                    return number
                }
                return try await services.conductor.stopBandit(
                    request.parameter("name"), winner: winner, reason: request.query("reason") ?? "asked for",
                    by: request.actor
                ).json
            },
            NativeCall(
                "POST", "/endpoints/{name}/logging",
                "Sets the share of requests that the prediction log keeps, from 0 to 1: {share, reason}; what fails is always kept."
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                guard let share = body["share"]?.double else {
                    throw GyreError(.invalid, "share is a number from 0 to 1.")
                }
                try await services.endpoints.sample(
                    request.parameter("name"), share, reason: body["reason"]?.string ?? "asked for", by: request.actor)
                return ["share": .double(share)]
            },
            NativeCall(
                "POST", "/endpoints/{name}/labels", "Tells what became of predictions: {labels: [{id, label}]}.", label),
            NativeCall(
                "POST", "/endpoints/{name}/monitor", "Computes a window's report and acts on it: {window, from, to}."
            ) {
                request throws(GyreError) in
                let body = try await request.json()
                let from = try Timestamp.parse(body["from"]?.string ?? "1970-01-01")
                let to = try Timestamp.parse(body["to"]?.string ?? "9999-01-01")
                let (report, actions) = try await services.conductor.monitor(
                    request.parameter("name"), window: body["window"]?.string ?? "all", from: from, to: to,
                    by: request.actor)
                var json = report.json
                json["actions"] = .strings(actions)
                return json
            },
            NativeCall(
                "GET", "/endpoints/{name}/predictions/{id}", "One prediction with its label and its whole lineage."
            ) {
                request throws(GyreError) in
                try await services.conductor.explain(
                    request.parameter("id"), endpoint: request.parameter("name"), log: services.predictions)
            },
        ]
    }

    private func startBandit(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let body = try await request.json()
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
        return try await services.conductor.startBandit(
            wish, request.parameter("name"), reason: body["reason"]?.string ?? "asked for", by: request.actor
        ).json
    }

    private func show(_ request: HTTPRequest) async throws(GyreError) -> JSONValue {
        let name = request.parameter("name")
        guard let split = try await services.rollouts.split(name) else {
            throw GyreError(.notFound, "No endpoint is named \"\(name)\".", fix: "gyre endpoint list")
        }
        var json = split.json
        json["name"] = .string(name)
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
        let name = request.parameter("name")
        guard try await services.rollouts.split(name) != nil else {
            throw GyreError(.notFound, "No endpoint is named \"\(name)\".", fix: "gyre endpoint list")
        }
        let list = try await request.json()["labels"]?.array ?? []
        guard list.count <= Limits.pageRows else {
            throw GyreError(
                .limitExceeded, "The request has \(list.count) labels; \(Limits.pageRows) is the most.",
                fix: "Send them in parts.")
        }
        var labels: [Label] = []
        for item in list {
            guard let id = item["id"]?.string, let value = item["label"]?.double else {
                throw GyreError(
                    .invalid, "A label needs an id and a number as label.", why: "One is \(item.text.prefix(100)).")
            }
            labels.append(Label(id: id, value: value))
        }
        try await services.predictions.append(labels, endpoint: name)
        let matched = services.predictor.label(labels, endpoint: name)
        return ["labels": .int(Int64(labels.count)), "counted_for_rollout": .int(Int64(matched))]
    }
}
