"""Bad answers, as whoever runs the commands meets them: what is said, and the exit code.

The commands run in this process. What answers is a real emulator behind a gate that can refuse,
repeat or invent any single answer.
"""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Callable
from functools import partial

import pytest
from pytest_mock import MockerFixture

from cicd.apply import execute
from cicd.cli import root
from tests.acceptance.conftest import Project
from tests.acceptance.operations_world import APPLY, QUICK, SECRET, STAGE, World
from tests.platforms.stub_server import Reply, Request, refused

BAD_CLIENT = Reply(401, {"error": "unauthorized", "error_description": f"no {SECRET} here"})
EXPIRED = Reply(401, "Jwt is expired")
DENIED = Reply(403, "RBAC: access denied")
LISTS = ("artifacts", "configurations", "executions", "deployments", "scenarios/churn/executables")
NO_DESTINATION = STAGE.replace("    destination_name: SERVE\n", "")
COMMANDS = (
    "status dev",
    "executions dev",
    "artifacts dev",
    "metrics dev train",
    "compare dev train",
    "logs dev train",
    "stop dev train",
    "rollback dev serve --list",
    "doctor dev",
    "import new --resource-group GROUP",
    "promote dev tst",
)


@pytest.mark.parametrize("status", [400, 403])
def test_a_replaced_deployment_that_could_not_be_deleted_is_told_by_later_plans(
    world: World, status: int
) -> None:
    text = NO_DESTINATION.replace("  - key: serve\n", "  - key: serve\n    drain: 0s\n")
    world.stage(text)
    assert world.cicd(*APPLY).code == 0
    [old] = world.listed("deployments")
    path = f"/v2/lm/deployments/{old['id']}"
    world.gate.on("DELETE", path, refused(status, "not now"))
    said = world.cicd(*APPLY, "--replace", "deployment/serve")
    assert said.code in {1, 4} and "is not gone" in said.all, said.all
    del world.gate.answers[f"DELETE {path}"]
    told = f"deployment {old['id']} is STOPPED: it is a former deployment/serve, and stays"
    for command in (("plan", "dev"), ("plan", "dev", "-o", "markdown"), APPLY):
        said = world.cicd(*command)
        assert said.code == 0 and told in said.out.replace("\\", ""), said.all
    assert world.number("deployments") == 2
    # what may delete it does, and nothing is told any more
    world.stage(f"prune: stage\n{text}")
    assert told not in world.cicd("plan", "dev").out
    said = world.cicd(*APPLY, "--over-limits")
    assert said.code == 0 and world.number("deployments") == 1, said.all


@pytest.mark.parametrize("kind", ["executions", "deployments"])
@pytest.mark.parametrize("command", ["apply dev --auto-approve", "status dev", "plan dev"])
def test_a_status_that_no_answer_tells_is_4_by_name_and_not_waited_for(
    world: World, kind: str, command: str
) -> None:
    world.stage(NO_DESTINATION)
    if not command.startswith("apply"):
        assert world.cicd(*APPLY).code == 0

    def answer(request: Request) -> Reply:
        got = world.forward(request)
        if request.method != "GET" or f"/lm/{kind}" not in request.path or got.status != 200:
            return got
        body = json.loads(str(got.body))
        for item in body.get("resources", [body]) if isinstance(body, dict) else []:
            item.pop("status", None)
        return Reply(200, body)

    world.gate.otherwise = answer
    said = world.cicd(*command.split())
    assert said.code == 4 and "the answer has no status" in said.all, said.all


def test_a_wrong_aicore_secret_names_its_source(world: World) -> None:
    world.gate.on("POST", "/oauth/token", BAD_CLIENT)
    for command in ("plan dev", "apply dev --auto-approve", *COMMANDS[:8]):
        said = world.cicd(*command.split())
        assert said.code == 4, said.all
        if command != "doctor dev":
            assert said.err.count("\n") == 1
            assert "refused the login: POST /oauth/token: unauthorized no *** here" in said.err
            assert "check client id and client secret in AICORE_* variables" in said.err


