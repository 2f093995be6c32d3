"""What becomes of labels, nodes, secrets, schedules and deployments that need no template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cicd.config import GitFacts, GitOverride, Surroundings, load_stage
from cicd.errors import InvalidStage
from cicd.model import Key, Ref, Secret, Stage
from cicd.platforms.registry import DIALECTS
from tests.config.config_sample import (
    ENV,
    GIT,
    changed,
    findings,
    load,
    messages,
    resource,
    write_repository,
)

AICORE = """\
aicore:
  resource_group: churn-dev
  labels: {ext.ai.sap.com/team: "x"}
  nodes: {starter: 1, infer.s: 0}
  launchpad_url: https://example.com/aic/{kind}/{id}?rg={resource_group}
"""
MORE = """\
secrets:
  object_store:
    - name: default
      type: S3
      bucket: b
      use_https: false
      data: {AWS_ACCESS_KEY_ID: "${env.A}", AWS_SECRET_ACCESS_KEY: "${env.B}"}
  docker_registry:
    - {name: pull, data: {.dockerconfigjson: "${env.C}"}}
  generic:
    - name: keys
      labels: {ext.ai.sap.com/team: x}
      data: {api-key: "${env.A}", hf_token: "${env.B}"}
    - {name: keys, scope: tenant, data: {api-key: "Bearer ${env.A}"}}
    - {name: proxy, scope: all_resource_groups, data: {URL: "${env.A}"}}
schedules:
  - {name: weekly training, execution: train, cron: "0 0 * * 0", end: 2099-01-01T00:00:00Z}
  - {key: monthly, name: m, execution: train, cron: "0 0 1 * *", active: false}
