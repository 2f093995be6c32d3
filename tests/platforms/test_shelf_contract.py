"""The shelf passes the contract of platforms, behind what hides texts of the environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cicd.model import Hidden, Key, Options, Ref, Resource
from cicd.platforms.base import Platform, Request
from cicd.platforms.hiding import Hiding
from tests.platforms.contract import Applied, PlatformContract, World, bring_up
from tests.platforms.shelf.adapter import Shelf

LINES = tuple(f"line {number} grüße" for number in range(40)) + ("again",) * 7


def wish(kind: str, name: str, wait_for: str | None = None, /, **spec: object) -> Resource:
    return Resource(Key(kind, name), {"name": name, **spec}, Options(wait_for=wait_for))


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    folder = tmp_path_factory.mktemp("shelf") / "things"
    folder.mkdir()
    job = wish(
        "job",
        "train",
        "DONE",
        lines=list(LINES),
        metrics={"accuracy": 0.75},
        takes="0s",
        fails=False,
        inputs="0123abcd",
    )
    desired = (
        job,
        wish("note", "model", text=Ref(job.key, "model")),
        wish("note", "greeting", text=Hidden("grüß dich")),
        wish("service", "web", "UP", note=Ref(Key("note", "greeting")), size=1),
    )
    platform: Platform = Hiding(Shelf(folder, "dev"), desired)
    yield from bring_up(
        World(
            platform=platform,
            desired=desired,
            place={"folder": str(folder)},
            run=job.key,
            lines=LINES,
            metrics={"accuracy": 0.75},
            service=Key("service", "web"),
            request=Request("POST", "/read", {"x": 1}),
            answer="grüß dich",
            update=("note", wish("note", "second", text="hello")),
            no_route=Request("GET", "/nothing-here"),
        )
    )


class TestShelf(PlatformContract):
    """The contract, with a folder as the platform."""