def test_a_wrong_service_key_is_told_and_not_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AUTH_URL", "BASE_URL", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(f"AICORE_{name}")
    key = {
        "clientid": "me",
        "clientsecret": SECRET,
        "url": world.gate.url,
        "serviceurls": {"AI_API_URL": world.gate.url},
    }
    world.gate.on("POST", "/oauth/token", BAD_CLIENT)
    monkeypatch.setenv("AICORE_SERVICE_KEY", json.dumps(key))
    said = world.cicd("plan", "dev")
    assert said.code == 4 and "client secret in AICORE_SERVICE_KEY" in said.error
    monkeypatch.setenv("AICORE_SERVICE_KEY", json.dumps(key)[:-4])
    said = world.cicd("plan", "dev")
    assert said.code == 4 and "paste the whole key" in said.error
    assert not world.gate.sent("GET")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"CERT_STR": "canary-1", "KEY_STR": "canary-2"}, "AICORE_* variables"),
        ({"CERT_FILE_PATH": "/nowhere/c.pem", "KEY_FILE_PATH": "/nowhere/k.pem"}, "/nowhere/c.pem"),
        ({"CERT_STR": "canary-1"}, "AICORE_KEY_STR not set"),
    ],
)
def test_a_wrong_certificate_is_told_and_not_shown(
    world: World, monkeypatch: pytest.MonkeyPatch, values: dict[str, str], words: str
) -> None:
    world.stage(NO_DESTINATION)
    monkeypatch.delenv("AICORE_CLIENT_SECRET")
    for name, value in values.items():
        monkeypatch.setenv(f"AICORE_{name}", value)
    said = world.cicd("plan", "dev")
    assert said.code == 4 and words in said.error, said.all
    assert not world.gate.requests


def test_a_wrong_destination_login_is_the_destinations(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tokens,) = world.gate.answers["POST /oauth/token"]

    def token(request: Request) -> Reply:
        assert callable(tokens)
        return BAD_CLIENT if "client_id=other" in request.body else tokens(request)

    world.gate.on("POST", "/oauth/token", token)
    monkeypatch.setenv("DESTINATION_CLIENT_ID", "other")
    said = world.cicd(*APPLY)
    assert said.code == 4 and "client secret in DESTINATION_* variables" in said.error
    assert not world.changes()
    monkeypatch.delenv("DESTINATION_CLIENT_SECRET")
    said = world.cicd(*APPLY)
    assert said.code == 4 and "DESTINATION_CLIENT_SECRET not set" in said.error
    said = world.cicd("doctor", "dev")
    assert said.code == 4 and said.out.count("DESTINATION_CLIENT_SECRET not set") == 1


def test_a_login_refused_once_is_renewed_without_a_word(world: World) -> None:
    path = "/v2/lm/configurations"
    world.gate.on("POST", path, EXPIRED, world.forward)
    said = world.cicd(*APPLY)
    assert said.code == 0, said.all
    assert "HTTP 401" not in said.all and "Jwt" not in said.all
    assert len(world.listed("configurations")) == 2
    assert world.cicd("plan", "dev", "--detailed-exitcode").code == 0


def test_a_login_revoked_in_the_middle_is_4_and_an_apply_goes_on_where_it_stood(
    world: World,
) -> None:
    tokens = world.gate.answers["POST /oauth/token"]

    def revoke(request: Request) -> Reply:
        world.gate.on("POST", "/oauth/token", BAD_CLIENT)
        world.gate.otherwise = EXPIRED
        return EXPIRED

    world.gate.on("POST", "/v2/lm/executions", revoke)
    world.stage(NO_DESTINATION)
    said = world.cicd(*APPLY, "--summary", "summary.json", "--log-format", "json")
    assert said.code == 4, said.all
    assert "refused the login" in said.out and "AICORE_* variables" in said.out
    summary = json.loads((world.folder / "summary.json").read_text())
    assert summary["result"] == "not_connected"
    assert {o["key"]: o["result"] for o in summary["outcomes"]}["execution/train"] == "failed"
    world.gate.answers["POST /oauth/token"] = tokens
    world.gate.on("POST", "/v2/lm/executions", world.forward)
    world.gate.otherwise = world.forward
    world.forget_lock()
    assert world.cicd(*APPLY).code == 0
    assert [run["status"] for run in world.listed("executions")] == ["COMPLETED"]


def test_another_failure_beside_a_refused_login_is_1(world: World) -> None:
    world.gate.on("POST", "/v2/lm/executions", EXPIRED)
    world.gate.on("POST", "/v2/lm/deployments", refused(400, "no such plan"))
    said = world.cicd(*APPLY, "--summary", "summary.json")
    assert said.code == 1, said.all
    assert json.loads((world.folder / "summary.json").read_text())["result"] == "failed"
    assert "cicd doctor looks into it" in said.out


