// SPDX-License-Identifier: Apache-2.0

import GRDB
import GyreBase
import GyreDelivery
import GyreLedger
import GyreLoop
import GyreMonitoring
import GyrePipelines
import GyreRegistry
import GyreRollout
import GyreTestSupport
import GyreVersioning
import Testing

/// Data in, a model out, as the policies of a project say.
@Suite struct ConductorTests {
    @Test("data that fails its suite is stopped with the reason, and what passed before stays accepted")
    func gate() async throws {
        let world = try LoopWorld()
        try await world.conductor.apply(try LoopWorld.project(), by: "ann")
        let good = try await world.addFlights([1, 2, 3])
        #expect(try await world.conductor.dataAdded(good, by: "ann")?["success"] == true)
        let bad = try await world.addFlights([1, nil, 3])
        #expect(try await world.conductor.dataAdded(bad, by: "ann")?["success"] == false)
        #expect(try await world.versioning.version("flights", "accepted").id == good.id)
        let acted = try #require(try await world.facts("loop.policy.acted").first)
        #expect(acted.actor == "policy/gate" && acted.subject == bad.ref)
        #expect(acted.body["reason"]?.string?.contains("1 of 1 expectations fail") == true)
    }

    @Test("a project that stops nothing accepts what fails, and the result is on record")
    func noGate() async throws {
        let world = try LoopWorld()
        try await world.conductor.apply(try LoopWorld.project(["policies": []]), by: "ann")
        let bad = try await world.addFlights([nil])
        _ = try await world.conductor.dataAdded(bad, by: "ann")
        #expect(try await world.versioning.version("flights", "accepted").id == bad.id)
        #expect(try await world.ingest.checks(of: bad.ref).first?["success"] == false)
        let unchecked = try await world.addWeather()
        #expect(try await world.conductor.dataAdded(unchecked, by: "ann") == nil)
    }

    @Test("a dataset whose suite is empty is taken as it is")
    func emptySuite() async throws {
        let (world, project) = try await LoopWorld.ready([
            "datasets": ["flights": ["suite": .null], "weather": ["suite": .null]]
        ])
        let run = try await world.train(project, "scale 2")
        #expect(run.state == .succeeded, "\(run.message ?? "")")
    }

    @Test("a training set is made of accepted data, and the release pins what it was made of")
    func trainingSet() async throws {
        let (world, project) = try await LoopWorld.ready()
        let accepted = try await world.versioning.version("flights", "accepted")
        _ = try await world.conductor.dataAdded(try await world.addFlights([nil, 1]), by: "ann")
        let run = try await world.train(project, "scale 2")
        #expect(run.state == .succeeded, "\(run.message ?? "")")
        let release = try await world.delivery.releases.release(world.endpoint, 1)
        let set = try await world.versioning.version("set")
        #expect(release.pins.training == set.ref)
        #expect(release.pins.datasets.contains(accepted.ref))
        #expect(release.pins.featureViews.map(\.name) == ["weather"])
        #expect(release.pins.checks.count == 1)
        #expect(release.pins.metrics["auc"] == 0.75)
        #expect(try await world.ledger.verify().findings.isEmpty)
    }

