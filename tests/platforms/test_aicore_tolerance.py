"""What a newer, older or troubled platform may answer."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.errors import Denied
from cicd.model import Action, Resource, State
from cicd.plan import make_plan
from cicd.platforms.aicore import convert
from cicd.platforms.aicore.kinds import KINDS
from cicd.platforms.base import Platform
from tests.platforms.aicore_world import (
    ARTIFACT,
    CONFIGURATION,
    GROUP,
    LIVE_RUN,
    group,
    stage,
)
from tests.platforms.stub_server import Reply, Request, StubServer, page


@pytest.mark.parametrize("side", ["backendDetails", "backend_details"])
def test_a_deployment_tells_its_model(side: str) -> None:
    details = {"resources": {side: {"model": {"name": "gpt-4o", "version": "latest"}}}}
    document = {**LIVE_RUN, "details": details, "lastOperation": "REBALANCE"}
    assert convert.deployment(document).facts == {"model": "gpt-4o latest"} | {
        "last_operation": "REBALANCE"
    }


@pytest.mark.parametrize(
    "details", [None, "text", {}, {"resources": None}, {"resources": {"backend_details": [1]}}]
)
def test_details_of_any_shape_are_no_trouble(details: Any) -> None:
    document = {**LIVE_RUN, "details": details, "configurationName": "Serving", "novel": [{}]}
    assert convert.deployment(document).facts == {"configuration_name": "Serving"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T05:30:00.123456789+05:30", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00Z"),
        ("Unknown", ""),
        (None, ""),
    ],
)
def test_a_run_tells_its_times_in_one_spelling(text: Any, expected: str) -> None:
    facts = convert.execution(
        {**LIVE_RUN, "startTime": text, "completionTime": text, "executionScheduleId": "s1"}
    ).facts
    assert (facts.get("started_at", ""), facts.get("completed_at", "")) == (expected, expected)
    assert facts["schedule"] == "s1"


@pytest.mark.parametrize(
    ("kind", "path"),
    [("execution", "/v2/lm/executions"), ("deployment", "/v2/lm/deployments")],
)
def test_words_and_fields_of_a_newer_api_are_read(
    platform: Platform, stub: StubServer, kind: str, path: str
) -> None:
    novel = {**LIVE_RUN, "status": "HIBERNATING", "targetStatus": "AWAKE", "future": {"a": [1]}}
    stub.on("GET", path, page(novel, {"id": "r2"}))
    found = platform.browse(kind)
    assert {item.id: item.status.state for item in found} == {
        "r1": State.UNKNOWN,
        "r2": State.UNKNOWN,
    }


@pytest.mark.parametrize("status", ["PROVISIONING", "ERROR", "DEPROVISIONING"])
def test_a_group_that_is_not_ready_is_said_to_be_so(
    platform: Platform, stub: StubServer, status: str
) -> None:
    document = {**group(status), "statusMessage": "no namespace"}
    stub.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, document))
    wishes = [GROUP, Resource(ARTIFACT.key, ARTIFACT.spec, depends_on=frozenset({GROUP.key}))]
    plan = make_plan(stage(), wishes, platform.read(wishes), KINDS, created_at="")
    assert plan.changes[0].reason == f"still {status}: wait for PROVISIONED"
    assert plan.changes[1].action is Action.CREATE
    assert plan.warnings[0].startswith(f"resource_group/rg: is {status}: no namespace; what is in")


def test_a_group_in_a_status_not_known_is_looked_into(platform: Platform, stub: StubServer) -> None:
    stub.on("GET", "/v2/admin/resourceGroups/rg", Reply(200, group("MIGRATED")))
    stub.on("GET", "/v2/lm/artifacts", page({"id": "a1", **ARTIFACT.spec, "scenarioId": "s"}))
    plan = make_plan(
        stage(), [GROUP, ARTIFACT], platform.read([GROUP, ARTIFACT]), KINDS, created_at=""
    )
    assert [change.action for change in plan.changes] == [Action.UPDATE, Action.NO_OP]
    stub.on("GET", "/v2/lm/artifacts", Reply(403, "RBAC: access denied"))
    with pytest.raises(Denied, match='resource group "rg"'):
        platform.read([GROUP, ARTIFACT])


@pytest.mark.parametrize("wish", [ARTIFACT, CONFIGURATION], ids=["artifacts", "configurations"])
def test_in_25000_the_oldest_is_found_in_few_requests(
    platform: Platform, stub: StubServer, wish: Resource
) -> None:
    spec = wish.spec
    bindings = {
        "parameterBindings": [{"key": "my_param", "value": "1"}],
        "inputArtifactBindings": [{"key": "in", "artifactId": "a1"}],
    }
    same = {**spec, "scenarioId": "s", "executableId": "x", **bindings}

    def answer(request: Request) -> Reply:
        skip, top = int(request.query.get("$skip", 0)), int(request.query["$top"])
        # While it is read, ten new ones come in before all others.
        numbers = range(24_999 - max(0, skip - 10 * bool(skip)), -1, -1)[:top]
        return page(
            *({"id": f"i{n}", "name": "other"} if n else {"id": "i0"} | same for n in numbers)
        )

    path = {"artifact": "artifacts", "configuration": "configurations"}[wish.key.kind]
    stub.on("GET", f"/v2/lm/{path}", answer)
    live = platform.read([wish])
    assert len({item.id for item in live}) == len(live) == 25_000
    assert len(stub.sent("GET")) <= 26
    plan = make_plan(stage(), [wish], live, KINDS, created_at="")
    assert (plan.changes[0].action, plan.changes[0].id) == (Action.NO_OP, "i0")