def test_a_group_without_rights_is_4_by_name(world: World) -> None:
    world.make_group()
    for name in LISTS:
        world.gate.on("GET", f"/v2/lm/{name}", DENIED)
    for command in ("plan dev", "apply dev --auto-approve", *COMMANDS[:8], COMMANDS[9]):
        said = world.cicd(*command.split())
        assert said.code == 4, (command, said.all)
        assert said.err.count("\n") == 1
        assert "RBAC" in said.err and f'resource group "{world.group}"' in said.err
    doctor = world.cicd("doctor", "dev")
    assert doctor.code == 1 and "executions: no right (403)" in doctor.out
    assert not world.changes()


def test_an_admin_family_without_rights_leaves_the_rest_at_work(world: World) -> None:
    world.stage(NO_DESTINATION.replace("git: {", "# git: {"))
    world.make_group()
    world.gate.otherwise = lambda r: DENIED if "/admin/" in r.path else world.forward(r)
    said = world.cicd(*APPLY)
    assert said.code == 0, said.all
    assert world.cicd("plan", "dev", "--detailed-exitcode").code == 0
    assert world.cicd("status", "dev").code == 0
    doctor = world.cicd("doctor", "dev")
    assert doctor.code == 0 and "repositories: no right (403)" in doctor.out
    world.stage()
    said = world.cicd("plan", "dev")
    assert said.code == 4 and "cicd doctor shows what it may do" in said.error


SECRETS = """\
secrets:
  generic:
    - {name: one-GROUP, scope: tenant, data: {api-key: "${env.AICORE_CLIENT_SECRET}"}}
    - {name: all-GROUP, scope: all_resource_groups, data: {k: "${env.AICORE_CLIENT_SECRET}"}}
"""


@pytest.mark.parametrize(
    ("nouns", "failed"),
    [
        (["deployments"], ["deployment/serve"]),
        (["resourceGroups"], ["resource_group/GROUP"]),
        (["tenantSecrets"], ["generic_secret/one-GROUP"]),
        (["tenantWideSecrets"], ["generic_secret/all-GROUP"]),
    ],
)
def test_a_quota_that_is_exceeded_says_what_to_do(
    world: World, nouns: list[str], failed: list[str]
) -> None:
    world.quotas(**dict.fromkeys(nouns, 0))
    world.stage(STAGE + SECRETS if "Secrets" in nouns[0] else STAGE)
    said = world.cicd(*APPLY, "--summary", "summary.json")
    assert said.code == 1, said.all
    assert "Quota exceeded" in said.out and "ask for more in a ticket" in said.out
    outcomes = json.loads((world.folder / "summary.json").read_text())["outcomes"]
    assert [o["key"] for o in outcomes if o["result"] == "failed"] == [
        key.replace("GROUP", world.group) for key in failed
    ]


def test_a_group_that_is_being_made_is_waited_for(world: World) -> None:
    path = f"/v2/admin/resourceGroups/{world.group}"
    making = Reply(200, {"resourceGroupId": world.group, "status": "PROVISIONING"})
    left = [making, making]

    def look(request: Request) -> Reply:
        is_begun = bool(world.gate.sent("POST", "/v2/admin/resourceGroups"))
        return left.pop() if is_begun and left else world.forward(request)

    world.gate.on("GET", path, look)
    said = world.cicd(*APPLY)
    assert said.code == 0, said.all
    assert f"resource_group/{world.group} │ PROVISIONING" in said.err
    assert world.cicd("plan", "dev", "--detailed-exitcode").code == 0


def test_a_group_that_is_never_made_times_out_with_6(world: World, mocker: MockerFixture) -> None:
    world.quotas(resourceGroupStatus={world.group: "PROVISIONING"})
    hours = partial(execute, polling=QUICK, clock=lambda: time.monotonic() * 3_000)
    mocker.patch("cicd.apply.execute", hours)
    said = world.cicd(*APPLY, "--summary", "summary.json")
    assert said.code == 6, said.all
    assert "still PROVISIONING after 1800 s" in said.out and "apply again" in said.out
    assert json.loads((world.folder / "summary.json").read_text())["result"] == "timed_out"
    assert "PROVISIONING" in world.cicd("status", "dev").out


def test_a_group_in_error_is_1_with_the_platforms_text(world: World) -> None:
    world.quotas(resourceGroupStatus={world.group: "ERROR"})
    for _ in range(2):
        said = world.cicd(*APPLY)
        assert said.code == 1, said.all
        assert "ended as ERROR: Onboarding failed." in said.out
        assert "delete the group and create it again, or open a ticket" in said.out
    assert not world.gate.sent("POST", "/v2/lm/configurations")


