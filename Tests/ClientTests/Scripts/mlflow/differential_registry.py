# SPDX-License-Identifier: Apache-2.0
"""Registered models, versions, stages, aliases; prompts; webhooks."""
from differential_harness import step
from differential_tracking import PAST


def source(t, text="weights"):
    """A logged model with a file, and its run: what versions are made from."""
    experiment = t.client.create_experiment(f"sources of {t.step_folder.rsplit('/')[-1]}")
    run = t.client.create_run(experiment, PAST, run_name="source").info
    model = t.client.create_logged_model(experiment, "made", run.run_id).model_id
    path = f"{t.step_folder}/weights.txt"
    open(path, "w").write(text)
    t.client.log_model_artifact(model, path)
    t.client.log_artifact(run.run_id, path, "model")
    t.client.finalize_logged_model(model, "READY")
    return run, model


@step
def registered_models(t):
    c = t.client
    c.create_registered_model("one", {"a": "b", "n": 5}, "about one")
    c.create_registered_model("one")
    for name in ["", " ", "a/b", "a:b", "x" * 256, "ü ☃", "x" * 257, "a%b"]:
        c.create_registered_model(name)
    c.create_registered_model("job", deployment_job_id="j1")
    c.get_registered_model("one")
    c.get_registered_model("One")
    c.get_registered_model("nothing")
    c.update_registered_model("one", "other text")
    c.update_registered_model("one", "")
    c.update_registered_model("one", "d" * 5001)
    c.update_registered_model("job", deployment_job_id="j2")
    c.update_registered_model("nothing", "x")
    c.set_registered_model_tag("one", "k", "v")
    c.set_registered_model_tag("one", "k", "w" * 100000)
    c.set_registered_model_tag("one", "k", "w" * 100001)
    c.set_registered_model_tag("one", "x" * 251, "v")
    c.set_registered_model_tag("one", "", "v")
    c.set_registered_model_tag("one", "bad//key", "v")
    c.set_registered_model_tag("one", "empty", "")
    c.set_registered_model_tag("nothing", "k", "v")
    c.delete_registered_model_tag("one", "a")
    c.delete_registered_model_tag("one", "a")
    c.delete_registered_model_tag("nothing", "a")
    c.get_registered_model("one")
    c.create_registered_model("two")
    c.rename_registered_model("one", "uno")
    c.rename_registered_model("uno", "two")
    c.rename_registered_model("uno", "uno")
    c.rename_registered_model("uno", "")
    c.rename_registered_model("uno", "a/b")
    c.rename_registered_model("nothing", "x")
    c.get_registered_model("uno")
    c.get_registered_model("one")
    c.delete_registered_model("uno")
    c.delete_registered_model("uno")
    c.create_registered_model("uno")
    c.get_registered_model("uno")


@step
def versions(t):
    c = t.client
    run, model = source(t)
    c.create_registered_model("versions")
    c.create_model_version("versions", f"models:/{model}", tags={"a": "b"}, description="first", model_id=model)
    c.create_model_version("versions", f"{run.artifact_uri}/model", run.run_id, run_link="http://x/y")
    c.create_model_version("versions", f"runs:/{run.run_id}/model", run.run_id)
    c.create_model_version("versions", f"models:/{model}", model_id=model)
    c.create_model_version("versions", "s3://bucket/key")
    for number in ("1", "2", "99", "0", "-1", "text", "1.0", "01"):
        c.get_model_version("versions", number)
    c.get_model_version("nothing", "1")
    c.get_model_version_download_uri("versions", "1")
    c.get_model_version_download_uri("versions", "2")
    c.get_model_version_download_uri("versions", "99")
    c.update_model_version("versions", "1", "new text")
    c.update_model_version("versions", "1", "")
    c.update_model_version("versions", "99", "x")
    c.set_model_version_tag("versions", "1", "k", "v")
    c.set_model_version_tag("versions", "99", "k", "v")
    c.set_model_version_tag("versions", "1", "x" * 251, "v")
    c.set_model_version_tag("versions", "1", "k", "v" * 100001)
    c.delete_model_version_tag("versions", "1", "k")
    c.delete_model_version_tag("versions", "1", "k")
    c.delete_model_version_tag("versions", "99", "k")
    c.get_logged_model(model)
    c.get_registered_model("versions")
    t.raw("GET", "/model-versions/get-artifact?name=versions&version=2&path=weights.txt", text=True)
    t.raw("GET", "/model-versions/get-artifact?name=versions&version=2&path=nothing")
    t.raw("GET", "/model-versions/get-artifact?name=versions&version=99&path=weights.txt")


