"""The toy passes the contract of platforms, behind what hides texts of the environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cicd.model import Hidden, Key, Options, Ref, Resource
from cicd.platforms.base import Platform, Request
from cicd.platforms.hiding import Hiding
from tests.platforms.contract import Applied, PlatformContract, World, bring_up
from tests.platforms.toy.adapter import Toy

LINES = tuple(f"line {number} grüße" for number in range(40)) + ("again",) * 7


def wish(kind: str, name: str, wait_for: str | None = None, /, **spec: object) -> Resource:
    return Resource(Key(kind, name), {"name": name, **spec}, Options(wait_for=wait_for))


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    root = tmp_path_factory.mktemp("toy")
    (root / "box").mkdir()
    script = "\n".join([*LINES, "metric accuracy 0.75", ""])
    (root / "train.txt").write_text(script, encoding="utf-8")
    job = wish("job", "train", "done", script="train.txt", knobs={}, inputs="0123abcd")
    desired = (
        job,
        wish("release", "model", serves=Ref(job.key, "result")),
        wish("release", "web", serves=Hidden("grüß dich")),
        wish("service", "web", "up", release=Ref(Key("release", "web")), size=1),
    )
    platform: Platform = Hiding(Toy(root / "box", root), desired)
    yield from bring_up(
        World(
            platform=platform,
            desired=desired,
            place={"box": "box"},
            run=job.key,
            lines=LINES,
            metrics={"accuracy": 0.75},
            service=Key("service", "web"),
            request=Request("POST", "/read", {"x": 1}),
            answer="grüß dich",
            update=("release", wish("release", "second", serves="hello")),
            no_route=Request("GET", "/nothing-here"),
        )
    )


class TestToy(PlatformContract):
    """The contract, with a folder as the platform."""