    @Test(
        "the first model of a project gets all traffic, the next one a canary's; telling of a run twice makes one release"
    )
    func rollsOut() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        #expect(try await world.delivery.registry.version("delay", alias: "champion").number == 1)
        #expect(try await world.delivery.predict([1]) == [1])
        let second = try await world.train(project, "scale 3")
        try await world.conductor.pipelineEnded(second)
        #expect(try await world.delivery.releases.releases(of: world.endpoint).count == 2)
        #expect(try await world.delivery.registry.version("delay", alias: "challenger").number == 2)
        let split = try #require(try await world.delivery.rollouts.split(world.endpoint))
        #expect(split.stable.version == 1 && split.canary?.version == 2 && split.canaryPercent == 50)
    }

    @Test("a promoted canary is the champion; one that is rolled back is not")
    func champion() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        try await world.train(project, "fail")
        await world.delivery.ask(300)
        try await world.conductor.tick()
        #expect(try await world.delivery.registry.version("delay", alias: "champion").number == 1)
        #expect(try await world.delivery.rollouts.rollouts(of: world.endpoint).first?.plan.state == .rolledBack)
        try await world.train(project, "scale 3")
        await world.delivery.ask(400, from: 300)
        try await world.conductor.tick()
        #expect(try await world.delivery.registry.version("delay", alias: "champion").number == 3)
        #expect(try await world.delivery.predict([1]) == [3])
    }

    @Test("a promotion that late labels speak against is taken back, and the former version is champion again")
    func takenBack() async throws {
        let (world, project) = try await LoopWorld.ready([
            "rollout": [
                "steps": [50, 100],
                "judge": [
                    "minimum_requests": 50, "minimum_step_seconds": 0, "minimum_labels": 20,
                    "on_contradiction": "roll_back",
                ],
            ]
        ])
        let registry = world.delivery.registry
        try await world.train(project, "scale 0.5")
        try await world.train(project, "scale 1.9")
        await world.delivery.ask(400)
        let lines = world.delivery.disk.log.lines
        let labels = lines.map { Label(id: $0.id, value: $0.score ?? 0) }
        _ = world.delivery.predictor.label(Array(labels.prefix(100)), endpoint: world.endpoint)
        try await world.conductor.tick()
        #expect(try await registry.version("delay", alias: "champion").number == 2)
        let wrong = zip(lines, labels).dropFirst(100).map { line, label in
            Label(id: line.id, value: line.version == 1 ? label.value : 1 - label.value)
        }
        _ = world.delivery.predictor.label(wrong, endpoint: world.endpoint)
        try await world.conductor.tick()
        #expect(try await registry.version("delay", alias: "champion").number == 1)
        #expect(try await world.delivery.rollouts.split(world.endpoint)?.stable.version == 1)
    }

    @Test("a run that failed rolls nothing out")
    func failedRun() async throws {
        let (world, project) = try await LoopWorld.ready()
        let run = try await world.train(project, nil)
        #expect(run.state == .failed)
        #expect(try await world.delivery.releases.releases(of: nil).isEmpty)
    }

    @Test(
        "what a killed server did not come to is done after its start: the rollout of a run, and the alias of a promotion"
    )
    func catchUp() async throws {
        let (world, project) = try await LoopWorld.ready()
        world.executor.train("scale 1")
        let run = try await world.conductor.train(project, reason: "", by: "ann")
        _ = try await world.pipelines.wait(for: run.id)
        // Killed here: nobody was told of the end of the run.
        try await DatabaseQueue(path: world.delivery.disk.folder.path + "/gyre.db").write { db in
            try db.execute(sql: "UPDATE pipeline_run SET is_told = 0")
        }
        #expect(try await world.conductor.catchUp().isEmpty)
        #expect(try await world.delivery.predict([1]) == [1])
        try await world.train(project, "scale 3")
        // Killed between the promotion and the alias: only the endpoint heard of it.
        _ = try await world.delivery.endpoints.command(.promote, world.endpoint, reason: "good", by: "ann")
        #expect(try await world.delivery.registry.version("delay", alias: "champion").number == 1)
        let again = try LoopWorld(world.delivery)
        #expect(try await again.conductor.catchUp().isEmpty)
        try await again.conductor.tick()
        #expect(try await again.delivery.registry.version("delay", alias: "champion").number == 2)
    }

    @Test("a start tries nothing again that was decided: what was refused once stays refused")
    func decided() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        try await world.train(project, "scale 3")
        // A canary is under way, so that the policy cannot roll the third one out.
        world.executor.train("scale 5")
        let started = try await world.conductor.train(project, reason: "", by: "ann")
        let third = try await world.pipelines.wait(for: started.id)
        let refused = await #expect(throws: GyreError.self) { try await world.conductor.pipelineEnded(third) }
        #expect(refused?.code == .conflict)
        _ = try await world.conductor.command(.abort, world.endpoint, reason: "no", by: "ann")
        let again = try LoopWorld(world.delivery)
        #expect(try await again.conductor.catchUp().isEmpty)
        #expect(try await again.delivery.rollouts.active(world.endpoint) == nil)
        #expect(try await again.delivery.releases.releases(of: world.endpoint).count == 2)
        #expect(try await again.facts("pipelines.run.handled").count == 3)
    }

    @Test("what would be refused is refused by a plan too, and leaves neither a release nor a model in memory")
    func refusedDeploy() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        try await world.train(project, "scale 3")
        var request = Conductor.DeployRequest()
        request.endpoint = world.endpoint
        request.selector = "1"
        for reason in ["rollout", "freeze", "bandit"] {
            let before = try await world.delivery.releases.releases(of: world.endpoint).count
            let planned = await #expect(throws: GyreError.self) { try await world.conductor.plan(request) }
            let done = await #expect(throws: GyreError.self) { try await world.conductor.rollOut(request, by: "ann") }
            #expect(planned == done && done?.code == .conflict, "\(reason)")
            #expect(try await world.delivery.releases.releases(of: world.endpoint).count == before, "\(reason)")
            switch reason {
            case "rollout":
                _ = try await world.conductor.command(.abort, world.endpoint, reason: "no", by: "ann")
                _ = try await world.delivery.rollouts.freeze(world.endpoint, seconds: nil, reason: "sale", by: "ann")
            case "freeze":
                try await world.delivery.rollouts.unfreeze(world.endpoint, reason: "over", by: "ann")
                var wish = Conductor.BanditWish()
                wish.model = "delay"
                wish.selectors = ["2"]
                _ = try await world.conductor.startBandit(wish, world.endpoint, reason: "", by: "ann")
            default: break
            }
        }
    }

    @Test("a promotion on another endpoint than the project's leaves the project's champion alone")
    func sideEndpoint() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        var request = Conductor.DeployRequest()
        request.endpoint = "side"
        request.model = "delay"
        request.selector = "1"
        try await world.conductor.rollOut(request, by: "ann")
        _ = try await world.train(project, "scale 3")
        request.selector = "2"
        try await world.conductor.rollOut(request, by: "ann")
        _ = try await world.conductor.command(.promote, "side", reason: "good", by: "ann")
        #expect(try await world.delivery.rollouts.split("side")?.stable.version == 2)
        #expect(try await world.delivery.registry.version("delay", alias: "champion").number == 1)
        let release = try await world.delivery.releases.release("side", 2)
        try await world.conductor.rollBack(to: release, by: "ann")
        #expect(try await world.delivery.registry.version("delay", alias: "champion").number == 1)
    }

    @Test("an alias that somebody set after a promotion is not moved by what a start makes up for")
    func newerAlias() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        try await world.train(project, "scale 3")
        // Killed between the promotion and the alias; then a person decides.
        _ = try await world.delivery.endpoints.command(.promote, world.endpoint, reason: "good", by: "ann")
        try await world.delivery.registry.setAlias("champion", of: "delay", to: 1, by: "ann")
        let again = try LoopWorld(world.delivery)
        _ = try await again.conductor.catchUp()
        try await again.conductor.tick()
        #expect(try await again.delivery.registry.version("delay", alias: "champion").number == 1)
    }

    @Test("a project that names what cannot be read is refused before anything of it is kept")
    func refused() async throws {
        let world = try LoopWorld()
        let wrong: [[String: JSONValue]] = [
            ["datasets": ["flights": ["suite": ["expectations": []]]]], ["rollout": ["steps": [50, 20]]],
            ["rollout": ["judge": ["minimum_requests": -1]]],
        ]
        for changes in wrong {
            await #expect(throws: GyreError.self, "\(changes)") {
                try await world.conductor.apply(try LoopWorld.project(changes), by: "ann")
            }
        }
        #expect(try await world.conductor.projects().isEmpty)
        let error = await #expect(throws: GyreError.self) { try await world.conductor.project("flights") }
        #expect(error?.code == .notFound)
    }

    @Test("a project without a training set says what to add")
    func noTraining() async throws {
        let (world, _) = try await LoopWorld.ready()
        let project = try LoopWorld.project(["training": .null])
        let error = await #expect(throws: GyreError.self) {
            _ = try await world.conductor.train(project, reason: "", by: "ann")
        }
        #expect(error?.code == .invalid)
    }

    // MARK: A person's deployments

    @Test("a deployment finds the project of a model or an endpoint by either name, and a plan changes nothing")
    func plans() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        let head = try await world.ledger.head()
        var request = Conductor.DeployRequest()
        request.endpoint = world.endpoint
        var plan = try await world.conductor.plan(request)
        #expect(plan.version.number == 1 && plan.plan?.steps == [50, 100] && plan.judge.minimumRequests == 50)
        request.strategy = .allAtOnce
        plan = try await world.conductor.plan(request)
        #expect(plan.plan == nil)
        request.endpoint = "other"
        request.model = "delay"
        plan = try await world.conductor.plan(request)
        #expect(plan.endpoint == "other" && plan.stable == nil)
        #expect(try await world.ledger.head() == head)
        let none = await #expect(throws: GyreError.self) { try await world.conductor.plan(Conductor.DeployRequest()) }
        #expect(none?.code == .invalid)
    }

    @Test(
        "a version of another model with the number of one that serves is refused, since the two could not be told apart"
    )
    func twins() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        let served = try await world.delivery.registry.version("delay", 1)
        _ = try await world.delivery.registry.createModel("twin", by: "ann")
        var draft = Registry.VersionDraft(source: served.source)
        draft.location = served.location
        _ = try await world.delivery.registry.createVersion(of: "twin", draft, by: "ann")
        let before = try await world.delivery.releases.releases(of: world.endpoint).count
        var request = Conductor.DeployRequest()
        request.endpoint = world.endpoint
        request.model = "twin"
        let refused = await #expect(throws: GyreError.self) { try await world.conductor.rollOut(request, by: "ann") }
        #expect(
            refused?.code == .conflict && refused?.why?.contains("model/delay@1") == true,
            "\(String(describing: refused))")
        #expect(try await world.delivery.releases.releases(of: world.endpoint).count == before)
    }

    @Test("going back to a release moves traffic and alias, and a rollback of the ledger moves them again")
    func back() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        let before = try await world.ledger.head().seq
        try await world.train(project, "scale 3")
        _ = try await world.conductor.command(.promote, world.endpoint, reason: "good", by: "ann")
        #expect(try await world.delivery.registry.version("delay", alias: "champion").number == 2)
        let first = try await world.delivery.releases.release(world.endpoint, 1)
        try await world.conductor.rollBack(to: first, by: "ann")
        #expect(try await world.delivery.predict([1]) == [1])
        #expect(try await world.delivery.registry.version("delay", alias: "champion").number == 1)
        let second = try await world.delivery.releases.release(world.endpoint, 2)
        try await world.conductor.rollBack(to: second, by: "ann")
        let plan = try await RollbackPlan.compute(to: before, in: world.ledger)
        try await world.conductor.carryOut(plan, by: "ann")
        #expect(try await world.delivery.predict([1]) == [1])
        #expect(try await world.delivery.registry.version("delay", alias: "champion").number == 1)
        #expect(try await RollbackPlan.compute(to: before, in: world.ledger).moves.isEmpty)
    }

    @Test("a bandit is started by names of versions, and its winner is the champion")
    func bandit() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        try await world.train(project, "scale 3")
        _ = try await world.conductor.command(.abort, world.endpoint, reason: "a bandit is to choose", by: "ann")
        var wish = Conductor.BanditWish()
        wish.model = "delay"
        wish.selectors = ["latest", "1", "2"]
        let bandit = try await world.conductor.startBandit(wish, world.endpoint, reason: "", by: "ann")
        #expect(bandit.arms.map(\.version) == [1, 2], "each version once")
        _ = try await world.conductor.stopBandit(world.endpoint, winner: 2, reason: "sells", by: "ann")
        #expect(try await world.delivery.registry.version("delay", alias: "champion").number == 2)
        let error = await #expect(throws: GyreError.self) {
            _ = try await world.conductor.startBandit(wish, "nowhere", reason: "", by: "ann")
        }
        #expect(error?.code == .notFound)
    }

    @Test("an endpoint that cannot be judged does not keep the others from it, and is told")
    func oneBroken() async throws {
        let (world, project) = try await LoopWorld.ready()
        try await world.train(project, "scale 1")
        try await world.train(project, "scale 3")
        await world.delivery.ask(400)
        // A stored rollout that is damaged.
        try await world.ledger.commit(
            [
                .put(Document("rollout", "broken/1", ["id": "1"])),
                .move(
                    "endpoint/broken#traffic",
                    to: [
                        "stable": ["version": 1, "release": 1], "canary": ["version": 2, "release": 2],
                        "canary_percent": 10,
                    ]),
            ], recording: [Fact("test.damaged", Ref("endpoint", "broken"), by: "test")])
        let error = await #expect(throws: GyreError.self) { try await world.conductor.tick() }
        #expect(error?.what.contains("\"broken\"") == true)
        #expect(try await world.delivery.registry.version("delay", alias: "champion").number == 2)
    }
}