@step
def version_sources(t):
    c = t.client
    run, model = source(t)
    c.create_registered_model("source versions")
    c.create_model_version("source versions", f"{run.artifact_uri}/model", run.run_id)
    c.create_registered_model("odd")
    c.create_model_version("odd", f"models:/{model}")
    c.create_model_version("odd", "models:/source versions/1")
    for place in ["/etc", "file:///etc", "relative/path", "", "models:/m-" + "0" * 32, "models:/source versions/99",
        "mlflow-artifacts:/../x",
        "mlflow-artifacts:/a/../../b",
                  "http://example.com/x", "http://example.com/../x", "s3://bucket/../../x", "dbfs:/x", "runs:/" + "0" * 32 + "/model",
                  "C:\\x", "file://host/../x"]:
        c.create_model_version("odd", place)
    c.create_model_version("odd", "/etc/model", run.run_id)
    c.create_model_version("nothing", "s3://bucket/key")
    c.create_model_version("odd", "s3://bucket/key", "0" * 32)
    c.create_model_version("odd", "s3://bucket/key", tags={"x" * 251: "v"})
    c.search_model_versions("name = 'odd'", order_by=["version_number ASC"])


@step
def version_numbers(t):
    c = t.client
    c.create_registered_model("numbers")
    for _ in range(3):
        c.create_model_version("numbers", "s3://bucket/key")
    c.delete_model_version("numbers", "2")
    c.create_model_version("numbers", "s3://bucket/key")
    c.delete_model_version("numbers", "4")
    c.create_model_version("numbers", "s3://bucket/key")
    c.delete_model_version("numbers", "2")
    c.delete_model_version("numbers", "99")
    c.delete_model_version("nothing", "1")
    c.search_model_versions("name = 'numbers'", order_by=["version_number ASC"])
    c.get_registered_model("numbers")
    c.get_latest_versions("numbers")
    c.delete_registered_model("numbers")
    c.get_model_version("numbers", "1")
    c.create_registered_model("numbers")
    c.create_model_version("numbers", "s3://bucket/key")


@step
def stages(t):
    c = t.client
    c.create_registered_model("stages")
    for _ in range(5):
        c.create_model_version("stages", "s3://bucket/key")
    c.transition_model_version_stage("stages", "1", "Production")
    c.transition_model_version_stage("stages", "2", "production")
    c.transition_model_version_stage("stages", "3", "STAGING")
    c.get_latest_versions("stages")
    c.get_latest_versions("stages", ["Production", "staging"])
    c.get_latest_versions("stages", ["None"])
    c.get_latest_versions("stages", ["nonsense"])
    c.get_latest_versions("nothing")
    c.transition_model_version_stage("stages", "4", "Production", archive_existing_versions=True)
    c.transition_model_version_stage("stages", "3", "Archived", archive_existing_versions=True)
    c.transition_model_version_stage("stages", "3", "None", archive_existing_versions=True)
    c.transition_model_version_stage("stages", "3", "nonsense")
    c.transition_model_version_stage("stages", "99", "Production")
    c.transition_model_version_stage("nothing", "1", "Production")
    c.get_registered_model("stages")
    c.get_model_version_stages("stages", "1")
    c.set_model_version_tag("stages", key="by stage", value="x", stage="Production")
    c.delete_model_version_tag("stages", key="by stage", stage="Production")
    c.search_model_versions("name = 'stages'", order_by=["version_number ASC"])
    c.delete_model_version("stages", "4")
    c.get_latest_versions("stages", ["Production"])


