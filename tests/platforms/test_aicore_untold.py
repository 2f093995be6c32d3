"""What a list leaves out is asked for, or an error: nothing is made anew because of it."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.errors import ConnectionFailed
from cicd.model import Action, Stage
from tests.benchmarks.test_request_budget import COMMIT, resources, synced
from tests.platforms.spoilt_aicore import Spoil, Spoilt, actions, replanned

STAGE = Stage(
    "dev",
    "dev.yaml",
    "/",
    "aicore",
    {"resource_group": "rg"},
    None,
    tuple(resources(2)),
    commit=COMMIT,
)
NAMES = ("configurationName", "scenarioId", "executableId", "configurationId", "status")
OPTIONAL = {
    "deployments": (*NAMES, "deploymentUrl", "ttl", "latestRunningConfigurationId", "createdAt"),
    "executions": (*NAMES, "outputArtifacts", "completionTime", "createdAt", "targetStatus"),
    "configurations": (
        "parameterBindings",
        "inputArtifactBindings",
        "name",
        "scenarioId",
        "executableId",
    ),
    "artifacts": ("kind", "url", "name", "scenarioId", "labels", "description"),
    "applications": ("applicationName", "repositoryUrl", "path", "revision"),
    "executables": ("versionId", "modifiedAt", "scenarioId", "deployable"),
    "metrics": ("metrics", "customInfo", "createdAt"),
    "subaccountDestinations": ("Type", "ProxyType"),
}
CASES = [(kind, name) for kind, names in OPTIONAL.items() for name in names]


def without(kind: str, names: set[str], *, everywhere: bool) -> Spoil:
    """Answers that do not tell these fields: only in the list, or ``everywhere``."""

    def pruned(item: Any) -> Any:
        return {k: v for k, v in item.items() if k not in names} if isinstance(item, dict) else item

    def spoil(method: str, path: str, status: int, content: Any) -> tuple[int, Any]:
        is_list = path.endswith(f"/{kind}")
        if method != "GET" or not (is_list or (everywhere and f"/{kind}/" in path)):
            return status, content
        if isinstance(content, list):
            return status, [pruned(item) for item in content]
        if isinstance(content, dict) and "resources" in content:
            return status, {**content, "resources": [pruned(i) for i in content["resources"]]}
        return status, pruned(content)

    return spoil


def deployed() -> Spoilt:
    return Spoilt(lists=synced().lists)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_list_that_leaves_a_field_out_makes_nothing_anew(kind: str, name: str) -> None:
    plan = replanned(deployed(), STAGE, without(kind, {name}, everywhere=False))
    is_pointer = kind in {"subaccountDestinations", "executables"}
    allowed = {Action.NO_OP, Action.UPDATE} if is_pointer else {Action.NO_OP}
    assert actions(plan) <= allowed, plan.changes


@pytest.mark.parametrize("kind", ["deployments", "executions", "configurations", "applications"])
def test_a_list_of_ids_and_nothing_else_makes_nothing_anew(kind: str) -> None:
    plan = replanned(deployed(), STAGE, without(kind, set(OPTIONAL[kind]), everywhere=False))
    assert actions(plan) == {Action.NO_OP}, plan.changes


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_what_nobody_tells_is_an_error_and_never_made_anew(kind: str, name: str) -> None:
    try:
        plan = replanned(deployed(), STAGE, without(kind, {name}, everywhere=True))
    except ConnectionFailed as error:
        assert name in str(error)
        return
    assert actions(plan) <= {Action.NO_OP, Action.UPDATE}, plan.changes
