"""What of a platform's answers is hidden, by where the stage has texts of the environment."""

from __future__ import annotations

import pytest

from cicd.model import Hidden, Key, LiveResource, Resource, State, Status
from cicd.platforms.hiding import Hiding
from tests.apply.fake_apply_platform import Clock, FakePlatform

KEY = Key("application", "small")


class Listing(FakePlatform):
    """A platform with one thing."""

    def browse(self, kind: str) -> list[LiveResource]:
        spec = {"name": "small", "revision": "by-hand", "path": "templates"}
        return [LiveResource(KEY, "small", spec, Status(State.RUNNING, "Synced"))]


@pytest.mark.parametrize("name", ["small", Hidden("small")])
def test_a_text_is_hidden_where_the_stage_has_a_secret_whatever_the_name_comes_from(
    name: str | Hidden,
) -> None:
    wish = Resource(KEY, {"name": name, "revision": Hidden("q7Z"), "path": "templates"})
    (live,) = Hiding(Listing(Clock()), [wish]).browse("application")
    assert str(live.spec["revision"]) == "***"
    assert live.spec["path"] == "templates"