@step
def aliases(t):
    c = t.client
    c.create_registered_model("aliases")
    for _ in range(3):
        c.create_model_version("aliases", "s3://bucket/key")
    c.set_registered_model_alias("aliases", "champion", "1")
    c.set_registered_model_alias("aliases", "second", 1)
    c.get_model_version("aliases", "1")
    c.set_registered_model_alias("aliases", "champion", "2")
    for alias in ["latest", "Latest", "v1", "V12", "1", "a b", "a/b", "", "x" * 255, "x" * 256, "ü", "a-b_c", "v1a"]:
        c.set_registered_model_alias("aliases", alias, "3")
    c.set_registered_model_alias("aliases", "gone", "99")
    c.set_registered_model_alias("nothing", "gone", "1")
    c.get_model_version_by_alias("aliases", "champion")
    c.get_model_version_by_alias("aliases", "Champion")
    c.get_model_version_by_alias("aliases", "nobody")
    c.get_model_version_by_alias("aliases", "latest")
    c.get_model_version_by_alias("nothing", "champion")
    c.get_registered_model("aliases")
    c.delete_registered_model_alias("aliases", "second")
    c.delete_registered_model_alias("aliases", "second")
    c.delete_registered_model_alias("nothing", "second")
    c.rename_registered_model("aliases", "renamed")
    c.get_model_version_by_alias("renamed", "champion")
    c.delete_model_version("renamed", "2")
    c.get_model_version_by_alias("renamed", "champion")
    c.get_registered_model("renamed")


@step
def copies(t):
    import mlflow
    c, f = t.client, t.fluent
    run, model = source(t)
    f.register_model(f"models:/{model}", "copied", tags={"by": "fluent"})
    f.register_model(f"runs:/{run.run_id}/model", "copied")
    f.register_model(f"runs:/{run.run_id}/nothing", "copied")
    f.register_model("models:/m-" + "0" * 32, "copied")
    f.set_model_version_tag("copied", "1", "k", "v")
    c.copy_model_version("models:/copied/1", "target")
    c.copy_model_version("models:/copied/2", "target")
    c.set_registered_model_alias("copied", "champion", "2")
    c.copy_model_version("models:/copied@champion", "target")
    c.copy_model_version("models:/target/1", "chain")
    c.copy_model_version("models:/copied/99", "target")
    c.copy_model_version("models:/copied/1", "a/b")
    c.copy_model_version("nonsense", "target")
    for name, number in [("copied", "1"), ("target", "1"), ("target", "2"), ("chain", "1")]:
        c.get_model_version_download_uri(name, number)
        t.call(mlflow.artifacts.list_artifacts, f"models:/{name}/{number}")
        t.call(mlflow.artifacts.load_text, f"models:/{name}/{number}/weights.txt")
    t.call(mlflow.artifacts.load_text, "models:/copied@champion/weights.txt")
    t.call(mlflow.artifacts.load_text, "models:/copied/latest/weights.txt")
    t.call(mlflow.artifacts.load_text, "models:/copied@nobody/weights.txt")
    c.get_logged_model(model)
    c.delete_model_version("copied", "1")
    c.get_logged_model(model)
    c.get_model_version_download_uri("chain", "1")


@step
def logs_and_registers(t):
    import mlflow
    from differential_tracking import sklearn_model
    t.fluent.set_experiment("logs and registers")
    info = t.call(sklearn_model, mlflow, registered_model_name="registered clf")
    t.note("version", info.registered_model_version)
    t.client.get_model_version("registered clf", "1")
    loaded = mlflow.sklearn.load_model("models:/registered clf/1")
    t.note("predicts", loaded.predict([[0.1], [0.9]]))
    t.client.get_logged_model(info.model_id)
    t.client.get_run(info.run_id)
    t.note("info", t.call(mlflow.models.get_model_info, "models:/registered clf/1").signature)


