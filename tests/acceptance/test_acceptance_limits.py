"""Each consent has a word of its own: limits, other stages, the name of what is destroyed."""

from __future__ import annotations

import os
import pty
import subprocess
from contextlib import suppress

import pytest

from tests.acceptance.conftest import CICD, REPOSITORY
from tests.acceptance.operations_world import APPLY, World

SERVERS = """\
aicore: {{resource_group: GROUP}}
prune: {prune}
artifacts:
{artifacts}
deployments:
{deployments}
"""
DESTROY = ("destroy", "dev", "--auto-approve")
NOTE = "note: --force is both --over-limits and --other-stages"


def servers(*numbers: int, data: int = 1, prune: str = "stage", model: str = "gpt-4o") -> str:
    """A stage file with these servers and so many data sets."""
    scenario = "scenario_id: foundation-models"
    return SERVERS.format(
        prune=prune,
        artifacts="\n".join(
            f'  - {{key: a{n}, name: a{n}, kind: dataset, url: "ai://default/a{n}", {scenario}}}'
            for n in range(data)
        ),
        deployments="\n".join(
            f"  - {{key: d{n}, configuration: {{name: c{n}, {scenario}, executable_id: "
            f"azure-openai, parameter_bindings: {{modelName: {model}, modelVersion: latest}}}}}}"
            for n in numbers
        ),
    )


def up(world: World, *numbers: int, data: int = 1) -> None:
    world.stage(servers(*numbers, data=data))
    said = world.cicd(*APPLY)
    assert said.code == 0, said.all


@pytest.mark.parametrize(
    ("before", "after", "data", "words"),
    [
        ((1, 2), (1,), 1, "1 of 2 live deployments would be deleted: 50%"),
        ((1, 2, 3), (3,), 30, "2 of 3 live deployments would be deleted: 67%"),
        ((1, 2, 3, 4, 5), (1, 2, 3), 1, "2 of 5 live deployments would be deleted: 40%"),
    ],
)
def test_a_share_of_servers_is_refused_at_any_size(
    world: World, before: tuple[int, ...], after: tuple[int, ...], data: int, words: str
) -> None:
    up(world, *before, data=data)
    world.stage(servers(*after, data=data))
    said = world.cicd(*APPLY)
    assert said.code == 5 and words in said.error, said.all
    assert "repeat with --over-limits)" in said.error
    assert world.cicd(*APPLY, "--other-stages").code == 5
    assert world.number("deployments") == len(before)
    said = world.cicd(*APPLY, "--over-limits")
    assert said.code == 0, said.all
    assert world.number("deployments") == len(after)


def test_the_only_server_and_a_small_share_may_go(world: World) -> None:
    up(world, 1, 2, 3, 4)
    world.stage(servers(1, 2, 3))
    assert world.cicd(*APPLY).code == 0
    up(world, 1, 2, 3)
    world.stage(servers(prune="resource_group").replace("deployments:\n", ""))
    assert world.cicd(*APPLY, "--over-limits").code == 0
    up(world, 1)
    world.stage(servers(prune="resource_group").replace("deployments:\n", ""))
    assert world.cicd(*APPLY).code == 0
    assert world.number("deployments") == 0


def test_the_old_word_is_both_and_says_so(world: World) -> None:
    up(world, 1, 2)
    world.stage(servers(1))
    said = world.cicd(*APPLY, "--force")
    assert said.code == 0 and NOTE in said.err, said.all
    said = world.cicd(*DESTROY, "--force", "--log-format", "json")
    assert said.code == 0 and NOTE in said.err, said.all
    assert all(line.startswith("{") for line in said.err.splitlines() if NOTE in line)
    assert "--force" not in world.cicd("apply", "--help").out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--yes alone does not destroy dev (add --stage-name dev)"),
        (("--over-limits",), "--yes alone does not destroy dev"),
        (("--stage-name", "tst"), '--stage-name "tst" is not "dev"'),
        (("--stage-name", ""), '--stage-name "" is not "dev"'),
    ],
)
def test_a_stage_is_destroyed_by_its_name(
    world: World, options: tuple[str, ...], words: str
) -> None:
    up(world, 1)
    said = world.cicd(*DESTROY, *options)
    assert said.code == 5 and words in said.error, said.all
    assert world.number("deployments") == 1
    said = world.cicd("destroy", "dev", "--stage-name", "dev")
    assert said.code == 5 and "nobody is there to say yes (add --" in said.error


def test_more_than_the_limits_allow_needs_no_more_than_the_name(world: World) -> None:
    world.make_group()
    up(world, *range(12))
    said = world.cicd(*DESTROY, "--stage-name", "dev")
    assert said.code == 0, said.all
    assert world.number("deployments") == 0


def test_what_is_protected_outlives_every_consent(world: World) -> None:
    world.stage(servers(1, 2) + "protect: [deployment/d2]\n")
    assert world.cicd(*APPLY).code == 0
    said = world.cicd(*DESTROY, "--stage-name", "dev", "--over-limits", "--other-stages")
    assert said.code == 5 and "deployment/d2 is protected" in said.error
    assert world.number("deployments") == 2


@pytest.mark.parametrize(
    ("typed", "code", "left"), [("dev", 0, 0), ("tst", 5, 1), ("y", 5, 1), ("", 5, 1)]
)
def test_a_person_types_the_name(world: World, typed: str, code: int, left: int) -> None:
    world.make_group()
    up(world, 1)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*CICD, "destroy", "dev"],
        cwd=world.folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = read_until(ours, b"Type dev to destroy it")
    os.write(ours, typed.encode() + b"\n")
    said += read_until(ours)
    os.close(ours)
    assert process.wait(timeout=100) == code, said.decode()
    assert (b"that is not its name" in said) == bool(code)
    assert world.number("deployments") == left


def read_until(terminal: int, words: bytes = b"\0") -> bytes:
    """What is shown up to these words, or to the end."""
    said = b""
    with suppress(OSError):  # how a terminal ends whose other side has gone
        while words not in said and (part := os.read(terminal, 4096)):
            said += part
    return said
