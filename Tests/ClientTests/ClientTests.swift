// SPDX-License-Identifier: Apache-2.0

import Foundation
import GyreTestSupport
import Testing

extension Tag {
    /// Takes many seconds: real clients, killed servers, browsers.
    @Tag static var slow: Self
}

/// The unmodified clients of other systems against the real server.
///
/// The scripts print what failed and exit with 1.
@Suite(.serialized, .tags(.slow)) struct SlowClientTests {
    /// `roles`: those of the account that the script uses, where the server asks who calls.
    private func run(_ script: String, _ more: String..., roles: String = "") async throws {
        let folder = try TemporaryFolder()
        let scripts = "\(Installed.root)/Tests/ClientTests/Scripts"
        let result = try await Installed.run(
            Installed.python,
            ["\(scripts)/\(script).py", Installed.gyre, folder.path] + more,
            environment: ["PYTHONPATH": "\(scripts)/harness", "GYRE_TEST_ROLES": roles])
        #expect(result.status == 0, "\(result.output.suffix(4000))")
    }

    @Test("mlflow does a whole day's work: runs, artifacts, models, search, registry, errors, restart")
    func mlflow() async throws { try await run("mlflow/mlflow_day") }

    @Test("mlflow's client gets the same answers as from the real mlflow server, call by call")
    func differential() async throws { try await run("mlflow/mlflow_differential") }

    @Test("mlflow 2.22 does its working day")
    func mlflow2() async throws { try await run("mlflow/mlflow_2_day", Installed.mlflow2) }

    @Test("mlflow-export-import moves experiments and takes models out")
    func exportImport() async throws { try await run("mlflow/mlflow_export_import", Installed.mlflow2) }

    @Test("the mlflow command line: experiments, runs, artifacts, models serve, projects")
    func mlflowCommands() async throws { try await run("mlflow/mlflow_commands") }

    @Test("a notebook user's day: autolog, figures, tables, async logging, system metrics, large and odd files")
    func notebook() async throws { try await run("mlflow/mlflow_notebook") }

    @Test("removing for good, integrity, history and undo, comparing, live events, exports")
    func upkeep() async throws { try await run("gyre/upkeep") }

    @Test("the holes known from MLflow's advisories are closed")
    func attacks() async throws { try await run("mlflow/mlflow_attacks") }

    @Test("no body that a fuzzer makes up gets a 5xx, hangs, or changes a row after an error")
    func fuzz() async throws { try await run("mlflow/mlflow_fuzz") }

    @Test("a pipeline compiled by kfp runs: parallel, condition, loop, cache, retry, cancel, resume after a kill")
    func kfp() async throws { try await run("pipelines/kfp_day") }

    @Test("kfp.Client does a working day: experiments, pipelines and versions, runs, recurring runs, errors, a kill")
    func kfpClient() async throws { try await run("pipelines/kfp_client_day") }

    @Test("dvc and gyre, side by side through random days, leave the same files in the same states")
    func dvcDifferential() async throws {
        try await run("data/dvc_differential", Installed.dvc, "--seed", "3", "--days", "2")
    }

    @Test("random pipelines run by dvc and by gyre have the same dvc.lock, run-cache and outputs")
    func dvcPipelines() async throws { try await run("data/dvc_pipelines", Installed.dvc, "--seed", "1") }

    @Test("dvc and gyre push and pull to and from each other over a Gyre, the web, a bucket; damage, lies, kills")
    func dvcDay() async throws { try await run("data/dvc_day", Installed.dvcPython) }

    @Test("the pipeline commands: lint, run, logs, explain, retry, lists, schedules, back-fill")
    func pipelineCommands() async throws { try await run("pipelines/pipeline_commands") }

    @Test("tasks in containers of real podman: what comes out, images that are not to be had, stopped, killed")
    func containers() async throws { try await run("pipelines/containers_day") }

    @Test("Metaflow does a working day against the metadata service: foreach, retry, catch, resume, tags, its Client")
    func metaflow() async throws { try await run("pipelines/metaflow_day", Installed.metaflow) }

    @Test(
        "hera and the argo-workflows package do a working day: templates, cron, steering, logs, locks, errors, a kill")
    func argo() async throws { try await run("pipelines/argo_day", Installed.argo) }

    @Test("what a task sees and reaches, and tasks that misbehave, in a sandbox") func sandbox() async throws {
        try await run("pipelines/sandbox_day")
    }

    @Test("a release names the data that was read, reproducing changes nothing, a copy of a home is a home of its own")
    func provenance() async throws { try await run("gyre/provenance_day") }

    @Test("bad input gets a clear error with the right status, and nothing is lost")
    func badInput() async throws { try await run("gyre/bad_input") }

    @Test("what the native API answers is what its OpenAPI document says, as schemathesis asks for it")
    func openAPI() async throws { try await run("gyre/openapi_day", Installed.openAPI) }

    @Test("a model is deployed, asked, rolled out and back, and comes back after a restart")
    func serving() async throws { try await run("serving/serving_day") }

    @Test(
        "the clients of model servers do a day: tritonclient by HTTP, KServe's V1, TensorFlow Serving, MLflow's scoring"
    )
    func servingClients() async throws { try await run("serving/serving_clients", Installed.serving) }

    @Test("scikit-learn, MLflow's flavours, users' classes, XGBoost, LightGBM; processes that die; a budget of memory")
    func servingRuntimes() async throws { try await run("serving/serving_runtimes") }

    @Test("shadow, blue-green, a lasting comparison, frozen traffic, a model that only Python runs; no request fails")
    func rollouts() async throws { try await run("serving/rollout_day") }

    @Test(
        "rules about requests and bandits share traffic; which version answered, why, and what was learned, across a kill"
    )
    func bandits() async throws { try await run("serving/bandits_day") }

    @Test("scikit-learn models are converted as they are registered, answer as before, and the numbers are on record")
    func conversions() async throws { try await run("serving/conversions", Installed.serving) }

    @Test("ensembles, graphs that combine and do not wait, models of other servers, trained models, explainers, maps")
    func compositions() async throws { try await run("serving/compositions") }

    @Test("models that cannot be served say why on every surface until they are mended; any byte may be in a text")
    func servingBroken() async throws { try await run("serving/serving_broken") }

    @Test("models from a disk come into the registry with their configurations, and endpoints serve them so")
    func modelImport() async throws { try await run("serving/model_import") }

    @Test("a real Triton and Gyre answer the same requests alike, good ones and damaged ones")
    func tritonDifferential() async throws { try await run("serving/triton_differential", Installed.triton) }

    @Test("the ONNX project's own test cases come out as recorded, as bytes and as JSON")
    func onnxCases() async throws { try await run("serving/onnx_cases") }

    @Test("no request, configuration or model file that a fuzzer makes up crashes serving, gets a 5xx, or hangs")
    func servingFuzz() async throws { try await run("serving/serving_fuzz") }

    @Test("KServe's manifests: services with canaries and refusals, graphs of every kind, Kubernetes' addresses")
    func kserveManifests() async throws { try await run("serving/kserve_manifests") }

    @Test("mixed load with loads, unloads, rollouts and killed workers: nothing fails, memory stays flat")
    func servingSoak() async throws { try await run("serving/serving_soak") }

    @Test("gRPC: tritonclient's day, KServe's clients by REST and gRPC, the health check")
    func servingGRPC() async throws { try await run("serving/serving_grpc", Installed.serving) }

    @Test("everyday models of each kind answer every form of request as their own pyfunc and mlflow's server do")
    func zoo() async throws { try await run("zoo/zoo", Installed.zoo) }

    @Test(
        "models that raise, print, fork, exit or write, and requests that do not fit, are told and keep nobody else from working"
    )
    func modelFaults() async throws { try await run("zoo/faults") }

    @Test("whole datasets are predicted by models of each kind, as their own libraries predict them, with lineage")
    func batch() async throws { try await run("zoo/batch") }

    @Test("the example of prices is trained by uv and served in its own environment")
    func example() async throws { try await run("zoo/example") }

    @Test("Seldon Core's client: arrays, tensors, texts, names, feedback, errors")
    func seldon() async throws { try await run("serving/seldon_day", Installed.seldon) }

    @Test("bentos behind an endpoint: BentoML's client, canary, shadow, log, rollback, processes that are killed")
    func bento() async throws { try await run("zoo/bento", Installed.bentoml) }

    @Test("the console's pages are well-formed, escaped, linked, and shown by a browser")
    func console() async throws { try await run("gyre/console") }

    @Test("the console's parts in each of their states: light, dark, narrow, by keys")
    func consoleParts() async throws { try await run("gyre/console_parts") }

    @Test(
        "mlflow's and kfp's days go as well where the server asks who calls, for accounts with the roles that they take",
        arguments: [
            ("mlflow/mlflow_day", "writer operator administrator"), ("pipelines/kfp_day", "runner"),
        ])
    func withAuthentication(script: String, roles: String) async throws { try await run(script, roles: roles) }

    @Test("every address lets in whom the table says, with every role, and what is refused changes nothing")
    func accessWalk() async throws { try await run("access/walk") }

    @Test("two people and an auditor work a day: roles, workspaces, approvals, mlflow's users, proofs")
    func teamDay() async throws { try await run("access/team_day") }

    @Test("two people at the console sign in, see what they may, and one approves what the other asks")
    func accessConsole() async throws { try await run("access/console_day") }

    @Test("the signed ledger shows a database that was rewritten whole, cut, or signed anew")
    func auditor() async throws { try await run("access/auditor") }

    @Test("every client's credentials, good and bad: tritonclient, KServe, TensorFlow Serving, OTLP, probes, proxies")
    func credentials() async throws { try await run("access/credentials", Installed.serving) }

    @Test("people of a real identity provider sign in, programs bring its tokens, and forged ones are refused")
    func provider() async throws { try await run("access/provider_day", Installed.canaille) }

    @Test("secrets are given to tasks by name and stand nowhere else")
    func secrets() async throws { try await run("access/secrets_day") }

    @Test("TLS, certificates of clients, sockets, addresses behind a proxy, slow clients, floods")
    func wire() async throws { try await run("access/wire") }

    @Test("the command line tells of everything, with exit statuses, with and without a server")
    func commands() async throws { try await run("gyre/commands") }
}