@step
def model_search(t):
    c = t.client
    for index, name in enumerate(["search a", "search b", "search C", "search_d", "search%e", "z other"]):
        c.create_registered_model(name, {"n": str(index), "of": "search", **({"odd": "y"} if index % 2 else {}), "a b": "x'y"},
            f"text {index}")
        for _ in range(index % 3):
            c.create_model_version(name, "s3://bucket/key")
    for text in ["name = 'search a'", "name != 'search a'", "name LIKE 'search%'", "name LIKE 'search_d'", "name ILIKE 'SEARCH c'",
        "name LIKE 'SEARCH%'", "attribute.name = 'search b'", "tags.n = '3'", "tag.n = '3'", "tags.n != '3'",
                 "tags.n LIKE '%'", "tags.odd ILIKE 'Y'", "tags.odd = 'y' AND name LIKE '%d'", "tags.`a b` = \"x'y\"", "tags.odd IS NULL",
                 "tags.odd IS NOT NULL", "name IN ('search a')", "tags.n IN ('1')", "name > 'a'", "description = 'text 1'",
                 "creation_timestamp > 0",
                 "name = search", "name", "name =", "name = 'a' OR name = 'b'", "nothing = 'x'", "params.a = 'b'", "name = 5",
                 "name == 'search a'", "tags.n = 3", "name = \"search a\"", "NAME = 'search a'", "tags.mlflow.prompt.is_prompt = 'true'",
                 "tags.mlflow.prompt.is_prompt != 'true'", "tags.`mlflow.prompt.is_prompt` != 'true' AND name = 'search a'",
                 "last_updated_timestamp > 0", "version_number = 1"]:
        c.search_registered_models(text + " AND tags.of = 'search'")
    for text in ("", " ", None):
        t.some(f"search_registered_models {text!r}", c.target.search_registered_models, text)
    for order in [["name"], ["name DESC"], ["name asc"], ["creation_timestamp DESC"], ["last_updated_timestamp"],
        ["last_updated_timestamp DESC", "name"], ["timestamp DESC"], ["timestamp asc", "name desc"], ["nothing"], ["name UP"], ["tags.n"],
        [""], ["name, timestamp"], []]:
        c.search_registered_models("tags.of = 'search'", order_by=order)
    page = c.search_registered_models("tags.of = 'search'", 4)
    c.search_registered_models("tags.of = 'search'", 4, page_token=page.token)
    c.search_registered_models(page_token="nonsense")
    for number in (0, -1, 1, 1000, 1001):
        c.search_registered_models("name = 'search a'", number)
    t.fluent.search_registered_models(filter_string="name LIKE 'search%'", order_by=["name DESC"], max_results=3)


@step
def version_search(t):
    c = t.client
    run = c.create_run(c.create_experiment("version search"), PAST, run_name="r").info.run_id
    other = c.create_run("0", PAST, run_name="o").info.run_id
    for name in ("vs a", "vs B"):
        c.create_registered_model(name)
        for index in range(5):
            c.create_model_version(name, f"s3://bucket/{name[-1]}/{index}", [run, other, None][index % 3], {"n": str(index), "of": "vs",
                **({"odd": "y"} if index % 2 else {})})
    c.set_registered_model_alias("vs a", "champion", "2")
    c.transition_model_version_stage("vs a", "3", "Production")
    for text in ["name = 'vs a'", "name != 'vs a'", "name LIKE 'vs%'", "name ILIKE 'VS b'", "name LIKE 'VS%'", "name IN ('vs a')",
        "name IN ('vs a', 'vs B')", "name NOT IN ('vs a')", f"run_id = '{run}'", f"run_id != '{run}'", f"run_id IN ('{run}', '{other}')",
        "run_id LIKE '%'",
                 f"run_id IN ('{run}') and name = 'vs a'", "source_path = 's3://bucket/a/1'", "source_path LIKE '%/1'",
                 "source_path ILIKE 'S3%2'", "source_path IN ('s3://bucket/a/1')", "source = 's3://bucket/a/1'", "version_number = 2",
                 "version_number > 3", "version_number <= 1",
                 "version_number != 1", "version_number = '2'", "version_number LIKE '2'", "version_number IN (1)", "version = 2",
                 "tags.n = '3'", "tags.n != '3'", "tags.n LIKE '_'", "tags.odd = 'y'", "tags.odd IS NULL", "tag.odd ILIKE 'Y'",
                 "tags.n IN ('1')", "attribute.name = 'vs a'",
                 "attributes.name = 'vs a'", "current_stage = 'Production'", "aliases = 'champion'", "user_id = 'x'", "status = 'READY'",
                 "nothing = 'x'", "name = vs", "name =", "name IN ()", "name IN ('vs a'", "run_id IN ('')", "name = 'vs a' OR name = 'x'",
                 "name = 'vs a' AND version_number > 2 AND tags.odd = 'y'",
                 "creation_timestamp > 0", "description = 'x'", "name = 5", "NAME = 'vs a'"]:
        c.search_model_versions(text + " AND tags.of = 'vs'")
    for order in [["name"], ["name DESC"], ["version_number"], ["version_number DESC", "name"], ["name", "version_number asc"],
        ["creation_timestamp"], ["last_updated_timestamp DESC"], ["nothing"], ["version"], ["name UP"], ["tags.n"], [""], [], ["run_id"],
        ["version_number", "creation_timestamp DESC"]]:
        c.search_model_versions("tags.of = 'vs'", order_by=order)
    page = c.search_model_versions("tags.of = 'vs'", 4)
    page = c.search_model_versions("tags.of = 'vs'", 4, page_token=page.token)
    c.search_model_versions("tags.of = 'vs'", 4, page_token=page.token)
    c.search_model_versions(page_token="nonsense")
    for number in (0, -1, 1, 10000, 200000, 200001):
        c.search_model_versions("source_path = 's3://bucket/a/1'", number)
    t.fluent.search_model_versions(filter_string="name = 'vs a'", order_by=["version_number DESC"], max_results=2)
    t.some("search_model_versions without a filter", c.target.search_model_versions)


