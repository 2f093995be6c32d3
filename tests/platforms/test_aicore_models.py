"""What the tenant's models say against a stage: pure rules as a table, and the few requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from cicd.errors import Denied
from cicd.model import Key, LiveResource, Resource, Secret, State, Status
from cicd.platforms.aicore import models
from cicd.platforms.aicore.credentials import Credentials
from cicd.platforms.aicore.dialect.draft import PLATFORM_SCENARIOS
from cicd.platforms.aicore.login import Login
from cicd.platforms.aicore.models import Advisor, Catalogue, problems
from cicd.platforms.aicore.rest import Http
from cicd.platforms.aicore.transport import open_session
from tests.platforms.stub_server import Reply, StubServer, page, running

TODAY = date(2026, 6, 1)
MODELS = (
    {
        "model": "gpt-4o",
        "executableId": "azure-openai",
        "versions": [
            {"name": "v2", "isLatest": True, "deprecated": False},
            {"name": "v1", "isLatest": False, "deprecated": True, "suggestedReplacements": ["v2"]},
            {
                "name": "v0",
                "isLatest": False,
                "deprecated": True,
                "retirementDate": "2026-05-31T00:00:00Z",
                "suggestedReplacements": ["gpt-4.1", "gpt-5"],
            },
        ],
    },
    {
        "model": "gpt-4",
        "executableId": "azure-openai",
        "versions": [{"name": "0613", "isLatest": True, "retirementDate": "2026-12-01"}],
    },
    {
        "model": "mistral",
        "executableId": "aicore-mistralai",
        "allowedScenarios": [{"scenarioId": "foundation-models", "executableId": "azure-openai"}],
        "versions": [{"name": "1", "deprecated": False}],
    },
    {"model": "nova", "executableId": "aws-bedrock", "versions": []},
)
EXECUTABLES = (
    {"id": "azure-openai", "parameters": [{"name": "modelName"}, {"name": "modelVersion"}]},
    {"id": "aws-bedrock"},
)
CATALOGUE = Catalogue({"foundation-models": EXECUTABLES}, {"foundation-models": MODELS})


def wish(model: str = "gpt-4o", version: str | None = None, **changes: Any) -> Resource:
    bindings = {"modelName": model} | ({} if version is None else {"modelVersion": version})
    spec = {
        "name": "Chat",
        "scenario_id": "foundation-models",
        "executable_id": "azure-openai",
        "parameter_bindings": bindings,
        "input_artifact_bindings": {},
    }
    key = Key("configuration", "chat")
    return Resource(key, {**spec, **changes}, source="stages/dev.yaml:14:7")


@pytest.mark.parametrize(
    ("version", "severity", "rule", "text"),
    [
        (None, None, "", ""),
        ("latest", None, "", ""),
        ("LATEST", None, "", ""),
        ("v2", None, "", ""),
        ("v1", "warning", "deprecated-model", 'version "v1" is deprecated: use v2'),
        ("v0", "error", "retiring-model", "was retired on 2026-05-31: use gpt-4.1 or gpt-5"),
        ("2024", "error", "unknown-model", 'no version "2024"; known: v0, v1, v2'),
    ],
)
def test_versions(version: str | None, severity: str | None, rule: str, text: str) -> None:
    found = problems([wish(version=version)], CATALOGUE, TODAY)
    if severity is None:
        assert not found
        return
    (problem,) = found
    assert (problem.severity, problem.rule) == (severity, rule)
    assert (problem.file, problem.line, problem.column) == ("stages/dev.yaml", 14, 7)
    assert problem.message.endswith(text)
    assert problem.message.startswith("configuration/chat: ")


@pytest.mark.parametrize(
    ("desired", "rule", "text"),
    [
        (
            wish("gpt4o"),
            "unknown-model",
            'no model "gpt4o" (did you mean "gpt-4o"?); known: gpt-4, ',
        ),
        (wish("nova"), "unknown-model", 'executable "azure-openai" has no model "nova"'),
        (wish(executable_id="azure-openia"), "unknown-executable", 'did you mean "azure-openai"?'),
        (
            wish(parameter_bindings={"modelname": "gpt-4o"}),
            "unknown-parameter",
            'no parameter "modelname" (did you mean "modelName"?)',
        ),
    ],
)
def test_what_is_not_there_is_an_error_that_names_what_is(
    desired: Resource, rule: str, text: str
) -> None:
    (problem,) = problems([desired], CATALOGUE, TODAY)
    assert (problem.rule, problem.severity) == (rule, "error") and text in problem.message


def test_a_model_may_be_allowed_for_other_executables() -> None:
    assert not problems([wish("mistral", "1")], CATALOGUE, TODAY)
    assert not problems([wish("mistral")], CATALOGUE, TODAY)  # no version is marked as latest


def test_a_date_to_come_is_a_warning_and_what_runs_retired_too() -> None:
    (problem,) = problems([wish("gpt-4")], CATALOGUE, TODAY)
    assert (problem.rule, problem.severity) == ("retiring-model", "warning")
    assert problem.message.endswith('model "gpt-4" version "0613" retires on 2026-12-01')
    (problem,) = problems([wish(version="v0")], CATALOGUE, TODAY, {"chat"})
    assert problem.severity == "warning" and "was retired" in problem.message


def test_the_scenarios_are_those_that_stage_files_know() -> None:
    assert models.SCENARIOS == PLATFORM_SCENARIOS


class Bench:
    """A tenant and an advisor on it."""

    path = "/v2/lm/scenarios/foundation-models"

    def __init__(self, stub: StubServer, url: str) -> None:
        self.stub = stub
        self.session = open_session(url)
        known = Credentials(f"{url}/v2", f"{url}/oauth/token", "me", Secret("s3cret"))
        self.advisor = Advisor(
            Http(f"{url}/v2", Login(known, self.session), self.session), lambda: TODAY
        )

    def review(self, *desired: Resource, lives: tuple[LiveResource, ...] = ()) -> list[str]:
        found, _ = self.advisor.review(desired, lives)
        return [f"{problem.severity} {problem.rule}" for problem in found]

    def shown(self, desired: Resource, *lives: LiveResource) -> list[LiveResource]:
        """What runs, as a review of ``desired`` shows it."""
        return self.advisor.review([desired], lives)[1]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with running() as (stub, url):
        made = Bench(stub, url)
        stub.on("GET", f"{made.path}/executables", page(*EXECUTABLES))
        stub.on("GET", f"{made.path}/models", page(*MODELS))
        yield made
        made.session.close()


def test_nothing_is_asked_where_no_such_scenario_is_named(bench: Bench) -> None:
    assert bench.review(wish(scenario_id="mine")) == []
    assert not bench.stub.requests


@pytest.mark.parametrize(("status", "groups"), [(403, 2), (404, 1), (501, 1)])
def test_a_tenant_that_does_not_tell_is_one_warning(bench: Bench, status: int, groups: int) -> None:
    """Only where the group may not be there yet another one is asked in."""
    refusal = Reply(status, {"error": {"code": "1", "message": "no"}})
    for noun in ("executables", "models"):
        bench.stub.on("GET", f"{bench.path}/{noun}", refusal)
    assert bench.review(wish(), wish("gpt-4")) == ["warning unknown-model"]
    asked = [request.headers.get("AI-Resource-Group") for request in bench.stub.sent("GET")]
    assert (asked.count(None), asked.count("default")) == (2, 2 * (groups - 1))
    second = replace(wish("gpt-4"), source="stages/dev.yaml:20:7")
    [problem], _ = bench.advisor.review([wish(), second], ())
    assert (problem.file, problem.line, problem.column) == ("stages/dev.yaml", 14, 7)


def test_a_refused_login_is_no_warning(bench: Bench) -> None:
    bench.stub.on("GET", f"{bench.path}/models", Reply(401, "Jwt is expired"))
    with pytest.raises(Denied):
        bench.review(wish())


def deployment(configuration: str) -> LiveResource:
    spec = {
        "configuration": configuration,
        "configuration_name": "Chat",
        "scenario_id": "foundation-models",
        "executable_id": "azure-openai",
    }
    return LiveResource(Key("deployment", "Chat"), "d1", spec, Status(State.RUNNING, "RUNNING"))


def configuration(id: str, desired: Resource) -> LiveResource:
    status = Status(State.SUCCEEDED, "")
    return LiveResource(Key("configuration", "Chat"), id, desired.spec, status)


def test_a_retired_model_that_runs_does_not_stop_the_stage(bench: Bench) -> None:
    old = wish(version="v0")
    assert bench.review(old) == ["error retiring-model"]
    assert bench.review(old, lives=(deployment("c1"),)) == ["warning retiring-model"]


def test_what_runs_is_shown_with_its_model_and_its_end(bench: Bench) -> None:
    lives = [deployment("c1"), configuration("c1", wish("gpt-4", "latest"))]
    # nothing is asked for another scenario, so nothing is known
    assert bench.shown(wish(scenario_id="mine"), *lives) == lives
    shown = bench.shown(wish(), *lives)[0]
    assert shown.facts == {"model": "gpt-4 latest (retires on 2026-12-01)"}
    assert shown.notes == ("its model gpt-4 retires on 2026-12-01",)
    # what the deployment itself tells counts more than its configuration
    told = replace(lives[0], facts={"model": "gpt-4o v1"})
    assert bench.shown(wish(), told, lives[1])[0].notes == (
        "its model gpt-4o is deprecated: use v2",
    )
    # the review says it of the stage file: not twice in one plan
    assert bench.review(wish("gpt-4", "latest")) == ["warning retiring-model"]
    exact = replace(lives[0], facts={"model": "gpt-4 0613"})
    again = bench.shown(wish("gpt-4", "latest"), lives[0], exact, lives[1])
    assert [live.notes for live in again] == [()] * 3


@pytest.mark.parametrize(
    ("facts", "bound"),
    [
        ({}, wish("unheard-of")),
        ({"model": "unheard-of 1"}, wish("gpt-4")),
        ({}, wish(executable_id="aws-bedrock")),
        ({}, None),
    ],
)
def test_what_runs_a_model_that_nobody_knows_is_shown_as_it_is(
    bench: Bench, facts: dict[str, str], bound: Resource | None
) -> None:
    serving = replace(deployment("c1"), facts=facts)
    if bound is not None and bound.spec["executable_id"] != "azure-openai":
        serving = replace(serving, spec={**serving.spec, "executable_id": "aws-bedrock"})
    lives = [serving, *([configuration("c1", bound)] if bound else [])]
    assert bench.shown(wish(), *lives) == lives


def test_a_model_that_goes_on_has_no_end_in_its_title(bench: Bench) -> None:
    lives = [deployment("c1"), configuration("c1", wish("gpt-4o", "v2"))]
    shown = bench.shown(wish(), *lives)[0]
    assert (shown.facts, shown.notes) == ({"model": "gpt-4o v2"}, ())


def test_what_an_executable_does_not_tell_of_its_parameters_is_not_checked() -> None:
    bindings = {"modelName": "nova", "odd": "1"}
    desired = wish(executable_id="aws-bedrock", parameter_bindings=bindings)
    assert problems([desired], CATALOGUE, TODAY) == []
    told = replace(desired, spec={**desired.spec, "executable_id": "azure-openai"})
    assert [problem.rule for problem in problems([told], CATALOGUE, TODAY)] == [
        "unknown-parameter",
        "unknown-model",
    ]


def test_a_catalogue_is_asked_for_once(bench: Bench) -> None:
    bench.advisor.look([wish()])
    asked = len(bench.stub.requests)
    assert bench.review(wish()) == bench.review(wish()) == []
    assert len(bench.stub.requests) == asked
