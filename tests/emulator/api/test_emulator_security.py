"""Who is not let in: every operation without a token that is good for it does nothing at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests

from cicd.emulator.api.lm.inference import METHODS
from cicd.emulator.api.table import OPERATIONS
from cicd.emulator.host.server import HOST
from tests.emulator.emulator_client import Client

OPEN = {
    ("GET", "/emulator/health"),
    ("GET", "/oauth/token"),
    ("POST", "/oauth/token"),
    # a run's own token is in the path
    ("GET", "/tracking/{token}/api/v1/metrics"),
    ("PATCH", "/tracking/{token}/api/v1/metrics"),
    ("DELETE", "/tracking/{token}/api/v1/metrics"),
}
INFERENCE = "/v2/inference/deployments/{id}/v1/x"
EVERYTHING = [
    *((operation.method, operation.path, operation.guard) for operation in OPERATIONS),
    *((method, INFERENCE, "group") for method in METHODS),
]
NAMES = {"group": "default", "scenario": "churn", "resourceGroupId": "default"}


@pytest.fixture(scope="module")
def busy(shared_ready: Client) -> Client:
    """An emulator with something of everything that could be changed."""
    client = shared_ready
    deployment, execution = client.deploy(), client.execute("hang")
    client.wait(f"/v2/lm/deployments/{deployment}", "RUNNING")
    client.wait(f"/v2/lm/executions/{execution}", "RUNNING")
    client.send("POST", "/emulator/faults", {"path": "/nowhere", "status": 500}, status=201)
    return client


def state(client: Client) -> list[str]:
    """All that is stored, in files too."""
    store = client.world.store
    tables = store.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    found = [
        f"{table['name']} {tuple(row)}"
        for table in tables
        for row in store.rows(f"SELECT * FROM {table['name']}")
        if table["name"] != "applications"
    ]
    found += [str(rule.show()["id"]) for rule in client.world.faults.states()]
    return [*found, client.world.pace.level, f"{client.world.clock.ahead:.1f}"]


def path_of(template: str) -> str:
    return re.sub(r"\{([^}:]+)[^}]*\}", lambda found: NAMES.get(found[1], "default"), template)


def test_only_these_need_no_token() -> None:
    open_to_all = {(method, path) for method, path, guard in EVERYTHING if guard == "none"}
    assert open_to_all == OPEN


@pytest.fixture
def untouched(busy: Client) -> Iterator[Client]:
    before = state(busy)
    yield busy
    assert state(busy) == before


def test_nothing_happens_without_a_good_token(untouched: Client) -> None:
    credentials = untouched.world.credentials
    right = {
        "destination": credentials.issue("destination", issuer="x"),
        "aicore": credentials.issue("aicore", issuer="x"),
    }
    right["group"] = right["aicore"]
    # for a client of AI Core that of the Destination service is wrong, and the other way round
    other = {"destination": "aicore", "aicore": "destination", "group": "destination"}
    head, _, signature = right["aicore"].rpartition(".")
    unsigned = "eyJhbGciOiAibm9uZSJ9." + head.split(".")[1] + "."
    for method, template, guard in EVERYTHING:
        if guard == "none":
            continue
        wrong = {
            "none": None,
            "basic": "Basic eDp5",
            "expired": f"Bearer {credentials.issue('aicore', issuer='x', lifetime=-1)}",
            "other": f"Bearer {right[other[guard]]}",
            "forged": f"Bearer {head}.{signature[::-1]}",
            "unsigned": f"Bearer {unsigned}",
        }
        for what, value in wrong.items():
            headers = {"Authorization": value}
            answer = untouched.send(method, path_of(template), {}, headers=headers)
            assert answer.status_code in (401, 403), (method, template, what, answer.text)
        if guard == "group":
            for group in (None, "", "unknown", "default,default"):
                named = {"AI-Resource-Group": group}
                answer = untouched.send(method, path_of(template), {}, headers=named)
                assert answer.status_code == 403, (method, template, group, answer.text)


def test_a_tracking_endpoint_is_for_its_own_run(untouched: Client) -> None:
    rows = untouched.world.store.rows("SELECT token, kind FROM runs")
    mine = next(row["token"] for row in rows if row["kind"] == "execution")
    metrics = {"executionId": "another1", "metrics": [{"name": "m", "value": 1}]}
    untouched.send("PATCH", "/tracking/wrong/api/v1/metrics", metrics, status=404)
    untouched.send("PATCH", f"/tracking/{mine}/api/v1/metrics", metrics, status=400)
    # it opens nothing else
    headers = {"Authorization": f"Bearer {mine}"}
    untouched.send("GET", "/v2/lm/executions", headers=headers, status=401)


def test_it_listens_on_the_loopback_interface_only(busy: Client) -> None:
    assert HOST == "127.0.0.1"
    assert busy.url.startswith("http://127.0.0.1:")
    port = busy.url.rpartition(":")[2]
    # the whole of 127.0.0.0/8 is this machine, but only one address was asked for
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.2:{port}/emulator/health", timeout=5)