@step
def prompts(t):
    c = t.client
    c.create_prompt("greet", "about greeting", {"team": "core"})
    c.create_prompt("greet")
    for name in ["", "a b", "a/b", "a:b", "ok_1.2-3"]:
        c.create_prompt(name)
    c.create_prompt_version("greet", "Hello {{name}}", "first", {"k": "v"})
    c.create_prompt_version("greet", [{"role": "system", "content": "be {{kind}}"}, {"role": "user", "content": "{{question}}"}], "chat")
    c.create_prompt_version("greet", "with format", response_format={"type": "object", "properties": {"a": {"type": "string"}}},
        model_config={"model_name": "m", "temperature": 0.5})
    c.create_prompt_version("greet", "x" * 100001)
    c.create_prompt_version("nothing", "x")
    c.register_prompt("second", "v1 {{a}}", "message", {"t": "1"})
    c.register_prompt("second", "v2 {{a}} {{ b }}")
    c.get_prompt("greet")
    c.get_prompt("nothing")
    for number in (1, "2", 3, 99):
        c.get_prompt_version("greet", number)
    c.set_prompt_alias("greet", "live", 1)
    c.set_prompt_alias("greet", "live", 2)
    c.set_prompt_alias("greet", "gone", 99)
    c.get_prompt_version_by_alias("greet", "live")
    c.get_prompt_version_by_alias("greet", "nobody")
    for uri in ["greet", "prompts:/greet/1", "prompts:/greet@live", "prompts:/greet@latest", "prompts:/greet/99", "prompts:/nothing/1",
        "prompts:/greet@nobody", "nonsense://x"]:
        c.load_prompt(uri)
        c.load_prompt(uri, allow_missing=True)
    c.load_prompt("greet", version=1)
    c.parse_prompt_uri("prompts:/greet/1")
    c.set_prompt_tag("greet", "more", "x")
    c.delete_prompt_tag("greet", "team")
    c.delete_prompt_tag("greet", "team")
    c.set_prompt_version_tag("greet", "1", "stage", "old")
    c.delete_prompt_version_tag("greet", 1, "stage")
    c.get_prompt("greet")
    c.get_prompt_version("greet", 1)
    c.search_prompt_versions("greet")
    c.search_prompts("name LIKE '%e%'")
    c.search_prompts("name LIKE '%e%'", max_results=1)
    for text in ["name = 'greet'", "name LIKE 's%'", "tags.more = 'x'", "tags.t = '1'", "nothing = 'x'"]:
        c.search_prompts(text)
    c.search_prompts("name LIKE '%e%'", order_by=["name DESC"])
    c.search_registered_models("name LIKE '%greet%'")
    c.search_registered_models("tags.`mlflow.prompt.is_prompt` = 'true'")
    c.search_model_versions("name = 'greet'")
    c.get_registered_model("greet")
    c.get_model_version("greet", "1")
    c.create_registered_model("greet")
    c.create_model_version("greet", "s3://bucket/key")
    c.create_registered_model("a model")
    c.create_prompt("a model")
    c.create_prompt_version("a model", "x")
    c.register_prompt("a model", "x")
    c.get_prompt("a model")
    c.delete_prompt_alias("greet", "live")
    c.delete_prompt_version("greet", "3")
    c.delete_prompt("greet")
    for number in ("1", "2"):
        c.delete_prompt_version("greet", number)
    c.delete_prompt("greet")
    c.get_prompt("greet")