"""
FULL = changed(("aicore: {resource_group: churn-dev}\n", AICORE)) + MORE
DOCKER = json.dumps({"auths": {"r.example.com": {"auth": "dTpw"}}})
SET = {**ENV, "A": "aaa", "B": "bbb", "C": DOCKER}
OVERRIDE = GitOverride("file:///src/churn", "work", "f" * 40)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return load(write_repository(tmp_path_factory.mktemp("full"), FULL), env=SET)


SPECS: list[tuple[str, dict[str, Any]]] = [
    ("resource_group/churn-dev", {"name": "churn-dev", "labels": {"ext.ai.sap.com/team": "x"}}),
    ("node_reservation/starter", {"name": "starter", "count": 1}),
    ("node_reservation/infer.s", {"name": "infer.s", "count": 0}),
    (
        "object_store_secret/default",
        {
            "name": "default",
            "type": "S3",
            "bucket": "b",
            "use_https": False,
            "data": {
                "AWS_ACCESS_KEY_ID": Secret("aaa"),
                "AWS_SECRET_ACCESS_KEY": Secret("bbb"),
            },
        },
    ),
    (
        "docker_registry_secret/pull",
        {"name": "pull", "data": {".dockerconfigjson": Secret(DOCKER)}},
    ),
    (
        "generic_secret/keys.resource_group",
        {
            "name": "keys",
            "scope": "resource_group",
            "labels": {"ext.ai.sap.com/team": "x"},
            "data": {"api-key": Secret("aaa"), "hf_token": Secret("bbb")},
        },
    ),
    (
        "generic_secret/keys.tenant",
        {"name": "keys", "scope": "tenant", "data": {"api-key": Secret("Bearer aaa")}},
    ),
    (
        "generic_secret/proxy",
        {"name": "proxy", "scope": "all_resource_groups", "data": {"URL": Secret("aaa")}},
    ),
    (
        "schedule/weekly training",
        {
            "name": "weekly training",
            "configuration": Ref(Key("configuration", "train")),
            "configuration_name": "Training",
            "scenario_id": "churn",
            "executable_id": "trainer",
            "cron": "0 0 * * 0",
            "end": "2099-01-01T00:00:00Z",
            "active": True,
        },
    ),
]


@pytest.mark.parametrize(("key", "spec"), SPECS)
def test_every_kind_has_the_spec_of_the_contract(
    full: Stage, key: str, spec: dict[str, Any]
) -> None:
    assert resource(full, key).spec == spec
    assert resource(full, key).source.startswith("stages/dev.yaml:")


def test_a_paused_schedule_goes_by_its_key(full: Stage) -> None:
    spec = resource(full, "schedule/monthly").spec
    assert (spec["name"], spec["active"], "end" in spec) == ("m", False, False)


def test_nothing_starts_before_its_secrets_and_nodes(full: Stage) -> None:
    kinds = ("node_reservation", "object_store_secret", "docker_registry_secret", "generic_secret")
    supplies = {item.key for item in full.resources if item.key.kind in kinds}
    assert len(supplies) == 7
    group = Key("resource_group", "churn-dev")
    assert all(resource(full, str(key)).depends_on == {group} for key in supplies)
    for key in ("execution/train", "deployment/serve"):
        assert supplies <= resource(full, key).depends_on
    for key in ("application/churn", "artifact/customers", "configuration/train"):
        assert not supplies & resource(full, key).depends_on
    assert Key("execution", "train") in resource(full, "schedule/monthly").depends_on


def test_the_address_of_the_launchpad_is_in_the_target_only_when_given(full: Stage) -> None:
    url = "https://example.com/aic/{kind}/{id}?rg={resource_group}"
    assert full.target == {"resource_group": "churn-dev", "launchpad_url": url}


@pytest.mark.parametrize(("text", "seconds"), [("", 30.0), ("    drain: 0s\n", 0.0), ("2m", 120.0)])
def test_drain(tmp_path: Path, text: str, seconds: float) -> None:
    text = f"    drain: {text}\n" if text == "2m" else text
    stage = load(write_repository(tmp_path, changed(("    ttl: 24h\n", text))))
    assert resource(stage, "deployment/serve").options.drain == seconds


def test_values_of_secrets_are_in_no_digest(tmp_path: Path, full: Stage) -> None:
    repo = write_repository(tmp_path, FULL)
    other = load(repo, env={**SET, "A": "other"})
    assert (other.digest, other.source_digest) == (full.digest, full.source_digest)
    assert "aaa" not in repr(full)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("{starter: 1,", "{starter: 11,", "aicore.nodes.starter must be at most 10"),
        ("{starter: 1,", "{starter: -1,", "aicore.nodes.starter must be at least 0"),
        ("{starter: 1,", "{starter: 1.5,", "aicore.nodes.starter must be a whole number"),
        ("{starter: 1,", "{startr: 1,", 'warning: "startr" is no resource plan that AI Core docum'),
        ("{starter: 1,", "{startr: 1,", '(did you mean "starter"?)'),
        ("https://example.com/aic", "ftp://x", "aicore.launchpad_url is"),
        ("{kind}", "{kin}", 'an unknown placeholder "{kin}" (did you mean "kind"?)'),
        ('/team: "x"', '/team: "x", team: y', '"team" must be ext.ai.sap.com/ and then letters'),
        ('/team: "x"', '/team: "x", team: y', '(did you mean "ext.ai.sap.com/team"?)'),
        ('/team: "x"', "/team-: x", "with a letter or digit at both ends"),
        ('/team: "x"', f"/{'t' * 49}: x", "is longer than 63 characters: shorten it"),
        ('/team: "x"', "/cicd.stage: x", "begins with ext.ai.sap.com/cicd., which cicd keeps for"),
        ("/team: x}", "/cicd.fingerprint: x}", "which cicd keeps for itself: choose another"),
        ("/team: x}", "/team: ''}", "is empty, which removes it: give it a value"),
        ("/team: x}", "/te am: x}", "must be ext.ai.sap.com/ and then letters"),
        ("ttl: 24h", "drain: soon", 'drain is "soon", must be a time like 0s, 30s or 2m'),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, before: str, after: str, message: str) -> None:
    found = findings(write_repository(tmp_path, changed((before, after), text=FULL)))
    assert any(message in line for line in found), found
    assert len(found) == 1


def test_protect_knows_every_key(tmp_path: Path, full: Stage) -> None:
    unsaid = {"configuration", "repository"}
    keys = [str(item.key) for item in full.resources if item.key.kind not in unsaid]
    text = FULL + f"protect: {json.dumps([*keys, 'generic_secret/key', 'schedule/nope'])}\n"
    found = findings(write_repository(tmp_path, text))
    assert [line.split(": ")[2].split(",")[0] for line in found] == [
        "protect names generic_secret/key",
        "protect names schedule/nope",
    ]


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ("  docker_registry:", "  docker_regsitry:", ("docker_registry_secret",)),
        ("name: pull", "name: [pull]", ("docker_registry_secret",)),
        ("schedules:", "schedulse:", ("schedule",)),
        ("  nodes:", "  nodse:", ("node_reservation",)),
        ("  nodes: {starter: 1", "  nodes: {starter: x", ("node_reservation",)),
        ('cron: "0 0 1 * *"', "cron: 5", ("schedule",)),
    ],
)
def test_what_is_mistyped_is_not_called_unprotectable_too(
    tmp_path: Path, full: Stage, before: str, after: str, kinds: tuple[str, ...]
) -> None:
    keys = [str(item.key) for item in full.resources if item.key.kind in kinds]
    assert keys
    text = changed((before, after), text=FULL) + f"protect: {json.dumps(keys)}\n"
    assert len(findings(write_repository(tmp_path, text))) == 1


def test_extends_merges_secrets_by_name_and_scope_and_schedules_by_key(tmp_path: Path) -> None:
    repo = write_repository(tmp_path, FULL)
    over = """\