@pytest.mark.parametrize(
    "text",
    [
        "application spec is invalid: app path does not exist",
        "application repo https://x is not permitted in project 'default'",
        "Unable to resolve 'main' to a commit SHA",
        "rpc error: code = FailedPrecondition desc = error converting YAML to JSON",
        "spec.source.repoURL and spec.source.path either spec.source.chart are required",
    ],
)
def test_a_sync_error_fails_at_once_with_its_text_and_a_cure(world: World, text: str) -> None:
    world.make_group()
    told = dict.fromkeys(("syncStatus", "healthStatus", "reconciledAt"), "Unknown")
    before = Reply(200, {**told, "source": {"revision": "a" * 40}})
    after = Reply(200, {**told, "message": text})
    world.gate.on("GET", "/v2/admin/applications/ops/status", before, before, after)
    said = world.cicd(*APPLY)
    assert said.code == 1, said.all
    assert text in said.out and "delete the application" in said.out
    assert not world.gate.sent("POST", "/v2/lm/configurations")
    plan = world.cicd("plan", "dev")
    assert plan.code == 0 and f"its last sync failed: {text}" in plan.out


def test_an_application_name_of_another_tenant_says_to_choose_another(world: World) -> None:
    git = "application: taken, repository: https://example.com/r.git"
    world.stage(STAGE.replace("application: ops", git))
    answer = refused(400, "application taken already exists")
    world.gate.on("POST", "/v2/admin/applications", answer)
    said = world.cicd(*APPLY)
    assert said.code == 1, said.all
    assert "another tenant has that name: choose another git.application" in said.out


def test_an_application_that_nothing_can_create_is_no_bug(world: World) -> None:
    world.stage(STAGE.replace("application: ops", "application: nowhere"))
    said = world.cicd(*APPLY)
    assert said.code == 1, said.all
    assert 'no application "nowhere"' in said.out and "set git.repository" in said.out


def newer(world: World) -> Callable[[Request], Reply]:
    """The emulator as of some years later: other words, more fields, finer times, other zones."""

    def answer(request: Request) -> Reply:
        reply = world.forward(request)
        if request.method != "GET" or not isinstance(reply.body, str):
            return reply
        body = re.sub(r'"status": ?"(COMPLETED|RUNNING)"', '"status": "HIBERNATED"', reply.body)
        body = re.sub(
            r'"(\w+At|\w+Time)": ?"([-\dT:]+)Z"', r'"\1": "\2.123456789+05:30", "new": [{}]', body
        )
        return Reply(reply.status, body, reply.headers)

    return answer


def test_words_of_a_newer_api_are_shown_and_never_a_success(world: World) -> None:
    world.stage(NO_DESTINATION)
    assert world.cicd(*APPLY).code == 0
    world.gate.otherwise = newer(world)
    for command in (*COMMANDS[:2], *COMMANDS[3:5]):
        said = world.cicd(*command.split())
        assert said.code == 0 and "HIBERNATED" in said.out, (command, said.all)
    (run,) = json.loads(world.cicd("executions", "dev", "--output", "json").out)["executions"]
    assert run["state"] == "UNKNOWN"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", run["created_at"])
    said = world.cicd("plan", "dev", "--detailed-exitcode")
    assert said.code == 2, said.all
    assert world.cicd("stop", "dev", "serve", "--auto-approve", "--no-wait").code == 0


def test_a_run_that_ends_in_a_word_not_known_is_waited_for_and_times_out(world: World) -> None:
    text = NO_DESTINATION
    for name in ("train", "serve"):
        text = text.replace(f"  - key: {name}\n", f"  - key: {name}\n    timeout: 1s\n")
    world.stage(text)
    world.gate.otherwise = newer(world)
    said = world.cicd(*APPLY)
    assert said.code == 6, said.all
    assert said.out.count("still HIBERNATED after 1 s") == 2


def test_a_model_that_is_not_there_is_3_and_nothing_is_sent(world: World) -> None:
    world.stage(
        "aicore: {resource_group: GROUP}\n"
        "deployments:\n"
        "  - configuration:\n"
        "      name: chat\n"
        "      scenario_id: foundation-models\n"
        "      executable_id: azure-openai\n"
        "      parameter_bindings: {modelName: gpt-4p, modelVersion: latest}\n"
    )
    for command in (("plan", "dev"), APPLY):
        said = world.cicd(*command)
        assert said.code == 3, said.all
        assert "stages/dev.yaml:" in said.err and 'no model "gpt-4p"' in said.err
        assert 'did you mean "gpt-4o"' in said.err
    assert not world.changes()


