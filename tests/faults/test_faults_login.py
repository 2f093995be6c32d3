"""The login fails on the way: tokens end early or are revoked, the token endpoint is away."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.faults_world import Faulty, is_one_clear_failure

LATER = "deployment.create"
"""A request in the midst of an apply, at which there is a token already."""
DOWN: list[dict[str, Any]] = [
    {"status": 503},
    {"reset": True},
    {"status": 429},
    {"status": 502, "body": "html"},
    {"body": "not-json"},
    {"body": "truncated"},
]


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """What an undisturbed apply leaves; filled by the first test that needs it."""
    return {}


def undisturbed(faulty: Faulty, expected: dict[str, Any]) -> dict[str, Any]:
    if not expected:
        group = faulty.group()
        assert faulty.apply(group).code == 0
        expected |= faulty.state(group)
    return expected


@pytest.mark.parametrize("how", ["expired", "revoked"])
@pytest.mark.parametrize("operation", ["artifact.list", "artifact.create", LATER])
def test_a_token_that_ends_early(
    faulty: Faulty, expected: dict[str, Any], operation: str, how: str
) -> None:
    wanted, group = undisturbed(faulty, expected), faulty.group()
    with faulty.emulator.faults(operation=operation, tokens=how, times=1) as rules:
        result = faulty.apply(group)
        assert rules.fired == 1
    assert result.code == 0, result.text
    assert faulty.state(group) == wanted


def test_tokens_that_are_refused_whenever_they_are_fetched(faulty: Faulty) -> None:
    with faulty.emulator.faults(path="/v2/*", status=401):
        result = faulty.apply(faulty.group())
    assert result.code == 4
    assert "the login was refused, a new token too" in result.err


@pytest.mark.parametrize("effects", DOWN)
def test_the_token_endpoint_is_away_for_a_moment(
    faulty: Faulty, expected: dict[str, Any], effects: dict[str, Any]
) -> None:
    wanted, group = undisturbed(faulty, expected), faulty.group()
    with faulty.emulator.faults(operation="token.create", times=1, **effects):
        result = faulty.apply(group)
    if result.code:
        assert result.code == 4 and is_one_clear_failure(result), result.text
        assert faulty.apply(group).code == 0
    assert faulty.state(group) == wanted


@pytest.mark.parametrize("effects", DOWN)
def test_the_token_endpoint_is_away(faulty: Faulty, effects: dict[str, Any]) -> None:
    with faulty.emulator.faults(operation="token.create", **effects):
        result = faulty.apply(faulty.group())
    assert result.code == 4, result.text
    assert is_one_clear_failure(result)


@pytest.mark.parametrize("seconds", [20, 3600])
def test_no_new_token_in_the_midst(
    faulty: Faulty, expected: dict[str, Any], seconds: float
) -> None:
    """An outage shorter than the patience is sat out; a longer one fails, and is repaired."""
    wanted, group = undisturbed(faulty, expected), faulty.group()
    times = {"times": 10} if seconds < 60 else {}  # each asks four times
    with faulty.emulator.faults(
        {"operation": LATER, "times": 1, "tokens": "expired"},
        {"operation": "token.create", "after": 2, "status": 503, **times},
    ):
        result = faulty.apply(group)
    if seconds > 60:
        assert result.code == 4, result.text
        assert is_one_clear_failure(result)
        faulty.unlock(group)
        result = faulty.apply(group)
    assert result.code == 0, result.text
    assert faulty.state(group) == wanted