extends: dev.yaml
aicore: {nodes: {starter: 3}}
secrets:
  object_store: [{name: default, bucket: other}]
  generic:
    - {name: keys, data: {more: "${env.B}"}}
    - {name: keys, scope: tenant, data: {api-key: "${env.B}"}}
schedules:
  - {key: monthly, active: true}
  - {name: weekly training, cron: "0 6 * * 0"}
"""
    (repo / "stages" / "prd.yaml").write_text(over, encoding="utf-8")
    stage = load(repo, "prd", SET)
    specs = {str(item.key): item.spec for item in stage.resources}
    assert specs["node_reservation/starter"]["count"] == 3
    assert specs["object_store_secret/default"]["bucket"] == "other"
    assert set(specs["generic_secret/keys.resource_group"]["data"]) == {
        "api-key",
        "hf_token",
        "more",
    }
    assert specs["generic_secret/keys.tenant"]["data"] == {"api-key": Secret("bbb")}
    assert specs["schedule/monthly"]["active"] is True
    assert specs["schedule/weekly training"]["cron"] == "0 6 * * 0"
    assert len([key for key in specs if key.startswith(("generic_secret/", "schedule/"))]) == 5


def test_credentials_must_be_set_to_apply(tmp_path: Path) -> None:
    repo = write_repository(tmp_path, FULL)
    with pytest.raises(InvalidStage) as caught:
        load(repo)
    for name in "ABC":
        assert f"the environment variable {name} is not set: set it" in messages(caught.value)


@pytest.mark.parametrize(
    ("application", "needs"), [(OVERRIDE, True), (None, False)], ids=["locally", "offline"]
)
def test_locally_and_offline_credentials_may_be_missing_which_is_said_once(
    tmp_path: Path, application: GitOverride | None, needs: bool
) -> None:
    repo = write_repository(tmp_path, FULL)
    around = Surroundings(repo, {"B": "bbb"}, {}, GitFacts(), DIALECTS, application)
    stage = load_stage("dev", around, needs_credentials=needs)
    says = "A, C are not set in the environment, so what needs them under secrets is empty"
    assert stage.remarks == (says,)
    assert resource(stage, "generic_secret/proxy").spec["data"] == {"URL": Secret("")}
    assert resource(stage, "generic_secret/keys.tenant").spec["data"] == {"api-key": Secret("")}
    # a docker config of empty text is refused by every server
    docker = resource(stage, "docker_registry_secret/pull").spec["data"][".dockerconfigjson"]
    assert json.loads(docker.reveal()) == {"auths": {}}


def test_a_check_needs_no_credentials_and_says_nothing(tmp_path: Path) -> None:
    assert findings(write_repository(tmp_path, FULL)) == []


def test_with_all_credentials_nothing_is_remarked(full: Stage) -> None:
    assert full.remarks == ()


OWN = """\
aicore: {resource_group: llm-dev}
deployments:
  - key: chat
    configuration:
      name: Chat
      scenario_id: foundation-models
      executable_id: azure-openai
      parameter_bindings: {modelName: gpt-4o, modelVersion: 2024-08-06, anything: 1}
    smoke_test: {method: POST, path: /chat/completions, json: {messages: []}}
    destination_name: CHAT
  - key: orchestration
    configuration: {name: O, scenario_id: orchestration, executable_id: orchestration}