def test_secrets_are_in_nothing_that_is_written(world: World) -> None:
    secrets = SECRETS + (
        "  docker_registry:\n"
        '    - {name: hub-GROUP, data: {.dockerconfigjson: "${env.DOCKER}"}}\n'
        "  object_store:\n"
        "    - {name: default, type: S3, bucket: b, data: {AWS_ACCESS_KEY_ID: "
        '"${env.AICORE_CLIENT_SECRET}", AWS_SECRET_ACCESS_KEY: "${env.AICORE_CLIENT_SECRET}"}}\n'
    )
    world.stage(STAGE + secrets)
    out = world.folder / "written"
    out.mkdir()

    def echo(request: Request) -> Reply:
        return refused(400, f"cannot store {request.body}")

    for path in ("secrets", "dockerRegistrySecrets", "objectStoreSecrets"):
        world.gate.on("POST", f"/v2/admin/{path}", echo)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER", json.dumps({"auths": {"h": {"auth": SECRET}}}))
        assert world.cicd("plan", "dev", "-v", "--out", "written/plan.json").code == 0
        for kind in ("json", "markdown", "html"):
            (out / kind).write_text(world.cicd("plan", "dev", "-v", "--output", kind).out)
        saved = ("--plan", "written/plan.json", "--summary", "written/summary.json")
        said = world.cicd("apply", "dev", *saved, "-v", "--log-format", "json")
        assert said.code == 1 and "cannot store" in said.out, said.all
    shown = said.all + "".join(file.read_text() for file in out.iterdir())
    # also not as it was sent: values of generic secrets travel in base64
    assert "canary" not in shown and base64.b64encode(SECRET.encode()).decode() not in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_applied_yet_is_an_answer_or_one_clear_line(world: World, command: str) -> None:
    world.stage(STAGE.replace("hello", "salve"), name="tst")
    for options in ((), ("-v",), ("-q", "--no-color"), ("--log-format", "json")):
        said = world.cicd(*command.split(), *options)
        assert said.code in {0, 1} or command.startswith("promote"), said.all
        if said.code and "json" in options:
            events = [json.loads(line) for line in said.err.splitlines()]
            assert events[-1]["level"] == "error" and events[-1]["exit_code"] == said.code
        elif said.code:
            assert said.error.startswith("error: ") and said.error.endswith(")")
    (world.folder / "stages/tst.yaml").unlink()


@pytest.mark.parametrize("command", COMMANDS[:9])
def test_an_unknown_stage_or_key_is_one_line_and_nothing_is_sent(
    world: World, command: str
) -> None:
    said = world.cicd(*command.replace(" dev", " dve").split(), "--local")
    assert said.code == 3 and 'did you mean "dev"?' in said.err
    assert not (world.folder / ".cicd/emulator").exists(), "no emulator was started"
    assert not world.gate.requests
    wrong = command.replace(" train", " trian").replace(" serve", " srve")
    if wrong != command:
        said = world.cicd(*wrong.split())
        assert said.code == 64 and said.err.count("\n") == 1, said.all
        assert "(did you mean " in said.err or "(it has" in said.err


@pytest.mark.parametrize(
    "command",
    [
        "stop dev serve",
        "rollback dev serve",
        "apply dev --rerun execution/train",
        "promote dev tst",
    ],
)
def test_without_a_terminal_nobody_says_yes(world: World, command: str) -> None:
    world.stage(STAGE.replace("hello", "first"))
    assert world.cicd(*APPLY).code == 0
    with world.client.world.store.transaction() as db:
        # times are whole seconds, and nobody wants to wait for the next one
        sql = (
            "UPDATE configurations SET created_at = '2026-01-01T00:00:00Z' WHERE resource_group = ?"
        )
        db.execute(sql, (world.group,))
    world.stage()
    assert world.cicd(*APPLY).code == 0
    world.stage(STAGE.replace("hello", "salve"), name="tst")
    world.gate.requests.clear()
    said = world.cicd(*command.split())
    assert said.code == 5, said.all
    assert "nobody is there to say yes (add --" in said.error
    assert not world.changes()
    (world.folder / "stages/tst.yaml").unlink()


