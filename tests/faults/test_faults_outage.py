"""One operation of the platform is down for good: the command says so, the next one repairs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.faults.faults_world import Faulty, is_one_clear_failure, slow_services
from tests.sampling import IS_ALL

OPERATIONS = (
    "resource_group.get",
    "resource_group.create",
    "resource_group.update",
    "secret.create",
    "object_store_secret.create",
    "artifact.list",
    "artifact.create",
    "configuration.create",
    "deployment.list",
    "deployment.create",
    "deployment.get",
    "destination.create",
)
DOWN: Mapping[str, Mapping[str, Any]] = {
    "503": {"status": 503},
    "429": {"status": 429, "retry-after": 1},
    "403": {"status": 403},
    "400": {"status": 400},
    "quota": {"quota": True},
    "proxy": {"status": 502, "body": "html"},
    "reset": {"reset": True},
    "lost": {"lost": 504},
    "junk": {"body": "not-json"},
}
"""A sample: every operation in three ways, every way at a third of them."""
CASES = [
    (operation, how) for n, operation in enumerate(OPERATIONS) for how in list(DOWN)[n % 3 :: 3]
]


@pytest.mark.parametrize(("operation", "how"), CASES if IS_ALL else CASES[::3])
def test_an_operation_that_is_down(faulty: Faulty, operation: str, how: str) -> None:
    group = faulty.group()
    with faulty.emulator.faults(operation=operation, **DOWN[how]) as rules:
        result = faulty.apply(group)
        assert rules.fired
    if result.code:
        assert result.code in {1, 4, 6}, result.text
        assert is_one_clear_failure(result), result.text
        faulty.unlock(group)
    again = faulty.apply(group)
    assert again.code == 0, again.text
    state = faulty.state(group)
    assert [len(state[kind]) for kind in ("artifacts", "configurations", "deployments")] == [
        1,
        1,
        1,
    ]


@pytest.mark.parametrize("how", [*DOWN, "vanish"])
def test_a_log_that_cannot_be_read_leaves_an_update_as_it_is(faulty: Faulty, how: str) -> None:
    group = faulty.group()
    assert faulty.apply(group).code == 0
    down = {"times": 1, "vanish": True} if how == "vanish" else DOWN[how]
    logs = {"operation": "deployment.logs", **down}
    # a look takes longer than a third of a second on a busy machine
    with slow_services(faulty.emulator, 100), faulty.emulator.faults(logs) as rules:
        result = faulty.apply(group, "--var", "model=gpt-4o-mini")
        assert rules.fired
    if result.code:
        assert result.code in {1, 4, 6}, result.text
        assert is_one_clear_failure(result), result.text
        faulty.unlock(group)
    assert faulty.apply(group, "--var", "model=gpt-4o-mini").code == 0
    assert len(faulty.state(group)["deployments"]) == 1
