"""Requests made up from AI Core's OpenAPI document get only answers that it documents.

A few examples of each operation, the same ones each time. Many, and other ones each time:
``AI_CORE_API_EXAMPLES=100 pytest tests/emulator/api/test_emulator_surface.py --timeout 0``
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test

from tests.emulator.api import api_document
from tests.emulator.emulator_client import Client, commit, onboard, running, synced, template_files

EXAMPLES = int(os.environ.get("AI_CORE_API_EXAMPLES", "0"))
SETTINGS = settings(
    max_examples=EXAMPLES or 2,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

pytestmark = pytest.mark.slow
MOST = 5_000
"""Characters of a query and headers; percent-encoded, more may be too much for any server, which
then hangs up, now after an answer and now before one."""
WITHOUT_INPUT = {
    "GET /lm/meta",
    "GET /admin/resources/nodes",
    "GET /admin/resources/instanceTypes",
    "GET /admin/services",
    "GET /admin/tenantInfo",
}
"""Operations that have nothing which could be wrong."""


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Client]:
    """An emulator with both templates; what is in it will be deleted at random."""
    api_document.operations()
    commit(tmp_path / "repository", template_files())
    with running(tmp_path / "data") as client:
        onboard(client, tmp_path / "repository")
        synced(client)
        yield client


def existing(client: Client) -> dict[str, str]:
    """Names and ids that something has, by what the API calls them in paths, queries and bodies."""
    configuration = client.configuration("train", mode="hang")
    schedule = {"name": "s", "cron": "0 0 1 1 *", "configurationId": configuration}
    path = "/v2/lm/executionSchedules"
    made = client.send("POST", path, schedule, status=202).json()
    secret = {"name": "secret", "data": {}}
    client.send("POST", "/v2/admin/secrets", secret, status=200)
    docker = {"name": "docker", "data": {".dockerconfigjson": "{}"}}
    client.send("POST", "/v2/admin/dockerRegistrySecrets", docker, status=202)
    client.send("POST", "/v2/admin/resourceGroups", {"resourceGroupId": "team"}, status=202)
    client.send("PUT", "/v2/lm/dataset/files/default/a.csv", data=b"a", status=201)
    return {
        "scenarioId": "churn",
        "executableId": "train",
        "artifactId": client.get("/v2/lm/artifacts")["resources"][-1]["id"],
        "configurationId": configuration,
        "executionId": client.execute("hang"),
        "deploymentId": client.deploy(),
        "executionScheduleId": str(made["id"]),
        "applicationName": "app",
        "repositoryName": client.get("/v2/admin/repositories")["resources"][0]["name"],
        "resourceGroupId": "team",
        "objectStoreName": "default",
        "dockerRegistryName": "docker",
        "secretName": "secret",
        "path": "default/a.csv",
    }


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_only_documented_answers(emulator: Client, mode: str) -> None:
    """Requests as documented, and requests that break the rules somewhere."""
    known = existing(emulator)
    wrong: list[str] = []
    for name, operation in api_document.operations().items():
        if mode == "negative" and name in WITHOUT_INPUT:
            continue
        wrong += found_wrong(emulator, operation, mode, known)
    assert not wrong, "\n".join(dict.fromkeys(wrong))


def found_wrong(
    emulator: Client, operation: api_document.Operation, mode: str, known: Mapping[str, str]
) -> list[str]:
    """What was answered to some requests of one operation that should not have been."""
    from schemathesis import GenerationMode

    wrong: list[str] = []
    made_up = operation.as_strategy(generation_mode=GenerationMode(mode))

    @SETTINGS
    @given(case=made_up, is_known=strategies.booleans())
    def ask(case: api_document.Case, is_known: bool) -> None:
        if len(str((case.query, case.headers))) > MOST:
            return
        if is_known:
            name_existing(case, known)
        headers = {"Authorization": f"Bearer {emulator.token()}"}
        if mode == "positive":
            headers["AI-Resource-Group"] = emulator.group
        base_url = f"{emulator.url}/v2"
        try:
            answer = case.call(base_url=base_url, session=emulator.session, headers=headers)
        except requests.exceptions.InvalidHeader:
            return  # nothing that could be sent
        wrong.extend(api_document.problems(case, answer))

    ask()
    return wrong


def name_existing(case: api_document.Case, known: Mapping[str, str]) -> None:
    """Let a request be about things that exist, as one after a link would be."""
    parts: list[Any] = [case.path_parameters, case.query, case.body]
    for part in parts:
        if isinstance(part, dict):
            for name in known.keys() & part.keys():
                part[name] = known[name]


def test_only_documented_answers_after_one_another(emulator: Client) -> None:
    """Requests that take over what answers to others held: made, read, changed, deleted."""
    known = existing(emulator)
    wrong: list[str] = []
    headers = {"AI-Resource-Group": emulator.group}

    class Sequence(api_document.schema().as_state_machine()):  # type: ignore[misc]
        def call(self, case: api_document.Case, **kwargs: Any) -> Any:
            if case.method == "POST":
                name_existing(case, {"configurationId": known["configurationId"]})
            headers["Authorization"] = f"Bearer {emulator.token()}"
            base_url = f"{emulator.url}/v2"
            return case.call(base_url=base_url, session=emulator.session, headers=headers)

        def validate_response(self, response: Any, case: api_document.Case, **kwargs: Any) -> None:
            wrong.extend(api_document.problems(case, response))

    bounds = settings(SETTINGS, max_examples=2, derandomize=False, stateful_step_count=10)
    for number in range(EXAMPLES or 2):
        # what is there decides which requests can follow, so hypothesis can repeat none
        with suppress(FlakyStrategyDefinition):
            run_state_machine_as_test(seed(number)(Sequence), settings=bounds)
    assert not wrong, "\n".join(dict.fromkeys(wrong))
