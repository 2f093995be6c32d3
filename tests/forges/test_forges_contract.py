"""What every adapter does alike, against the stand-in of each forge, which checks each request."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from cicd.errors import (
    CicdError,
    Conflict,
    ConnectionFailed,
    Denied,
    LostAnswer,
    NotFound,
    PlatformError,
    Throttled,
)
from cicd.forges.answers import ATTEMPTS, LIMIT_PAUSE
from cicd.forges.sticky import own_notes, write_comment
from cicd.render.sections import compose, parse
from tests.forges.forge_server import DROP, Reply
from tests.forges.plan_documents import RUN, big, plan, typical
from tests.forges.worlds import HTML, PAGE, World, world_of


@pytest.fixture(params=["github", "gitlab", "azure"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with world_of(request.param) as world:
        yield world


def write(world: World, *documents: dict[str, Any]) -> str:
    return write_comment(world.forge, 7, documents or [typical()], run_url=RUN)


def stages(world: World) -> list[list[str]]:
    return [list(parse(body)) for body in world.bodies()]


def test_a_comment_is_made_once_and_then_edited_in_place(world: World) -> None:
    assert write(world).startswith(world.server.url)
    write(world, typical("tst"))
    write(world, plan("dev") | {"project": "churn"})
    write(world, plan("dev") | {"project": "churn"})  # has nothing new to say
    assert stages(world) == [["dev", "tst", "churn/dev"]]
    assert len(world.server.sent(world.creates)) == 1
    assert len(world.server.sent(world.edits)) == 2


def test_the_dialect_is_the_forges_own(world: World) -> None:
    document = typical() | {"refusal": "too many /close @all"}
    write(world, document)
    (body,) = world.bodies()
    wanted = compose({}, [document], run_url=RUN, dialect=world.forge.dialect)
    assert body.rstrip() == wanted.rstrip()
    assert world.forge.dialect.name in type(world.forge).__module__


def test_every_note_is_read_whatever_the_pages(world: World) -> None:
    for number in range(250):
        world.add(str(number), True)
    assert [note.body for note in world.forge.notes(7)] == [str(number) for number in range(250)]
    world.server.max_per_page = 30  # a server may give less than it was asked for
    assert len(world.forge.notes(7)) == 250


def test_a_foreign_note_with_our_hidden_head_is_left_alone(world: World) -> None:
    forged = compose({}, [plan("prd")], run_url=RUN)
    world.add(forged, False)
    write(world)
    assert world.bodies()[0] == forged
    assert stages(world) == [["prd"], ["dev"]]
    assert [note.author.lower() for note in own_notes(world.forge, 7)] == [world.me.lower()]


@pytest.mark.parametrize("fault", [Reply(502, done=True), Reply(502), DROP, Reply(504, PAGE, HTML)])
def test_an_answer_that_is_lost_twice_leaves_one_comment(world: World, fault: Reply) -> None:
    world.server.fail(world.creates, fault, fault)
    write(world)
    assert stages(world) == [["dev"]]


def test_a_create_whose_answer_is_lost_is_not_repeated_by_itself(world: World) -> None:
    world.server.fail(world.creates, Reply(500))
    with pytest.raises(LostAnswer):
        world.forge.add_note(7, "x", "plan")
    assert len(world.server.sent(world.creates)) == 1


def test_a_note_deleted_meanwhile_is_made_anew(world: World) -> None:
    world.add(compose({}, [plan("prd")], run_url=RUN), True)
    world.server.fail(world.edits, world.forget)
    write(world)
    assert [found[-1] for found in stages(world)] == ["dev"]


def test_two_notes_of_ours_become_one(world: World) -> None:
    world.add(compose({}, [plan("prd")], run_url=RUN), True)
    world.add(compose({}, [plan("tst")], run_url=RUN), True)
    world.server.fail(world.removes, Reply(404, world.refusal(404, "gone").body, done=True))
    write(world)
    assert stages(world) == [["prd", "tst", "dev"]]


def test_another_writers_section_is_kept(world: World) -> None:
    def meanwhile() -> None:
        world.add(compose({}, [typical("tst")]), True)

    world.server.fail(world.creates, meanwhile)
    write(world)
    (found,) = stages(world)
    assert sorted(found) == ["dev", "tst"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Denied), (403, Denied), (404, NotFound), (409, Conflict), (422, PlatformError),
        (400, PlatformError),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_the_forges_words(
    world: World, status: int, error: type[CicdError]
) -> None:
    for pattern, call in (
        (world.reads, lambda: world.forge.notes(7)),
        (world.creates, lambda: world.forge.add_note(7, "x", "plan")),
    ):
        world.server.fail(pattern, world.refusal(status, "it must not be"))
        with pytest.raises(error, match=f"{world.forge.name} answers {status} .*it must not be"):
            call()
        assert len(world.server.sent(pattern)) == 1
    assert world.naps == []


@pytest.mark.parametrize("wish", [{"Retry-After": "7"}, {}], ids=["with a time", "without"])
def test_a_limit_is_waited_out_also_for_a_create(world: World, wish: dict[str, str]) -> None:
    limit = world.refusal(429, "too many requests")
    world.server.fail(world.creates, Reply(429, limit.body, wish))
    world.server.fail(world.reads, Reply(429, limit.body, wish))
    world.forge.add_note(7, "hi", "plan")
    assert len(world.forge.notes(7)) == 1
    assert world.naps == [7.0 if wish else LIMIT_PAUSE] * 2


def test_a_limit_that_asks_for_too_long_is_told(world: World) -> None:
    limit = world.refusal(429, "too many requests")
    world.server.fail(world.reads, Reply(429, limit.body, {"Retry-After": "3600"}))
    with pytest.raises(Throttled, match="429"):
        world.forge.notes(7)
    assert world.naps == []


@pytest.mark.parametrize("fault", [Reply(500), Reply(502, PAGE, HTML), Reply(503), DROP])
def test_reads_and_edits_are_repeated(world: World, fault: Reply) -> None:
    world.add("old", True)
    world.server.fail(world.reads, fault, fault)
    world.server.fail(world.edits, fault)
    (note,) = world.forge.notes(7)
    world.forge.change_note(7, note, "new")
    assert world.bodies() == ["new"]


def test_it_gives_up_in_the_end(world: World) -> None:
    world.server.fail(world.reads, *[Reply(503)] * ATTEMPTS)
    with pytest.raises(PlatformError, match="answers 503 to GET"):
        world.forge.notes(7)
    assert len(world.server.sent(world.reads)) == ATTEMPTS


@pytest.mark.parametrize("status", [200, 203])
def test_a_page_in_place_of_an_answer_ends_as_a_failed_login(world: World, status: int) -> None:
    world.server.fail(world.reads, Reply(status, PAGE, HTML))
    with pytest.raises(ConnectionFailed) as caught:
        world.forge.notes(7)
    assert caught.value.exit_code == 4
    assert caught.value.hint.startswith("check ")
    assert "proxy" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 203])
def test_a_page_in_answer_to_a_create_makes_no_second_note(world: World, status: int) -> None:
    world.server.fail(world.creates, Reply(status, PAGE, HTML, done=True))
    try:
        write(world)
    except ConnectionFailed:  # nobody was logged in, as far as Azure tells
        write(world)
    assert stages(world) == [["dev"]]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed_and_none_gets_the_token(world: World, status: int) -> None:
    with world_of("github") as elsewhere:
        target = {"Location": f"{elsewhere.server.url}/user"}
        world.server.fail(world.reads, Reply(status, {"message": "moved"}, target))
        world.server.fail(world.creates, Reply(status, {"message": "moved"}, target))
        with pytest.raises(PlatformError):
            world.forge.notes(7)
        with pytest.raises(PlatformError):
            world.forge.add_note(7, "x", "plan")
        assert elsewhere.server.requests == []


def test_no_list_leads_the_token_elsewhere(world: World) -> None:
    with world_of("gitlab") as elsewhere:
        link = {"Link": f'<{elsewhere.server.url}/api/v4/user>; rel="next"'}
        world.server.fail(world.reads, Reply(200, [], link))
        with pytest.raises(PlatformError):
            world.forge.notes(7)
        assert elsewhere.server.requests == []


@pytest.mark.parametrize("body", [None, [], {}, "text", {"value": 7}, [None], [{"id": None}]])
def test_an_answer_of_another_shape_is_an_error_in_words(world: World, body: Any) -> None:
    if body == [] and world.forge.name != "Azure DevOps":
        assert world.forge.notes(7) == []
        return
    world.server.fail(world.reads, Reply(200, body))
    with pytest.raises(ConnectionFailed, match="does not answer as"):
        world.forge.notes(7)


def test_no_error_holds_the_token(world: World) -> None:
    echo = world.refusal(403, f"no {world.token}")
    world.server.fail(world.creates, DROP, echo, world.refusal(422, "no"))
    for _ in range(3):
        with pytest.raises(CicdError) as caught:
            world.forge.add_note(7, "hi", "plan")
        shown = "".join(traceback.format_exception(caught.value))
        assert world.token not in shown + repr(caught.value) + str(vars(caught.value))


def test_a_missing_change_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        write_comment(world.forge, 8, [typical()])


def test_a_huge_plan_fits(world: World) -> None:
    write(world, big("dev", 1200), big("tst", 1200))
    (body,) = world.bodies()
    assert len(body) <= world.forge.dialect.limit
    assert "left out" in body or world.forge.name == "GitLab"
