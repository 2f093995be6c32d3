"""A plan of a push against the one that the change of its commit has shown, on each forge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cicd.errors import Refused
from cicd.forges.reviewed import check_reviewed
from cicd.forges.sticky import write_comment
from cicd.render.sections import compose
from tests.forges import azure_server, gitlab_server
from tests.forges.plan_documents import typical
from tests.forges.worlds import World, world_of

LANDED = "e" * 40


@pytest.fixture(params=["gitlab", "azure"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with world_of(request.param) as world:
        land(world)
        yield world


def land(world: World) -> None:
    """Merge request 7 has landed on prd as one commit."""
    server = world.server
    if isinstance(server, gitlab_server.GitLab):
        server.requests_of[7] |= {"state": "merged", "merge_commit_sha": LANDED}
        server.commits[LANDED] = [7]
    elif isinstance(server, azure_server.Azure):
        server.changes[7] |= {"status": "completed", "lastMergeCommit": {"commitId": LANDED}}


def show(world: World, document: dict[str, Any]) -> None:
    write_comment(world.forge, 7, [document])


def check(world: World, document: dict[str, Any], branch: str = "prd") -> None:
    check_reviewed(world.forge, branch, [document])


def pushed(**more: Any) -> dict[str, Any]:
    return typical("prd") | {"commit": LANDED, "fingerprint": "f" * 64, **more}


def test_a_plan_that_only_has_another_commit_is_the_one_that_was_shown(world: World) -> None:
    show(world, typical("prd"))
    check(world, pushed())


@pytest.mark.parametrize("name", ["action", "id", "fields"])
def test_a_change_that_moved_since_is_refused_and_told(world: World, name: str) -> None:
    show(world, typical("prd"))
    first, *rest = typical("prd")["changes"]
    other = {"action": "delete", "id": "other", "fields": [{"path": "x", "before": 1, "after": 2}]}
    with pytest.raises(Refused, match="has shown another plan of prd"):
        check(world, pushed(changes=[{**first, name: other[name]}, *rest]))


@pytest.mark.parametrize("more", [{"target": {"resource_group": "x"}}, {"bound": {"digest": "x"}}])
def test_a_plan_of_another_place_or_of_other_files_is_refused(
    world: World, more: dict[str, Any]
) -> None:
    show(world, typical("prd"))
    with pytest.raises(Refused, match="another plan"):
        check(world, pushed(**more))


def test_a_commit_that_came_without_a_change_is_refused(world: World) -> None:
    show(world, typical("prd"))
    with pytest.raises(Refused, match="came without a pull request"):
        check(world, pushed(commit="d" * 40))
    with pytest.raises(Refused, match="came without a pull request"):
        check(world, pushed(), branch="other")


def test_no_plan_a_refused_one_and_one_without_a_login_were_not_reviewed(world: World) -> None:
    with pytest.raises(Refused, match="has shown no plan of prd"):
        check(world, pushed())
    show(world, typical("prd") | {"bound": {"offline": True}})
    with pytest.raises(Refused, match="made with a login"):
        check(world, pushed(bound={"offline": True}))
    show(world, typical("prd") | {"refusal": "deletes too much"})
    with pytest.raises(Refused, match="made with a login"):
        check(world, pushed())


def test_a_note_of_somebody_else_shows_nothing(world: World) -> None:
    world.add(compose({}, [typical("prd")], dialect=world.forge.dialect), False)
    with pytest.raises(Refused, match="has shown no plan of prd"):
        check(world, pushed())
