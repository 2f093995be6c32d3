"""Every request of a command fails once, in every way: all is right afterwards, or after giving the
command once more, and nothing is there twice.

The suite runs a sample; all of it: ``CICD_FAULTS=all pytest tests/faults``.
"""

from __future__ import annotations

import pytest
from pytest_mock import MockerFixture

from cicd.apply.lease import Lease
from tests.faults.faults_matrix import FIRST, KINDS, PIECES, TIMEOUT, Deed, disturbed
from tests.faults.faults_world import Faulty
from tests.sampling import IS_ALL

APPLY = ("apply", "--workers", "1")
MINI = ("--var", "model=gpt-4o-mini")
DEEDS = {
    "apply": Deed(APPLY, every=2),
    "apply by many workers": Deed(("apply",), every=6),
    "change": Deed((*APPLY, "--refresh-secrets", *MINI), past=(APPLY,), every=5),
    "rollback": Deed(
        ("rollback", "chat", "--to", FIRST, *MINI),
        past=(APPLY, (*APPLY, *MINI)),
        every=8,
        done="already",
    ),
    "stop": Deed(("stop", "chat"), past=(APPLY,), every=6),
    "apply over a dead lock": Deed(APPLY, past=(APPLY,), every=6, has_dead_lock=True),
    "destroy": Deed(("destroy", "--force"), past=(APPLY,), every=5),
}


DEFAULTS = Lease.__init__.__kwdefaults__ or {}
RENEWALS = [(operation, kind) for operation in ("secret.get", "secret.update") for kind in KINDS]


@TIMEOUT
@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("name", DEEDS)
def test_every_request_of_a_command_fails_once(faulty: Faulty, name: str, piece: str) -> None:
    wrong = disturbed(faulty, DEEDS[name], piece)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("operation", "kind"), RENEWALS if IS_ALL else RENEWALS[::5])
def test_the_lock_is_renewed_all_the_same(
    faulty: Faulty, mocker: MockerFixture, operation: str, kind: str
) -> None:
    """Nobody takes it away meanwhile, as three renewals may fail."""
    mocker.patch.object(Lease.__init__, "__kwdefaults__", {**DEFAULTS, "renewal": 0.02})
    group = faulty.group()
    with faulty.emulator.faults(
        {"operation": operation, "times": 1, **KINDS[kind]},
        {"operation": "deployment.get", "times": 1, "slow": 0.3},
    ) as rules:
        result = faulty.apply(group)
        assert rules.fired == 2, result.text
    assert result.code == 0 and "lock" not in result.text, result.text
    assert faulty.locks(group) == []
    assert len(faulty.state(group)["deployments"]) == 1


def test_the_lock_is_given_back_while_another_failure_ends_the_command(faulty: Faulty) -> None:
    """What is sent meanwhile is judged by its own failure."""
    group = faulty.group()
    assert faulty.apply(group).code == 0
    with faulty.emulator.faults(
        {"operation": "resource_group.get", "body": "not-json"},
        {"operation": "secret.delete", "times": 1, "reset": True},
    ):
        result = faulty.apply(group)
    assert result.code == 4 and "could not be given back" not in result.text, result.text
    assert faulty.locks(group) == []