@step
def prompt_links(t):
    c, f = t.client, t.fluent
    e = f.set_experiment("prompt links").experiment_id
    one = f.register_prompt("linked", "Hello {{name}}", commit_message="c", tags={"a": "b"})
    run = c.create_run(e, PAST, run_name="r").info.run_id
    model = c.create_logged_model(e, "m").model_id
    c.link_prompt_version_to_run(run, one)
    c.link_prompt_version_to_run(run, "prompts:/linked/1")
    c.list_logged_prompts(run)
    c.link_prompt_version_to_model("linked", "1", model)
    c.get_logged_model(model)
    c.get_run(run)
    c.detach_prompt_from_run(run, "prompts:/linked/1")
    c.list_logged_prompts(run)
    f.load_prompt("linked", 1)
    f.set_prompt_alias("linked", "a", 1)
    f.load_prompt("prompts:/linked@a")
    f.delete_prompt_alias("linked", "a")
    f.search_prompts("name = 'linked'")
    import mlflow
    for name, arguments in [("set_prompt_tag", ("linked", "k", "v")), ("get_prompt_tags", ("linked",)), ("delete_prompt_tag", ("linked",
        "k")), ("set_prompt_version_tag", ("linked", "1", "k", "v")),
                            ("delete_prompt_version_tag", ("linked", "1", "k")), ("set_prompt_model_config", ("linked", 1,
                                {"model_name": "m"})), ("load_prompt", ("linked", 1)), ("delete_prompt_model_config", ("linked", 1)),
                            ("set_prompt_alias", ("linked", "b", 1)), ("delete_prompt_alias", ("linked", "b")), ("register_prompt",
                                ("by genai", "x")), ("search_prompts", ())]:
        t.call(getattr(mlflow.genai, name), *arguments)


@step
def webhooks(t):
    c = t.client
    public = "https://8.8.8.8/hook"
    hook = c.create_webhook("first", public, ["model_version.created", "registered_model.created"], "about", "secret")
    key = hook.webhook_id
    c.create_webhook("first", public, ["prompt.created"], status="DISABLED")
    for address in ["http://8.8.8.8/x", "https://127.0.0.1/x", "https://10.0.0.1/x", "https://localhost/x", "nonsense", "",
        "ftp://8.8.8.8", "https://[::1]/x", "https://169.254.169.254/x"]:
        c.create_webhook("bad", address, ["model_version.created"])
    for name in ["", " ", "x" * 63, "x" * 64, "x" * 256, "a b", "-a", "a.b/c"]:
        c.create_webhook(name, public, ["model_version.created"])
    c.create_webhook("none", public, [])
    c.create_webhook("twice", public, ["model_version.created", "model_version.created"])
    for event in ["registered_model.created", "model_version_tag.set", "model_version_tag.deleted", "model_version_alias.created",
        "model_version_alias.deleted", "prompt_version.created", "prompt_tag.set", "prompt_alias.deleted",
                  "budget_policy.exceeded", "registered_model.deleted", "nonsense.created"]:
        c.create_webhook(f"for {event}"[:20].replace(" ", "-").replace(".", "-"), public, [event])
    c.get_webhook(key)
    c.get_webhook("nothing")
    c.list_webhooks()
    page = c.list_webhooks(2)
    c.list_webhooks(2, page.token)
    c.list_webhooks(page_token="nonsense")
    for number in (0, -1, 1000, 1001):
        c.list_webhooks(number)
    c.update_webhook(key, name="renamed", description="other", url="https://1.1.1.1/x", events=["prompt.created"], secret="new",
        status="DISABLED")
    c.update_webhook(key, status="ACTIVE")
    c.update_webhook(key, url="http://8.8.8.8/x")
    c.update_webhook(key, name="")
    c.update_webhook(key)
    c.update_webhook("nothing", name="x")
    c.get_webhook(key)
    t.get(f"webhooks/{key}")
    c.delete_webhook(key)
    c.delete_webhook(key)
    c.get_webhook(key)
    c.update_webhook(key, name="x")
    c.test_webhook(key)
    t.post("webhooks", {"name": "raw", "url": public, "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}], "status": "ACTIVE"})
    t.post("webhooks", {"name": "raw", "url": public, "events": [{"entity": "MODEL_VERSION", "action": "DELETED"}]})
    t.post("webhooks", {"name": "raw", "url": public, "events": [{"entity": "NONSENSE", "action": "CREATED"}]})
    t.post("webhooks", {"name": "raw", "url": public})
    t.post("webhooks", {"url": public, "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}]})
    t.post("webhooks", {"name": 5, "url": public, "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}]})