"""


@pytest.mark.parametrize("application", [None, OVERRIDE])
def test_deployments_of_the_platform_need_neither_git_nor_templates(
    tmp_path: Path, application: GitOverride | None
) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "dev.yaml").write_text(OWN, encoding="utf-8")
    assert findings(tmp_path) == []
    stage = load(tmp_path, env={}, application=application)
    assert [str(item.key) for item in stage.resources] == [
        "resource_group/llm-dev",
        "configuration/chat",
        "deployment/chat",
        "destination/CHAT",
        "configuration/orchestration",
        "deployment/orchestration",
    ]
    assert resource(stage, "configuration/chat").spec["parameter_bindings"] == {
        "modelName": "gpt-4o",
        "modelVersion": "2024-08-06",
        "anything": "1",
    }


def test_a_mistyped_scenario_of_the_platform(tmp_path: Path) -> None:
    edits = (
        (
            "scenario_id: churn\n      executable_id: server",
            "scenario_id: foundation-model\n      executable_id: azure-openai",
        ),
        ('      input_artifact_bindings: {model: "${executions.train.artifacts.model}"}\n', ""),
    )
    [found] = findings(write_repository(tmp_path, changed(*edits)))
    assert 'no template declares the executable "azure-openai", and the scenario is' in found
    assert '"foundation-model" (did you mean "foundation-models"?)' in found


def test_a_mistyped_scenario_of_the_platform_where_there_are_no_templates(tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    text = OWN.replace("foundation-models", "foundation-modles")
    (tmp_path / "stages" / "dev.yaml").write_text(text, encoding="utf-8")
    found = "\n".join(findings(tmp_path))
    assert 'no scenario "foundation-modles" along (did you mean "foundation-models"?)' in found


def test_a_template_may_have_the_name_of_an_executable_of_the_platform(tmp_path: Path) -> None:
    edits = (
        (
            "scenario_id: churn\n      executable_id: server",
            "scenario_id: orchestration\n      executable_id: server",
        ),
        ('      input_artifact_bindings: {model: "${executions.train.artifacts.model}"}\n', ""),
    )
    assert findings(write_repository(tmp_path, changed(*edits))) == []


def test_a_json_file_with_secrets_or_schedules_is_no_old_one(tmp_path: Path) -> None:
    repo = write_repository(tmp_path)
    configuration = {"name": "T", "scenario_id": "churn", "executable_id": "trainer"}
    file: dict[str, Any] = {
        "executions": [{"key": "train", "configuration": configuration}],
        "schedules": [{"name": "w", "execution": "train", "cron": "0 0 * * 0"}],
    }
    (repo / "stages" / "new.json").write_text(json.dumps(file), encoding="utf-8")
    env = {"AICORE_RESOURCE_GROUP": "a-group"}
    stage = load_stage(
        "new", Surroundings(root=repo, env=env, variables={}, dialects=DIALECTS, git=GIT)
    )
    assert resource(stage, "execution/train").options.rerun == "on_change"