def test_a_reader_who_goes_ends_it_without_a_word(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``cicd … | head -1``, where head has gone before the first line."""
    assert world.cicd(*APPLY).code == 0
    for command in (*COMMANDS[:9], COMMANDS[9], "plan dev", "executions dev --output json"):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w", encoding="utf-8") as pipe, monkeypatch.context() as patch:
            patch.setattr("sys.stdout", pipe)
            words = command.replace("GROUP", world.group).split()
            assert root.execute(words) == root.BROKEN_PIPE, command
        assert world.capture
        assert not world.capture.readouterr().err, command
    (world.folder / "stages/new.yaml").unlink()


def test_25000_artifacts_and_configurations_and_ours_are_the_last(world: World) -> None:
    world.stage(NO_DESTINATION)
    assert world.cicd(*APPLY).code == 0
    # all older than ours, and so alike that only what they bind tells them from ours
    numbers = range(-25_000, -2)
    with world.client.world.store.transaction() as db:
        db.executemany(
            "INSERT INTO artifacts (number, id, resource_group, name, kind, url, scenario_id, "
            "labels, created_at) VALUES (?, ?, ?, 'Churn data', 'dataset', 'ai://default/x', "
            "'churn', '{}', '2026-01-01T00:00:00Z')",
            [(n, f"{world.group}-a{n}", world.group) for n in numbers],
        )
        db.executemany(
            "INSERT INTO configurations (number, id, resource_group, name, scenario_id, "
            "executable_id, parameters, inputs, created_at) VALUES (?, ?, ?, 'churn-serving', "
            "'churn', 'serve', '{}', '{}', '2026-01-01T00:00:00Z')",
            [(n, f"{world.group}-c{n}", world.group) for n in numbers],
        )
    before = {kind: world.number(kind) for kind in ("artifacts", "configurations")}
    assert min(before.values()) >= 25_000
    world.gate.requests.clear()
    said = world.cicd(*APPLY)
    assert said.code == 0, said.all
    assert not world.changes()
    for kind, count in before.items():
        assert [request.query for request in world.gate.sent("GET", f"/v2/lm/{kind}")] == [
            {"$top": "10000"},
            {"$top": "10000", "$skip": "10000"},
            {"$top": "10000", "$skip": "20000"},
        ]
        assert world.number(kind) == count


LOCAL = {
    "status dev": 0,
    "executions dev": 0,
    "artifacts dev": 0,
    "metrics dev train": 1,
    "compare dev train": 1,
    "stop dev train": 0,
    "rollback dev serve": 1,
    "doctor dev": 0,
    "import new --resource-group small-dev": 1,
    "stop dev nothing": 64,
    "rollback dev nothing": 64,
    "metrics dev nothing": 64,
    "compare dev nothing": 64,
}


def test_local_commands_with_nothing_applied_yet(
    small: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also with a login of a real account around, which must not matter."""
    monkeypatch.chdir(small.root)
    monkeypatch.setenv("HOME", str(small.root.parent / "home"))
    monkeypatch.setenv("AICORE_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("AICORE_BASE_URL", "https://nowhere.invalid")
    for command, code in LOCAL.items():
        assert root.execute([*command.split(), "--local", "--log-format", "json"]) == code, command
        said = capsys.readouterr()
        assert "canary" not in said.out + said.err and "nowhere" not in said.out + said.err
        events = [json.loads(line) for line in said.err.splitlines()]
        assert code == (events[-1]["exit_code"] if code else 0), command


def test_what_a_destroy_has_deleted_has_no_status_and_a_second_one_finds_nothing(
    world: World,
) -> None:
    assert world.cicd(*APPLY).code == 0
    destroy = ("destroy", "dev", "--yes", "--stage-name", "dev")
    said = world.cicd(*destroy, "--summary", "summary.json")
    assert said.code == 0, said.all
    document = json.loads((world.folder / "summary.json").read_text("utf-8"))
    gone = [item for item in document["outcomes"] if item["action"] == "delete"]
    assert gone and {(item["status"], item["url"]) for item in gone} == {("", "")}
    for word in ("PROVISIONED", "Synced", "COMPLETED", "RUNNING", "unchanged"):
        assert word not in said.out
    # what goes with the group, or is kept, is named
    assert "= configuration/train (goes with the resource group)" in said.out
    again = world.cicd(*destroy)
    assert again.code == 0, again.all
    assert again.out.splitlines()[-1].startswith("Nothing to destroy")
    assert "as desired" not in again.out
