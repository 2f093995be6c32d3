"""Fault rules: which request they hit, exactly, and what a client then sees."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from cicd.cli.root import execute
from cicd.emulator.api.table import OPERATIONS
from cicd.emulator.errors import ApiError
from cicd.emulator.faults import rules
from cicd.emulator.faults.judge import Asked, Faults
from cicd.emulator.host.folder import write_endpoint
from tests.emulator.emulator_client import (
    Client,
    commit,
    onboard,
    running,
    synced,
    template_files,
    wait_for,
)

Add = Callable[..., str]
CONFIGURATIONS = "/v2/lm/configurations"
DEPLOYMENTS = "/v2/lm/deployments"

CALL = "inference.call"
KNOWN = {each.name for each in OPERATIONS}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faulty") / "data"


@pytest.fixture(scope="module")
def emulator(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    repository = tmp_path_factory.mktemp("repository")
    commit(repository, template_files())
    with running(folder) as client:
        onboard(client, repository)
        synced(client)
        yield client


@pytest.fixture
def add(emulator: Client) -> Iterator[Add]:
    def add(**rule: Any) -> str:
        added = emulator.send("POST", "/emulator/faults", rule, status=201).json()
        return str(added["rules"][0]["id"])

    yield add
    emulator.send("DELETE", "/emulator/faults", status=200)
    emulator.issued = ""


def fetch_token(client: Client) -> str:
    """A token as clients get it."""
    known = client.world.credentials
    login = (known.client_id, known.client_secret)
    form = {"grant_type": "client_credentials"}
    answer = client.session.post(f"{client.url}/oauth/token", form, auth=login, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def shown(client: Client) -> Any:
    return client.get("/emulator/faults")["rules"]


def configurations(client: Client) -> set[str]:
    return {found["id"] for found in client.get(CONFIGURATIONS)["resources"]}


# which request -------------------------------------------------------------------------------


def asked(operation: str = "artifact.list", method: str = "GET", path: str = "/v2/x") -> Asked:
    return Asked(method, path, path, operation, "default")


def hits(rule: dict[str, Any], number: int) -> list[int]:
    """Which of so many equal requests a rule fires at, counted from 1."""
    faults = Faults()
    faults.add([rules.read({**rule, "reset": True}, KNOWN)])
    return [n for n in range(1, number + 1) if faults.judge(asked()).value("reset")]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"times": 2}, [1, 2]),
        ({"after": 3}, [4, 5, 6, 7]),
        ({"after": 3, "times": 1}, [4]),
        ({"every": 3}, [1, 4, 7]),
        ({"after": "2", "every": "2", "times": "2"}, [3, 5]),
        ({"probability": 0}, []),
        ({"method": "post"}, []),
        ({"path": "/v2/*", "times": 1}, [1]),
        ({"path": "/v1/*"}, []),
        ({"operation": "artifact.*", "times": 1}, [1]),
        ({"operation": "*.create"}, []),
        ({"kind": "artifact", "times": 1}, [1]),
        ({"kind": "deployment"}, []),
        ({"resource_group": "other"}, []),
    ],
)
def test_when_a_rule_fires(rule: dict[str, Any], expected: list[int]) -> None:
    assert hits(rule, 7) == expected


def test_chance_is_the_same_for_the_same_seed() -> None:
    half = hits({"probability": 0.5, "seed": 3}, 200)
    assert half == hits({"probability": 0.5, "seed": 3}, 200)
    assert half != hits({"probability": 0.5, "seed": 4}, 200)
    assert 60 < len(half) < 140


def test_counting_is_exact_however_many_come_at_once() -> None:
    faults = Faults()
    faults.add([rules.read({"after": 500, "times": 1, "reset": True}, KNOWN)])
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda _: faults.judge(asked()), range(1000)))
    hit = [verdict for verdict in verdicts if verdict.value("reset")]
    assert [verdict.request.number for verdict in hit if verdict.request] == [501]
    assert len({verdict.request.number for verdict in verdicts if verdict.request}) == 1000


def test_exactly_one_of_many_real_requests_is_hit(emulator: Client, add: Add) -> None:
    add(path="/v2/lm/*", after=20, times=1, status=503)
    emulator.send("DELETE", "/emulator/requests", status=200)
    headers = {"Authorization": f"Bearer {emulator.token()}", "AI-Resource-Group": "default"}

    def ask(_: int) -> int:
        return requests.get(emulator.url + DEPLOYMENTS, headers=headers, timeout=9).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(ask, range(40)))
    assert sorted(statuses) == [200] * 39 + [503]
    recorded = emulator.get("/emulator/requests")["requests"]
    assert [each["number"] for each in recorded] == list(range(1, 41))
    assert [each["number"] for each in recorded if each["status"] == 503] == [21]


def test_of_two_rules_with_one_effect_the_older_wins_and_others_add() -> None:
    faults = Faults()
    sources = [{"status": 503}, {"status": 500, "slow": 1}]
    faults.add([rules.read(source, KNOWN) for source in sources])
    verdict = faults.judge(asked())
    assert (verdict.value("status"), verdict.value("slow")) == (503, 1)
    assert verdict.request and verdict.request.faults == ("f1", "f2")


def test_runs_and_the_emulators_own_paths_are_not_counted() -> None:
    faults = Faults()
    faults.add([rules.read({"reset": True}, KNOWN)])
    for path in ("/emulator/faults", "/tracking/secret/api/v1/metrics"):
        assert not faults.judge(asked(path=path)).effects
    assert faults.requests() == []
    faults.add([rules.read({"path": "/tracking/*", "status": 500}, KNOWN)])
    assert faults.judge(asked(path="/tracking/secret/api/v1/metrics")).value("status") == 500
    assert faults.requests() == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ([], "must be an object"),
        ({}, "needs an effect"),
        ({"reset": False}, "needs an effect"),
        ({"stauts": 500}, "did you mean 'status'"),
        ({"status": 9}, "a whole number from 200 to 599"),
        ({"status": True}, "a whole number"),
        ({"slow": "soon"}, "a number from 0"),
        ({"slow": "nan"}, "a number from 0"),
        ({"lost": "maybe"}, "one of reset, 500, 502, 503, 504"),
        ({"times": 0, "reset": True}, "a whole number from 1"),
        ({"message": "x"}, "message needs status"),
        ({"operation": "deployment.creat", "reset": True}, "did you mean 'deployment.create'"),
        ({"kind": "deploymnt", "reset": True}, "did you mean 'deployment'"),
        ({"tokens": "gone"}, "one of expired, revoked"),
        ({"skew": "1e99"}, "a number from"),
        ({"shuffle": "yes"}, "true or false"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: Any, words: str) -> None:
    with pytest.raises(ApiError, match=words):
        rules.read(rule, KNOWN)


@pytest.mark.parametrize(
    ("method", "path", "template", "operation"),
    [
        ("GET", "/v2/lm/deployments/d1", "/v2/lm/deployments/{id}", "deployment.get"),
        ("GET", "/v2/lm/deployments/$count", "/v2/lm/deployments/$count", "deployment.count"),
        ("PATCH", "/v2/lm/deployments", "/v2/lm/deployments", "deployment.bulk"),
        ("HEAD", "/v2/lm/deployments/d1", "/v2/lm/deployments/d1", "unknown"),
        ("GET", "/v2/lm/executions/e1/logs", "/v2/lm/executions/{id}/logs", "execution.logs"),
        ("GET", "/v2/lm/dataset/files/a/b.csv", "/v2/lm/dataset/files/{path:path}", "file.get"),
        ("POST", "/v2/inference/deployments/d1/v1/x", "/v2/inference/deployments/{id}", CALL),
        ("GET", "/v2/inference/deployments/d1", "/v2/inference/deployments/{id}", CALL),
        ("POST", "/v2/nothing", "/v2/nothing", "unknown"),
        ("DELETE", "/v2/lm/meta", "/v2/lm/meta", "unknown"),
        ("GET", "/s3/bucket/key", "/s3/bucket/key", "unknown"),
    ],
)
def test_requests_are_told_apart_by_their_operation(
    emulator: Client, method: str, path: str, template: str, operation: str
) -> None:
    emulator.send("DELETE", "/emulator/requests", status=200)
    emulator.session.request(method, emulator.url + path, timeout=30)
    [seen] = emulator.get("/emulator/requests")["requests"]
    assert (seen["path"], seen["operation"]) == (template, operation)


def test_every_operation_has_the_name_of_a_kind_and_a_verb() -> None:
    for each in OPERATIONS:
        assert re.fullmatch("[a-z_-]+\\.[a-z]+", each.name), each
    assert {"deployment.create", "application.refresh", "deployment.bulk"} <= KNOWN
    ours = {each.name for each in OPERATIONS if each.path.startswith("/emulator/")}
    assert "clock.update" in ours


def test_requests_are_recorded(emulator: Client, add: Add) -> None:
    emulator.send("DELETE", "/emulator/requests", status=200)
    rule = add(operation="artifact.create", status=503)
    emulator.get(CONFIGURATIONS)
    emulator.send("POST", "/v2/lm/artifacts", {}, status=503)
    emulator.send("GET", f"{DEPLOYMENTS}/d123456", status=404)
    assert emulator.get("/emulator/requests")["requests"] == [
        {"number": 1, "method": "GET", "path": CONFIGURATIONS,
         "operation": "configuration.list", "status": 200, "faults": []},
        {"number": 2, "method": "POST", "path": "/v2/lm/artifacts",
         "operation": "artifact.create", "status": 503, "faults": [rule]},
        {"number": 3, "method": "GET", "path": f"{DEPLOYMENTS}/{{id}}",
         "operation": "deployment.get", "status": 404, "faults": []},
    ]  # fmt: skip


def test_nobody_without_a_token_makes_rules(emulator: Client) -> None:
    for method, path in (("POST", "faults"), ("GET", "faults"), ("DELETE", "faults"),
                         ("GET", "requests"), ("PUT", "realism")):  # fmt: skip
        headers = {"Authorization": None}
        emulator.send(method, f"/emulator/{path}", {}, headers=headers, status=403)


# what then -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "content_type", "text"),
    [
        ({"status": 503}, "application/json", '"message":"no healthy upstream"'),
        ({"status": 401}, "text/plain", "Jwt is expired"),
        ({"status": 429, "retry_after": 7}, "application/json", "Too many requests"),
        ({"status": 502, "body": "html"}, "text/html", "<h1>502 Bad Gateway</h1>"),
        ({"status": 500, "body": "truncated"}, "application/json", '{"error":{'),
        ({"status": 500, "body": "not-json"}, "application/json", "this is not JSON"),
        ({"status": 500, "body": "empty"}, "application/json", ""),
        ({"status": 412, "code": "C7", "message": "no way"}, "application/json", '"code":"C7"'),
        ({"quota": True}, "application/json", "01010429"),
        ({"status": 204}, "application/json", ""),
        ({"body": "truncated"}, "application/json", '{"count'),
        ({"body": "not-json"}, "application/json", "this is not JSON"),
    ],
)
def test_answers(
    emulator: Client, add: Add, rule: dict[str, Any], content_type: str, text: str
) -> None:
    add(operation="configuration.list", times=1, **rule)
    answer = emulator.send("GET", CONFIGURATIONS)
    assert answer.status_code == rule.get("status", 400 if "quota" in rule else 200)
    assert answer.headers["content-type"].startswith(content_type)
    assert answer.headers.get("retry-after") == ("7" if "retry_after" in rule else None)
    assert text in answer.text
    if rule.get("body") == "truncated":
        with pytest.raises(ValueError):
            answer.json()
    emulator.get(CONFIGURATIONS)


@pytest.mark.parametrize("lost", ["reset", 504])
def test_an_answer_is_lost_after_the_effect(emulator: Client, add: Add, lost: Any) -> None:
    before = configurations(emulator)
    add(operation="configuration.create", times=1, lost=lost)
    body = {"name": "lost", "scenarioId": "churn", "executableId": "serve"}
    if lost == "reset":
        with pytest.raises(requests.ConnectionError):
            emulator.send("POST", CONFIGURATIONS, body)
    else:
        assert "upstream request timeout" in emulator.send("POST", CONFIGURATIONS, body).text
    assert len(configurations(emulator) - before) == 1
    recorded = [each for each in emulator.get("/emulator/requests")["requests"] if each["faults"]]
    assert recorded[-1]["status"] == (0 if lost == "reset" else 504)


def test_a_reset_comes_before_the_effect(emulator: Client, add: Add) -> None:
    before = configurations(emulator)
    add(method="POST", path="/v2/lm/*", reset=True, times=1)
    with pytest.raises(requests.ConnectionError):
        emulator.configuration("serve")
    assert configurations(emulator) == before
    emulator.configuration("serve")


def test_slow(emulator: Client, add: Add) -> None:
    add(operation="configuration.list", slow=0.05, slow_after=0.05)
    begun = time.monotonic()
    emulator.get(CONFIGURATIONS)
    assert time.monotonic() - begun >= 0.1


def test_stale_reads_show_the_past_until_they_are_cleared(emulator: Client, add: Add) -> None:
    before = configurations(emulator)
    rule = add(kind="configuration", stale=60)
    made = emulator.configuration("serve")
    assert configurations(emulator) == before
    emulator.send("GET", f"{CONFIGURATIONS}/{made}", status=404)
    emulator.send("DELETE", f"/emulator/faults/{rule}", status=200)
    assert configurations(emulator) == before | {made}
    # no time at all is no staleness
    rule = add(kind="configuration", stale=0)
    made = emulator.configuration("serve")
    assert made in configurations(emulator)
    # each write is late by itself, and no later than that: what was there before is there
    emulator.send("DELETE", f"/emulator/faults/{rule}", status=200)
    add(kind="configuration", stale=0.3)
    late = emulator.configuration("serve")
    deadline = time.monotonic() + 10
    while late not in (found := configurations(emulator)):
        assert made in found and time.monotonic() < deadline


def test_lists_change_their_order_between_pages(emulator: Client, add: Add) -> None:
    for _ in range(8):
        emulator.configuration("serve")
    whole = [each["id"] for each in emulator.get(CONFIGURATIONS)["resources"]]
    add(operation="configuration.list", shuffle=True)
    first = emulator.get(f"{CONFIGURATIONS}?$top=4")
    assert (first["count"], len(first["resources"])) == (4, 4)
    again = [each["id"] for each in emulator.get(CONFIGURATIONS)["resources"]]
    assert again != whole
    assert sorted(again) == sorted(whole)


def test_a_token_expires_until_a_new_one_is_fetched(emulator: Client, add: Add) -> None:
    emulator.issued = old = fetch_token(emulator)
    add(operation="configuration.list", times=1, tokens="expired")
    answer = emulator.send("GET", CONFIGURATIONS, status=401)
    assert answer.text == "Jwt is expired"
    emulator.send("GET", DEPLOYMENTS, status=401)
    emulator.issued = fetch_token(emulator)
    emulator.send("GET", CONFIGURATIONS, status=200)
    emulator.issued = old
    emulator.send("GET", CONFIGURATIONS, status=401)


def test_all_tokens_are_revoked(emulator: Client, add: Add) -> None:
    old, other = fetch_token(emulator), fetch_token(emulator)
    add(times=1, tokens="revoked")
    for token in (old, other):
        emulator.issued = token
        emulator.send("GET", CONFIGURATIONS, status=401)
    emulator.issued = fetch_token(emulator)
    emulator.send("GET", CONFIGURATIONS, status=200)


def test_the_token_endpoint_is_down(emulator: Client, add: Add) -> None:
    add(operation="token.create", status=503, times=1)
    with pytest.raises(requests.HTTPError, match="503"):
        fetch_token(emulator)
    fetch_token(emulator)


def test_an_update_of_a_deployment_is_undone(emulator: Client, add: Add) -> None:
    deployment = emulator.deploy("one")
    path = f"{DEPLOYMENTS}/{deployment}"
    first = emulator.wait(path, "RUNNING")["configurationId"]
    add(operation="deployment.update", rollback=True, times=1)
    other = {"configurationId": emulator.configuration("serve", greeting="two")}
    emulator.send("PATCH", path, other, status=202)
    after = emulator.wait(path, "RUNNING")
    assert after["configurationId"] == after["latestRunningConfigurationId"] == first
    emulator.send("PATCH", path, other, status=202)
    assert emulator.wait(path, "RUNNING")["configurationId"] == other["configurationId"]


def test_a_deployment_is_stuck_and_another_dies(emulator: Client, add: Add) -> None:
    add(operation="deployment.create", times=1, stuck=True)
    stuck = emulator.deploy()
    add(operation="deployment.create", times=1, dies=0.05)
    dying = emulator.deploy()
    dead = emulator.wait(f"{DEPLOYMENTS}/{dying}", "DEAD")
    assert "OOMKilled" in dead["statusMessage"]
    assert emulator.get(f"{DEPLOYMENTS}/{stuck}")["status"] == "PENDING"
    emulator.send("PATCH", f"{DEPLOYMENTS}/{stuck}", {"targetStatus": "STOPPED"}, status=202)
    emulator.wait(f"{DEPLOYMENTS}/{stuck}", "STOPPED")


def test_somebody_else_deletes_what_a_request_names(emulator: Client, add: Add) -> None:
    deployment = emulator.deploy()
    path = f"{DEPLOYMENTS}/{deployment}"
    emulator.wait(path, "RUNNING")
    add(path=path, after=1, times=2, vanish=True)
    emulator.send("GET", path, status=200)
    # nothing happens without a token
    emulator.send("GET", path, headers={"Authorization": "Bearer x"}, status=401)
    assert deployment in {each["id"] for each in emulator.get(DEPLOYMENTS)["resources"]}
    emulator.send("GET", path, status=404)
    assert deployment not in {each["id"] for each in emulator.get(DEPLOYMENTS)["resources"]}
    body = {"name": "secret", "data": {"key": "dmFsdWU="}}
    emulator.send("POST", "/v2/admin/secrets", body, status=200)
    add(operation="secret.update", vanish=True)
    emulator.send("PATCH", "/v2/admin/secrets/secret", body, status=404)


def lines(client: Client, path: str) -> list[str]:
    return [each["msg"] for each in client.get(path)["data"]["result"]]


def test_logs_have_gaps_that_close(emulator: Client, add: Add) -> None:
    execution = emulator.execute("hang")
    emulator.wait(f"/v2/lm/executions/{execution}", "RUNNING")
    path = f"/v2/lm/executions/{execution}/logs"
    whole = wait_for(lambda: lines(emulator, path), lambda found: len(found) == 3)
    add(operation="execution.logs", log_gaps=True, seed=2)
    first, second = lines(emulator, path), lines(emulator, path)
    assert 0 < len(first) < 3
    assert first[-1] == whole[-1]
    assert second == whole


def test_logs_come_twice_and_out_of_order(emulator: Client, add: Add) -> None:
    execution = emulator.execute()
    path = f"/v2/lm/executions/{execution}/logs"
    whole = wait_for(lambda: lines(emulator, path), lambda found: len(found) == 3)
    add(operation="execution.logs", log_noise=True, seed=1)
    noisy = [lines(emulator, path) for _ in range(5)]
    assert all(set(each) == set(whole) for each in noisy)
    assert any(len(each) > 3 for each in noisy)
    assert any(each != sorted(each) for each in noisy)


def test_another_clock(emulator: Client, add: Add) -> None:
    execution = emulator.execute()
    path = f"/v2/lm/executions/{execution}"
    right = emulator.wait(path, "COMPLETED")
    log = emulator.get(f"{path}/logs")["data"]["result"]
    add(skew=-86400)
    wrong = emulator.send("GET", path, status=200)
    assert wrong.json()["createdAt"] < right["createdAt"]
    assert wrong.json()["createdAt"][10:] == right["createdAt"][10:]
    assert wrong.json()["id"] == right["id"]
    # what a client wrote is not the server's to move
    mine = [{"key": "ext.ai.sap.com/until", "value": right["createdAt"]}]
    emulator.send("POST", "/v2/admin/secrets", {"name": "dated", "data": {}, "labels": mine})
    assert emulator.get("/v2/admin/secrets/dated")["labels"] == mine
    assert abs(parsedate_to_datetime(wrong.headers["date"]).timestamp() + 86400 - time.time()) < 60
    # the window of a client with that clock is moved as well
    moved = emulator.get(f"{path}/logs?start=2000-01-01T00:00:00Z")["data"]["result"]
    assert [each["timestamp"][10:] for each in moved] == [each["timestamp"][10:] for each in log]
    assert moved[0]["timestamp"] < log[0]["timestamp"]


def test_faults_reach_inference_as_well(emulator: Client, add: Add) -> None:
    deployment = emulator.deploy()
    emulator.wait(f"{DEPLOYMENTS}/{deployment}", "RUNNING")
    path = f"/v2/inference/deployments/{deployment}/v1/ask"
    emulator.send("GET", path, status=200)
    add(operation="inference.call", status=429, retry_after=1, times=1)
    emulator.send("GET", path, status=429)
    emulator.send("GET", path, status=200)


# the command ---------------------------------------------------------------------------------


@pytest.fixture
def cli(
    emulator: Client, folder: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str]]]:
    """``cicd emulator faults …`` in this process, for the emulator that runs here."""
    write_endpoint(folder, emulator.url)

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        command, *rest = arguments
        code = execute(["emulator", "faults", command, "--data", str(folder), *rest])
        said = capsys.readouterr()
        return code, said.out + said.err

    yield run
    emulator.send("DELETE", "/emulator/faults", status=200)


def test_the_command_adds_lists_and_clears(
    emulator: Client, cli: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    code, said = cli("add", "--operation", "artifact.*", "--times", "1", "status=503", "body=html")
    assert code == 0
    rule = said.split()[0]
    emulator.send("GET", "/v2/lm/artifacts", status=503)
    assert (
        f"{rule}  operation=artifact.* times=1 status=503 body=html  (matched 1, fired 1)"
        in (cli("list")[1])
    )
    file = tmp_path / "rules.yaml"
    file.write_text("- {operation: token.create, slow: 0.1}\n- {path: /v2/x, reset: true}\n")
    assert cli("add", "--file", str(file))[0] == 0
    assert [each["path"] for each in shown(emulator) if "path" in each] == ["/v2/x"]
    assert len(json.loads(cli("list", "--output", "json")[1])) == 3
    assert cli("clear", rule) == (0, f"cleared: {rule}\n")
    assert cli("clear")[0] == 0
    assert cli("list") == (0, "no fault rules\n")


def test_the_command_says_what_is_wrong(
    cli: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    assert cli("add", "stat=5") == (
        64,
        "error: unknown 'stat' in a fault rule (did you mean 'status'?)\n",
    )
    assert cli("clear", "f999")[0] == 64
    file = tmp_path / "rules.yaml"
    file.write_text("a: [")
    code, said = cli("add", "--file", str(file))
    assert (code, "neither YAML nor JSON" in said) == (64, True)
    assert cli("add", "--file", str(file), "reset")[0] == 64
    assert cli("add", "--file", str(tmp_path / "none.yaml"))[0] == 1


def test_the_help_names_every_effect(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["emulator", "faults", "add", "--help"]) == 0
    said = capsys.readouterr().out
    assert [effect for effect in rules.EFFECTS if effect not in said] == []
