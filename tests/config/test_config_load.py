"""From a stage file to a Stage: finding it, extends, what becomes of every section, secrets."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cicd.config import (
    GitFacts,
    GitOverride,
    Surroundings,
    find_stage_for_branch,
    load_stage,
    shared_branches,
    stage_files,
    stage_name,
)
from cicd.config.inherit import read_files
from cicd.errors import InvalidStage, Remark, Usage
from cicd.model import Gate, Key, Ref, Secret, SmokeTest
from cicd.platforms.registry import DIALECTS
from tests.config.config_sample import (
    COMMIT,
    ENV,
    GIT,
    STAGE,
    changed,
    findings,
    load,
    messages,
    resource,
    write_repository,
)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return write_repository(tmp_path)


def write(repo: Path, name: str, text: str) -> None:
    (repo / "stages" / name).write_text(text, encoding="utf-8")


def test_the_sample_has_nothing_to_find(repo: Path) -> None:
    assert findings(repo) == []


def test_every_section_becomes_resources_of_the_contract(repo: Path) -> None:
    stage = load(repo)
    specs = {str(r.key): r.spec for r in stage.resources}
    inputs = specs["execution/train"]["inputs"]
    assert specs == {
        "resource_group/churn-dev": {"name": "churn-dev"},
        "repository/org-churn": {
            "name": "org-churn",
            "url": "https://example.com/org/churn",
            "username": Secret("someone"),
            "password": Secret("t0ps3cret"),
        },
        "application/churn": {
            "name": "churn",
            "repository": "https://example.com/org/churn",
            "path": "templates",
            "revision": "main",
            "commit": COMMIT,
            "executables": {
                "trainer": {
                    "scenario_id": "churn",
                    "version": "1.0",
                    "kind": "workflow",
                    "parameters": {"epochs": None, "rate": "0.10"},
                    "inputs": ["dataset"],
                    "outputs": ["model"],
                },
                "server": {
                    "scenario_id": "churn",
                    "version": "1.0",
                    "kind": "serving",
                    "parameters": {"greeting": "hello"},
                    "inputs": ["model"],
                    "outputs": [],
                },
            },
        },
        "artifact/customers": {
            "name": "Customers",
            "kind": "dataset",
            "url": "ai://default/c",
            "scenario_id": "churn",
        },
        "configuration/train": {
            "name": "Training",
            "scenario_id": "churn",
            "executable_id": "trainer",
            "parameter_bindings": {"epochs": "3"},
            "input_artifact_bindings": {"dataset": Ref(Key("artifact", "customers"))},
        },
        "execution/train": {
            "configuration": Ref(Key("configuration", "train")),
            "configuration_name": "Training",
            "scenario_id": "churn",
            "executable_id": "trainer",
            "inputs": inputs,
            "files": specs["execution/train"]["files"],
        },
        "configuration/serve": {
            "name": "Serving",
            "scenario_id": "churn",
            "executable_id": "server",
            "parameter_bindings": {},
            "input_artifact_bindings": {"model": Ref(Key("execution", "train"), "artifacts.model")},
        },
        "deployment/serve": {
            "configuration": Ref(Key("configuration", "serve")),
            "configuration_name": "Serving",
            "scenario_id": "churn",
            "executable_id": "server",
            "ttl": "24h",
        },
        "destination/CHURN": {"name": "CHURN", "url": Ref(Key("deployment", "serve"), "url")},
    }
    assert len(inputs) == 64


def test_the_stage_knows_its_own_facts(repo: Path) -> None:
    stage = load(repo)
    assert (stage.name, stage.file, stage.branch) == ("dev", "stages/dev.yaml", "main")
    assert stage.target == {"resource_group": "churn-dev"}
    assert (stage.platform, stage.commit, stage.root) == ("aicore", COMMIT, str(repo))
    assert [program.name for program in stage.programs] == ["server", "trainer"]
    assert resource(stage, "deployment/serve").source == "stages/dev.yaml:20:5"


def test_dependencies_follow_the_contract(repo: Path) -> None:
    stage = load(repo)
    group = Key("resource_group", "churn-dev")
    for item in stage.resources:
        assert item.key == group or group in item.depends_on
    application = Key("application", "churn")
    assert application in resource(stage, "configuration/train").depends_on
    assert Key("repository", "org-churn") in resource(stage, "application/churn").depends_on


def test_options_have_the_documented_defaults(repo: Path) -> None:
    stage = load(repo)
    train = resource(stage, "execution/train").options
    assert (train.wait_for, train.timeout, train.rerun) == ("COMPLETED", 1800.0, "on_change")
    serve = resource(stage, "deployment/serve").options
    assert (serve.wait_for, serve.timeout, serve.on_failure) == ("RUNNING", 900.0, "rollback")
    assert serve.smoke_test == SmokeTest(path="/v1/health", timeout=60.0)


def test_options_are_read(repo: Path) -> None:
    edits = (
        (
            '    watch: ["templates/code/*.py"]\n',
            "    rerun: never\n    timeout: 90s\n    require: [{metric: r2, min: 0.5}]\n",
        ),
        (
            "smoke_test: {path: /v1/health}",
            "timeout: 2h\n    on_failure: keep\n    existing_deployment_id: d0123456789abcdef\n"
            "    smoke_test: {method: POST, path: /v2/x, json: {a: [1]}, timeout: 5s,"
            " expect: {status: 201, contains: ok}}",
        ),
    )
    write(repo, "dev.yaml", changed(*edits))
    stage = load(repo)
    train = resource(stage, "execution/train").options
    assert (train.rerun, train.timeout, train.require) == ("never", 90.0, (Gate("r2", 0.5),))
    serve = resource(stage, "deployment/serve").options
    assert (serve.timeout, serve.existing_id) == (7200.0, "d0123456789abcdef")
    assert serve.smoke_test == SmokeTest(
        "/v2/x", "POST", {"a": [1]}, expect_status=201, expect_contains="ok", timeout=5.0
    )
    assert serve.on_failure == "keep"


def test_null_waits_for_nothing(repo: Path) -> None:
    edit = ('    watch: ["templates/code/*.py"]\n', "    wait_for_status: null\n")
    model = ("${executions.train.artifacts.model}", "0fd8ee80-1e35-4a2e-8f3c-6f5d1c1f2a3b")
    write(repo, "dev.yaml", changed(edit, model))
    stage = load(repo)
    assert resource(stage, "execution/train").options.wait_for is None
    bound = resource(stage, "configuration/serve").spec["input_artifact_bindings"]
    assert bound == {"model": "0fd8ee80-1e35-4a2e-8f3c-6f5d1c1f2a3b"}


def test_one_key_for_an_execution_and_a_deployment_makes_two_configurations(repo: Path) -> None:
    write(repo, "dev.yaml", changed(("key: serve", "key: train")))
    keys = {str(item.key) for item in load(repo).resources}
    assert {"configuration/train.execution", "configuration/train.deployment"} <= keys
    assert "configuration/train" not in keys


def test_keys_default_to_the_name_of_the_configuration(repo: Path) -> None:
    edits = (("  - key: serve\n    configuration:\n", "  - configuration:\n"),)
    write(repo, "dev.yaml", changed(*edits, ("name: Serving", "name: Serving / live")))
    assert resource(load(repo), "deployment/serving-live").spec["configuration_name"]


def test_numbers_in_bindings_keep_their_digits(repo: Path) -> None:
    edit = ("{epochs: 3}", "{epochs: 1.10, rate: true}")
    write(repo, "dev.yaml", changed(edit))
    spec = resource(load(repo), "configuration/train").spec
    assert spec["parameter_bindings"] == {"epochs": "1.10", "rate": "true"}


def test_bindings_may_be_lists_in_the_old_spelling(repo: Path) -> None:
    edits = (
        ("{epochs: 3}", '[{key: epochs, value: "3"}]'),
        ("{dataset: customers}", "[{key: dataset, artifact: customers}]"),
    )
    before = load(repo)
    write(repo, "dev.yaml", changed(*edits))
    assert load(repo).resources[4].spec == before.resources[4].spec


def test_json_means_the_same_as_yaml(repo: Path) -> None:
    from cicd.config.files import read_tree
    from cicd.config.tree import plain

    yaml = load(repo)
    content = plain(read_tree(repo / "stages" / "dev.yaml", "dev.yaml"))
    (repo / "stages" / "dev.yaml").unlink()
    write(repo, "dev.json", json.dumps(content, indent="\t"))
    stage = load(repo)
    assert [r.spec for r in stage.resources] == [r.spec for r in yaml.resources]
    assert stage.digest == yaml.digest


def test_secrets_are_nowhere_to_be_seen(repo: Path) -> None:
    stage = load(repo)
    assert "t0ps3cret" not in repr(stage)
    assert stage.digest == load(repo, env={**ENV, "GIT_TOKEN": "another"}).digest


@pytest.mark.parametrize("env", [{}, {**ENV, "GIT_TOKEN": ""}])
def test_missing_credentials_stop_a_plan_but_not_a_check(repo: Path, env: dict[str, str]) -> None:
    assert findings(repo) == []
    with pytest.raises(InvalidStage, match=r"stages/dev.yaml:7:13: .*GIT_TOKEN"):
        load(repo, env=env)


def test_an_override_replaces_where_templates_come_from_and_needs_no_credentials(
    repo: Path,
) -> None:
    override = GitOverride("file:///src/churn", "work", "f" * 40)
    stage = load(repo, env={}, application=override)
    assert resource(stage, "repository/churn").spec == {"name": "churn", "url": "file:///src/churn"}
    spec = resource(stage, "application/churn").spec
    assert (spec["repository"], spec["revision"]) == ("file:///src/churn", "work")
    assert spec["commit"] == stage.commit == "f" * 40


@pytest.mark.parametrize("sync", ["{auto: true}", "{heal: true}", '{suspend: "incident 42"}'])
def test_what_a_controller_keeps_is_pinned_to_the_commit_or_warned_about(
    repo: Path, sync: str
) -> None:
    """AI Core brings by itself what is new on a branch, whatever sync lets through."""
    file = repo / "stages" / "dev.yaml"
    text = file.read_text(encoding="utf-8") + f"sync: {sync}\n"
    assert findings(repo) == []
    place = "  application: churn\n"
    file.write_text(text.replace(place, f"{place}  revision: main\n"), encoding="utf-8")
    [problem] = findings(repo)
    assert problem.startswith("stages/dev.yaml:") and "what sync does not let through" in problem
    for pinned in (text, text.replace(place, f"{place}  revision: ${{git.commit}}\n")):
        file.write_text(pinned, encoding="utf-8")
        assert findings(repo) == []
        spec = resource(load(repo), "application/churn").spec
        assert spec["pinned"] and spec["commit"] == COMMIT


@pytest.mark.parametrize(
    ("revision", "git", "commit"),
    [
        ("", GitFacts(COMMIT, "main"), COMMIT),
        ("  revision: other\n", GitFacts(COMMIT, "main"), None),
        ("  revision: other\n", GitFacts(COMMIT, ""), COMMIT),
        ("  revision: HEAD\n", GitFacts(COMMIT, "main"), COMMIT),
        ("  revision: v1\n", GitFacts(COMMIT, "main", tags={"v1": "b" * 40}), "b" * 40),
        ("  revision: refs/tags/v1\n", GitFacts(COMMIT, "main", tags={"v1": "b" * 40}), "b" * 40),
        ("  revision: v2\n", GitFacts(COMMIT, "main", tags={"v1": "b" * 40}), None),
        ("", GitFacts("", ""), None),
    ],
)
def test_a_commit_is_wanted_only_of_what_is_checked_out(
    repo: Path, revision: str, git: GitFacts, commit: str | None
) -> None:
    write(
        repo, "dev.yaml", changed(("  application: churn\n", f"  application: churn\n{revision}"))
    )
    stage = load_stage(
        "dev", Surroundings(root=repo, env=ENV, variables={}, dialects=DIALECTS, git=git)
    )
    assert resource(stage, "application/churn").spec.get("commit") == commit


def test_without_git_and_group_the_environment_and_templates_still_count(repo: Path) -> None:
    start = STAGE.index("aicore:")
    text = STAGE[:start] + STAGE[STAGE.index("artifacts:") :]
    write(repo, "dev.yaml", text)
    stage = load(repo, env={"AICORE_RESOURCE_GROUP": "from-env"})
    assert stage.target == {"resource_group": "from-env"}
    assert not [r for r in stage.resources if r.key.kind in {"application", "repository"}]
    with pytest.raises(InvalidStage, match="no resource group"):
        load(repo, env={})
    assert ": warning: no resource group" in findings(repo)[0]


def test_without_git_an_override_still_brings_the_templates(repo: Path) -> None:
    text = STAGE[: STAGE.index("git:")] + STAGE[STAGE.index("artifacts:") :]
    write(repo, "dev.yaml", text)
    override = GitOverride("file:///src/churn", "work", "f" * 40)
    stage = load(repo, application=override)
    assert resource(stage, "application/cicd-dev").spec["path"] == "templates"


@pytest.mark.parametrize(
    ("what", "before", "after", "is_same"),
    [
        ("templates/code/train.py", "print(1)\n", "print(1)\r\n", True),
        ("templates/code/train.py", "print(1)", "print(2)", False),
        ("templates/train.yaml", "spec:\n", "# a remark\nspec:\n", True),
        ("templates/train.yaml", "python, train.py", "python, other.py", False),
        ("stages/dev.yaml", "epochs: 3", "epochs: 4", False),
        ("stages/dev.yaml", "rate: x", "rate: x", True),
        ("stages/dev.yaml", "ttl: 24h", "ttl: 25h", True),
    ],
)
def test_inputs_change_exactly_with_what_goes_into_a_run(
    repo: Path, what: str, before: str, after: str, is_same: bool
) -> None:
    first = resource(load(repo), "execution/train").spec["inputs"]
    raw = (repo / what).read_bytes().replace(before.encode(), after.encode())
    (repo / what).write_bytes(raw)
    assert (resource(load(repo), "execution/train").spec["inputs"] == first) is is_same


def test_a_watched_folder_means_its_files_but_not_its_caches(repo: Path) -> None:
    write(repo, "dev.yaml", changed(("templates/code/*.py", "templates/code")))
    first = resource(load(repo), "execution/train").spec["inputs"]
    cache = repo / "templates" / "code" / "__pycache__"
    cache.mkdir()
    (cache / "train.pyc").write_bytes(b"\0\1")
    assert resource(load(repo), "execution/train").spec["inputs"] == first
    (repo / "templates" / "code" / "model.bin").write_bytes(b"\0\r\n")
    assert resource(load(repo), "execution/train").spec["inputs"] != first


# extends


def test_extends_merges_maps_and_keyed_lists_and_keeps_places(repo: Path) -> None:
    (repo / "stages" / "dev.yaml").rename(repo / "stages" / "base.yaml")
    write(repo, "mid.yaml", "extends: base.yaml\nstage: mid\nprotect: [deployment/serve]\n")
    text = (
        "extends: mid.yaml\naicore: {resource_group: churn-prd}\n"
        "executions:\n  - key: train\n    configuration:\n"
        "      parameter_bindings: {rate: 1}\n    watch: [templates/code]\n"
        "deployments:\n  - key: second\n    configuration: {name: B, scenario_id: churn,"
        " executable_id: server, input_artifact_bindings: {model: customers}}\n"
    )
    write(repo, "prd.yaml", text)
    stage = load(repo, "prd")
    assert (stage.name, stage.target["resource_group"]) == ("prd", "churn-prd")
    assert stage.protect == {"deployment/serve"}
    spec = resource(stage, "configuration/train").spec
    assert spec["parameter_bindings"] == {"epochs": "3", "rate": "1"}
    assert [r.key.name for r in stage.resources if r.key.kind == "deployment"] == [
        "serve",
        "second",
    ]
    assert resource(stage, "deployment/serve").source.startswith("stages/base.yaml:")
    assert resource(stage, "deployment/second").source == "stages/prd.yaml:9:5"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends: dev.yaml", "stages/dev.yaml:1:10: extends goes in a circle: stages/dev.yaml"),
        ("extends: bsae.yaml", 'no such file (did you mean "base.yaml"?)'),
        ("extends: [base.yaml]", "extends must be the name of one file"),
        ("extends: bad.yaml", "stages/bad.yaml:1:1: a stage file is a map"),
        ("- a", "stages/dev.yaml:1:1: a stage file is a map"),
    ],
)
def test_extends_that_lead_nowhere(repo: Path, text: str, message: str) -> None:
    write(repo, "base.yaml", "extends: dev.yaml\n")
    write(repo, "bad.yaml", "[1]")
    write(repo, "dev.yaml", text)
    assert message in "\n".join(findings(repo))


def test_a_long_circle_is_named_in_full(repo: Path) -> None:
    write(repo, "dev.yaml", "extends: a.yaml\n")
    write(repo, "a.yaml", "extends: b.yaml\n")
    write(repo, "b.yaml", "extends: a.yaml\n")
    way = "stages/a.yaml -> stages/b.yaml -> stages/a.yaml"
    assert findings(repo) == [
        f"stages/b.yaml:1:10: extends goes in a circle: {way}: take one of them out"
    ]


def test_an_empty_list_adds_nothing_to_keyed_items_and_replaces_others(repo: Path) -> None:
    (repo / "stages" / "dev.yaml").rename(repo / "stages" / "base.yaml")
    text = "extends: base.yaml\ndeployments: []\nexecutions: [{key: train, watch: []}]\n"
    write(repo, "dev.yaml", text)
    keys = [str(r.key) for r in load(repo).resources]
    assert {"deployment/serve", "execution/train"} <= set(keys)
    with_base = resource(load(repo), "execution/train").spec["inputs"]
    assert with_base != resource(load(repo, "base"), "execution/train").spec["inputs"]


# the name of a stage

AFTER_FILE = "which must be letters, digits, dots, - and _: set stage, or rename the file"
NO_BRANCH = "which is no name for a Git branch: no double dots, and no dot or .lock at its end"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a b", AFTER_FILE),
        ("-a", AFTER_FILE),
        ("x" * 64, "which is longer than 63 characters: set stage, or rename the file"),
        ("x.lock", f"{NO_BRANCH}: set stage, or rename the file"),
        ("a..b", f"{NO_BRANCH}: set stage, or rename the file"),
    ],
)
def test_the_name_of_a_file_must_do_as_the_name_of_its_stage(
    repo: Path, name: str, problem: str
) -> None:
    file = f"stages/{name}.yaml"
    write(repo, f"{name}.yaml", STAGE)
    says = f'{file}: the stage is called "{name}" like its file, {problem}'
    assert findings(repo, file) == [says]
    write(repo, f"{name}.yaml", f"stage: good\n{STAGE}")
    assert findings(repo, file) == []


def test_a_stage_key_that_is_no_branch_is_found_where_it_is_written(repo: Path) -> None:
    write(repo, "dev.yaml", f"stage: x.lock\n{STAGE}")
    assert findings(repo) == [f'stages/dev.yaml:1:8: stage is "x.lock", {NO_BRANCH}']


# finding the stage


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("dve", 'stages: no stage "dve" (did you mean "dev"?); there are: dev'),
        ("stages/dve.yaml", 'no such stage file (did you mean "stages/dev.yaml"?)'),
        ("stages/dve", "no such stage file"),
        ("two", 'the stage "two" is in stages/two.yaml and stages/two.json: keep one'),
    ],
)
def test_stages_that_are_not_there(repo: Path, argument: str, message: str) -> None:
    if argument == "two":
        write(repo, "two.yaml", STAGE)
        write(repo, "two.json", "{}")
    with pytest.raises(InvalidStage) as caught:
        load(repo, argument)
    assert message in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("is_local", [True, False])
def test_a_placeholder_that_was_left_is_remarked_where_it_is_sent(
    repo: Path, *, is_local: bool
) -> None:
    write(repo, "dev.yaml", changed(("{epochs: 3}", '{epochs: "<YOUR EPOCHS>"}')))
    override = GitOverride("https://h/local", "main", COMMIT) if is_local else None
    around = Surroundings(repo, ENV, {}, GIT, DIALECTS, application=override)
    found = [text for text in load_stage("dev", around).remarks if "<YOUR EPOCHS>" in text]
    assert len(found) == (not is_local)
    assert all(isinstance(text, Remark) and text.problem.line == 16 for text in found)


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("dev", "dev"),
        ("stages/dev.yaml", "dev"),
        ("named", "mine"),
        ("number", "number"),
        ("broken", "broken"),
        ("stages/broken.YAML", "broken"),
        ("gone", "gone"),
        ("else/gone.json", "gone"),
        ("gone.txt", "gone.txt"),
    ],
)
def test_a_stage_has_a_name_whatever_its_file_holds(repo: Path, argument: str, name: str) -> None:
    write(repo, "named.yaml", "stage: mine\n")
    write(repo, "number.yaml", "stage: 5\n")
    write(repo, "broken.yaml", "a: [\n")
    assert stage_name(argument, repo) == name


@pytest.mark.parametrize("is_wanted", [True, False])
def test_a_stage_that_cannot_be_read_may_be_that_of_the_branch(
    repo: Path, *, is_wanted: bool
) -> None:
    write(repo, "broken.yaml", "a: [\n")
    assert find_stage_for_branch(repo, "main", is_wanted=is_wanted) == "stages/dev.yaml"
    with pytest.raises(InvalidStage if is_wanted else Usage) as error:
        find_stage_for_branch(repo, "x", is_wanted=is_wanted)
    assert ("broken.yaml:1:4: not valid YAML" in str(error.value)) is is_wanted


@pytest.mark.parametrize(
    ("stages", "hint"),
    [([], "name a stage: there is none"), (["a", "b"], "name a stage: a, b")],
)
def test_a_branch_of_no_stage_says_which_there_are(
    tmp_path: Path, stages: list[str], hint: str
) -> None:
    (tmp_path / "stages").mkdir()
    for name in stages:
        write(tmp_path, f"{name}.yaml", "branch: shared\n")
    with pytest.raises(Usage, match='no stage has the branch "x"') as error:
        find_stage_for_branch(tmp_path, "x")
    assert error.value.hint == hint
    if stages:
        with pytest.raises(Usage, match=r"belongs to stages/a\.yaml and stages/b\.yaml") as error:
            find_stage_for_branch(tmp_path, "shared")
        assert error.value.hint == hint


def test_of_very_many_watched_files_one_digest_is_kept_for_each_glob(repo: Path) -> None:
    code = repo / "templates" / "code"
    code.mkdir(exist_ok=True)
    for number in range(51):
        (code / f"m{number}.py").write_text(f"x = {number}\n", encoding="utf-8")

    def files() -> dict[str, str]:
        found: dict[str, str] = resource(load(repo), "execution/train").spec["files"]
        return found

    before = files()
    assert "templates/code/*.py" in before
    assert not any(name.endswith("m1.py") for name in before)
    (code / "m50.py").write_text("other", encoding="utf-8")
    changed_ = files()
    assert changed_["templates/code/*.py"] != before["templates/code/*.py"]
    (code / "m50.py").unlink()
    left = len(list(code.glob("*.py")))
    for path in sorted(code.glob("*.py"))[: left - 50]:
        path.unlink()
    assert {"templates/code/m7.py", "templates/code/m8.py"} <= files().keys()
    assert "templates/code/*.py" not in files()


def test_no_stages_at_all(tmp_path: Path) -> None:
    assert stage_files(tmp_path) == []
    with pytest.raises(InvalidStage, match="there is none in stages/"):
        load(tmp_path)


@pytest.mark.parametrize("argument", ["dev", "stages/dev.yaml"])
def test_a_stage_is_found_by_name_and_by_file(repo: Path, argument: str) -> None:
    assert load(repo, argument).name == "dev"
    assert load(repo, str(repo / "stages" / "dev.yaml")).file == "stages/dev.yaml"


def test_bases_are_no_stages_but_extended_stages_are(repo: Path) -> None:
    write(repo, "base.yaml", "aicore: {resource_group: abc}\n")
    write(repo, "tst.yaml", "extends: base.yaml\nbranch: tst\n")
    write(repo, "prd.yaml", "extends: tst.yaml\nbranch: prd\n")
    write(repo, "broken.yaml", "a: [")
    assert stage_files(repo) == [f"stages/{n}.yaml" for n in ("broken", "dev", "prd", "tst")]
    assert find_stage_for_branch(repo, "tst") == "stages/tst.yaml"
    with pytest.raises(Usage, match='no stage has the branch "x"'):
        find_stage_for_branch(repo, "x")
    write(repo, "second.yaml", "branch: tst\n")
    with pytest.raises(Usage, match=r"belongs to stages/second.yaml and stages/tst.yaml"):
        find_stage_for_branch(repo, "tst")


# the pipeline that this project grew from

OLD: dict[str, object] = {
    "clean_up": True,
    "artifacts": [
        {
            "key": "dataset",
            "name": "Customers",
            "kind": "dataset",
            "url": "ai://default/c",
            "scenario_id": "churn",
        }
    ],
    "executions": [
        {
            "configuration": {
                "name": "Training CI/CD",
                "scenario_id": "churn",
                "executable_id": "trainer",
                "parameter_bindings": [{"key": "epochs", "value": "test1"}],
                "input_artifact_bindings": [{"key": "dataset"}],
            },
            "wait_for_status": "COMPLETED",
        }
    ],
    "deployments": [
        {
            "existing_deployment_id": "d0123456789abcdef",
            "configuration": {
                "name": "Serving CI/CD",
                "scenario_id": "churn",
                "executable_id": "server",
                "parameter_bindings": [],
                "input_artifact_bindings": [],
            },
            "destination_name": "CHURN",
            "wait_for_status": "RUNNING",
        }
    ],
}


def load_old(repo: Path, **changes: object) -> list[object]:
    folder = repo / "cicd"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(OLD | changes), encoding="utf-8")
    stage = load(repo, str(folder / "config.json"), env={"AICORE_RESOURCE_GROUP": "old-group"})
    return [stage, {str(r.key): r for r in stage.resources}]


def test_the_old_file_loads_unchanged(repo: Path) -> None:
    stage, found = load_old(repo)
    assert (stage.name, stage.prune) == ("config", "resource_group")  # type: ignore[attr-defined]
    resources: dict[str, object] = found  # type: ignore[assignment]
    assert list(resources) == [
        "resource_group/old-group",
        "artifact/dataset",
        "configuration/training-ci-cd",
        "execution/training-ci-cd",
        "configuration/serving-ci-cd",
        "deployment/serving-ci-cd",
        "destination/CHURN",
    ]
    assert resources["execution/training-ci-cd"].options.rerun == "always"  # type: ignore[attr-defined]
    options = resources["deployment/serving-ci-cd"].options  # type: ignore[attr-defined]
    assert options.existing_id == "d0123456789abcdef"
    spec = resources["configuration/training-ci-cd"].spec  # type: ignore[attr-defined]
    assert spec["input_artifact_bindings"] == {"dataset": Ref(Key("artifact", "dataset"))}
    assert spec["parameter_bindings"] == {"epochs": "test1"}


@pytest.mark.parametrize(
    ("changes", "has_destination", "wait_for"),
    [
        ({"update_destination": False}, False, "RUNNING"),
        ({"wait_for_status": False}, False, None),
        ({"clean_up": False}, True, "RUNNING"),
    ],
)
def test_the_old_switches(
    repo: Path, changes: dict[str, object], has_destination: bool, wait_for: str | None
) -> None:
    _, found = load_old(repo, **changes)
    assert ("destination/CHURN" in found) is has_destination  # type: ignore[operator]
    deployment = found["deployment/serving-ci-cd"]  # type: ignore[index]
    assert deployment.options.wait_for == wait_for


def test_what_is_empty_in_the_old_file_is_not_set(repo: Path) -> None:
    old: dict[str, object] = OLD["deployments"][0]  # type: ignore[index]
    empty = old | {"existing_deployment_id": "", "destination_name": "", "wait_for_status": ""}
    _, found = load_old(repo, deployments=[empty])
    options = found["deployment/serving-ci-cd"].options  # type: ignore[index]
    assert (options.existing_id, options.wait_for) == (None, None)
    kept = old | {"existing_deployment_id": "", "destination_name": ""}
    _, found = load_old(repo, deployments=[kept])
    options = found["deployment/serving-ci-cd"].options  # type: ignore[index]
    assert (options.existing_id, options.wait_for) == (None, "RUNNING")
    assert not any(key.startswith("destination/") for key in found)  # type: ignore[attr-defined]


def test_an_old_switch_that_is_no_switch(repo: Path) -> None:
    with pytest.raises(InvalidStage) as caught:
        load_old(repo, clean_up="yes")
    assert "clean_up must be true or false" in messages(caught.value)


def test_two_old_runs_of_one_name_get_two_keys(repo: Path) -> None:
    first: dict[str, object] = OLD["executions"][0]  # type: ignore[index]
    second = json.loads(json.dumps(first))
    second["configuration"]["parameter_bindings"] = [{"key": "epochs", "value": "test2"}]
    _, found = load_old(repo, executions=[first, second])
    assert "execution/training-ci-cd-2" in found  # type: ignore[operator]


def test_the_seed_of_this_project_loads(repo: Path) -> None:
    seeds = Path(__file__).parents[3] / "shared" / "seeds"
    found = sorted(seeds.glob("001_*.txt")) if seeds.is_dir() else []
    if not found:
        pytest.skip("the seed documents are not here")
    text = found[0].read_text(encoding="utf-8")
    config, _ = json.JSONDecoder().raw_decode(text, text.index('{\n"artifacts"'))
    (repo / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for file in (repo / "templates").glob("*.yaml"):
        file.unlink()
    stage = load(repo, str(repo / "config.json"), env={"AICORE_RESOURCE_GROUP": "default"})
    kinds = [r.key.kind for r in stage.resources]
    runs = ["configuration", "execution", "configuration", "deployment"]
    assert kinds == ["resource_group", "artifact", *runs]


def test_git_facts_reach_the_file(repo: Path) -> None:
    write(repo, "dev.yaml", changed(("epochs: 3", 'epochs: "${git.branch}-${git.commit}"')))
    spec = resource(load(repo), "configuration/train").spec
    assert spec["parameter_bindings"] == {"epochs": f"{GIT.branch}-{GIT.commit}"}


@pytest.mark.parametrize("way", ["up", "absolute", "link", "through a file"])
def test_extends_stays_in_the_repository_unless_allowed(tmp_path: Path, way: str) -> None:
    root, outside = tmp_path / "repo", tmp_path / "outside ä"
    (root / "stages").mkdir(parents=True)
    (root / ".git").mkdir()
    outside.mkdir()
    base = outside / "base.yaml"
    base.write_text("aicore: {resource_group: shared-group}\n", encoding="utf-8")
    named = {
        "up": "../../outside ä/base.yaml",
        "absolute": str(base),
        "link": "link.yaml",
        "through a file": "mid.yaml",
    }[way]
    if way == "link":
        (root / "stages/link.yaml").symlink_to(base)
    if way == "through a file":
        (root / "stages/mid.yaml").write_text(
            "extends: ../../outside ä/base.yaml\n", encoding="utf-8"
        )
    write = (root / "stages/dev.yaml").write_text
    write(f'extends: "{named}"\nstage: dev\n', encoding="utf-8")
    facts: dict[str, Any] = {
        "root": root,
        "variables": {},
        "git": GitFacts(),
        "dialects": DIALECTS,
    }
    with pytest.raises(InvalidStage, match="leads out of the repository"):
        load_stage("dev", Surroundings(env={}, **facts))
    allowed = {"CICD_EXTENDS_FROM": os.pathsep.join([str(tmp_path / "no"), str(outside)])}
    around = Surroundings(env=allowed, **facts)
    assert load_stage("dev", around).target["resource_group"] == "shared-group"


def test_a_project_in_a_folder_may_extend_what_lies_above_it_in_the_repository(
    tmp_path: Path,
) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere\n", encoding="utf-8")  # a worktree's
    stages = tmp_path / "ml/churn/stages"
    stages.mkdir(parents=True)
    (tmp_path / "base.yaml").write_text("aicore: {resource_group: rg-dev}\n", encoding="utf-8")
    (stages / "dev.yaml").write_text("extends: ../../../base.yaml\n", encoding="utf-8")
    loaded = load_stage(
        "dev",
        Surroundings(root=stages.parent, env={}, variables={}, dialects=DIALECTS, git=GitFacts()),
    )
    assert loaded.target["resource_group"] == "rg-dev"


@pytest.mark.parametrize("target", ["loop.yaml", "dev.yaml/", "../stages/loop.yaml"])
def test_a_link_that_leads_to_itself_is_no_file_to_extend(tmp_path: Path, target: str) -> None:
    folder = tmp_path / "stages"
    folder.mkdir()
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "round.yaml").symlink_to("again.yaml")
    (folder / "again.yaml").symlink_to("round.yaml")
    target = target.replace("dev.yaml/", "round.yaml")
    (folder / "dev.yaml").write_text(f"extends: {target}\nbranch: main\n", encoding="utf-8")
    assert stage_files(tmp_path) == ["stages/dev.yaml"]
    with pytest.raises(InvalidStage, match="no such file"):
        read_files(folder / "dev.yaml", tmp_path, env={})


@pytest.mark.parametrize(
    ("branches", "shared"),
    [
        ((None, None), 0),
        (("1", "1"), 0),
        (("null", "null"), 0),
        (("main", "prd"), 0),
        (("main", "main"), 1),
        (("main", "main", "main"), 2),
    ],
)
def test_a_branch_is_shared_only_where_two_stages_name_it(
    tmp_path: Path, branches: tuple[str | None, ...], shared: int
) -> None:
    (tmp_path / "stages").mkdir()
    for number, branch in enumerate(branches):
        text = "stage: s\n" if branch is None else f"branch: {branch}\n"
        (tmp_path / f"stages/s{number}.yaml").write_text(text, encoding="utf-8")
    assert len(shared_branches(tmp_path)) == shared
    # one that cannot be read says so itself, and hides none of the others
    (tmp_path / "stages/a.yaml").write_text("branch: [", encoding="utf-8")
    assert len(shared_branches(tmp_path)) == shared


@pytest.mark.parametrize(("length", "is_wrong"), [(1024, False), (1025, True)])
def test_a_path_of_a_smoke_test_has_a_limit(repo: Path, length: int, is_wrong: bool) -> None:
    path = "/v1/".ljust(length, "x")
    write(repo, "dev.yaml", changed(("{path: /v1/health}", f"{{path: {path}}}")))
    found = [line for line in findings(repo) if "longer than 1024 characters" in line]
    assert bool(found) is is_wrong
