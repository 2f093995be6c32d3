"""Lists behind servers and gateways of every sort: whole, or an error, and never "not there"."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from pytest_mock import MockerFixture

from cicd.errors import ConnectionFailed
from cicd.model import Action, Stage
from cicd.plan import make_plan
from cicd.platforms.aicore import rest
from cicd.platforms.aicore.kinds import KINDS
from cicd.platforms.aicore.listing import DISAGREEMENTS, Listing, find_in
from cicd.platforms.base import Platform
from tests.benchmarks.test_request_budget import COMMIT, resources, synced
from tests.platforms.aicore_world import ARTIFACT, stage
from tests.platforms.spoilt_aicore import Spoilt, actions, applied
from tests.platforms.stub_server import Reply, Request, StubServer

Count = Callable[[int, int], Any]
"""Items on this page, items in all -> what the answer says of the count."""
COUNTS: dict[str, Count] = {
    "of the list": lambda _, total: total,
    "of the page": lambda page, _: page,
    "as a text": lambda _, total: str(total),
    "null": lambda *_: None,
    "as a fraction": lambda _, total: float(total),
}


@pytest.fixture(autouse=True)
def hurry(mocker: MockerFixture) -> None:
    """Nobody waits between two readings."""
    mocker.patch.dict(rest.Http.__init__.__kwdefaults__ or {}, {"sleep": lambda _: None})


def items(total: int) -> list[dict[str, Any]]:
    """So many artifacts, of which the last is the one that is wanted."""
    others = [{"id": f"i{n}", "name": "other"} for n in range(total - 1)]
    return [*others, {"id": "wanted", **ARTIFACT.spec, "scenarioId": "s"}]


def serve(
    stub: StubServer,
    total: int,
    cut: Callable[[int], int],
    count: Count | None,
    *,
    knows_skip: bool = True,
) -> None:
    """Artifacts in pages of which the ``n``-th has at most ``cut(n)`` items."""
    held, asked = items(total), iter(range(10**6))

    def answer(request: Request) -> Reply:
        skip = int(request.query.get("$skip", 0)) if knows_skip else 0
        page = held[skip:][: min(int(request.query["$top"]), cut(next(asked)))]
        told = {} if count is None else {"count": count(len(page), total)}
        return Reply(200, {**told, "resources": page})

    stub.on("GET", "/v2/lm/artifacts", answer)


def planned(platform: Platform) -> tuple[Action, str]:
    (change,) = make_plan(
        stage(), [ARTIFACT], platform.read([ARTIFACT]), KINDS, created_at=""
    ).changes
    return change.action, change.id


@pytest.mark.parametrize("count", [*COUNTS, "missing"])
@pytest.mark.parametrize(
    ("cap", "total"), [(1, 2), (1, 7), (30, 95), (100, 250), (100, 200), (1000, 2501)]
)
def test_a_gateway_that_cuts_pages_hides_nothing(
    platform: Platform, stub: StubServer, cap: int, total: int, count: str
) -> None:
    serve(stub, total, lambda _: cap, COUNTS.get(count))
    assert planned(platform) == (Action.NO_OP, "wanted")


@pytest.mark.parametrize("lacks", [1, 2, 40])
@pytest.mark.parametrize(("cap", "total"), [(100, 250), (30, 95), (1000, 2501)])
def test_a_count_from_a_moment_ago_hides_nothing(
    platform: Platform, stub: StubServer, cap: int, total: int, lacks: int
) -> None:
    """Somebody adds while it is read, or the count is kept for a while."""
    serve(stub, total, lambda _: cap, lambda page, all: max(page, all - lacks))
    assert planned(platform) == (Action.NO_OP, "wanted")


@pytest.mark.parametrize("behind", [1, 7, 29])
def test_pages_that_overlap_hide_nothing(platform: Platform, stub: StubServer, behind: int) -> None:
    """Things were added in front while it was read; its count is right."""
    held = items(200)

    def answer(request: Request) -> Reply:
        skip = max(0, int(request.query.get("$skip", 0)) - behind)
        return Reply(200, {"count": 200, "resources": held[skip : skip + 30]})

    stub.on("GET", "/v2/lm/artifacts", answer)
    assert planned(platform) == (Action.NO_OP, "wanted")


@pytest.mark.parametrize("count", [*COUNTS, "missing"])
def test_pages_of_any_size_hide_nothing(platform: Platform, stub: StubServer, count: str) -> None:
    dice = random.Random(7)
    serve(stub, 300, lambda _: dice.randint(1, 40), COUNTS.get(count))
    assert planned(platform) == (Action.NO_OP, "wanted")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (lambda _, total: total + 1, "says that it has 251 items and gives 250"),
        (lambda *_: 10**30, "items and gives 250"),
        (lambda *_: 0, "says that it has 0 items and gives 100"),
        (lambda *_: 99, "says that it has 99 items and gives 100"),
        (lambda *_: "many", "count is no number"),
        (lambda *_: -1, "count is no number"),
        (lambda *_: [250], "count is no number"),
        (lambda *_: True, "count is no number"),
        (lambda *_: 2.5, "count is no number"),
    ],
)
def test_a_count_that_is_wrong_is_an_error(
    platform: Platform, stub: StubServer, told: Count, words: str
) -> None:
    serve(stub, 250, lambda _: 100, told)
    with pytest.raises(ConnectionFailed, match=words) as caught:
        platform.read([ARTIFACT])
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("total", "cap", "count", "is_right"),
    [
        (250, 1000, "of the page", True),
        (250, 1000, "missing", True),
        (250, 1000, "of the list", True),
        (250, 100, "of the list", False),
        (250, 100, "of the page", False),
        (250, 100, "missing", False),
        (2501, 1000, "missing", False),
    ],
)
def test_a_server_that_knows_no_skip_gives_all_or_an_error(
    platform: Platform,
    stub: StubServer,
    total: int,
    cap: int,
    count: str,
    is_right: bool,
) -> None:
    serve(stub, total, lambda _: cap, COUNTS.get(count), knows_skip=False)
    if is_right:
        assert planned(platform) == (Action.NO_OP, "wanted")
        return
    with pytest.raises(ConnectionFailed, match=r"again and again|says that it has"):
        platform.read([ARTIFACT])


def test_the_count_of_its_own_path_settles_it(platform: Platform, stub: StubServer) -> None:
    serve(stub, 200, lambda _: 1000, COUNTS["of the page"], knows_skip=False)
    stub.on("GET", "/v2/lm/artifacts/$count", Reply(200, "200"))
    assert planned(platform) == (Action.NO_OP, "wanted")
    stub.on("GET", "/v2/lm/artifacts/$count", Reply(200, "201"))
    with pytest.raises(ConnectionFailed, match="201 items and gives 200"):
        platform.read([ARTIFACT])


@pytest.mark.parametrize("is_paged", [True, False])
def test_a_list_that_shrinks_meanwhile_is_read_again(is_paged: bool) -> None:
    """What lies behind a deleted one moves to where we have been already."""
    held = [{"id": str(n)} for n in range(12)]

    def ask(path: str, params: Any) -> Any:
        page = held[int(params.get("$skip", 0)) :][:5]
        answer = {"count": len(held), "resources": list(page)}
        if len(held) == 12:
            del held[:3]
        return answer

    found = Listing(ask, "/x", {}, "x", is_paged, sleep=lambda _: None).read()
    assert {str(n) for n in range(3, 12)} <= {item["id"] for item in found}


def test_a_list_that_lacks_what_it_counts_is_asked_again_a_little_later_each_time() -> None:
    pauses: list[float] = []
    answer = {"count": 3, "resources": [{"id": "a"}, {"id": "b"}]}
    short = Listing(lambda path, params: answer, "/x", {}, "x", sleep=pauses.append)
    with pytest.raises(ConnectionFailed, match="3 items and gives 2"):
        short.read()
    assert pauses == [0.5 * (n + 1) for n in range(DISAGREEMENTS - 1)]


def pages_of(ids: str, size: int, asked: list[int]) -> Any:
    """A list of items with these ids, so many on a page; ``asked``: where each page began."""

    def ask(path: str, params: Any) -> Any:
        start = int(params.get("$skip", 0))
        asked.append(start)
        page = list(ids[start : start + size])
        return page, [{"id": one} for one in page if one in "bdz"]

    return ask


@pytest.mark.parametrize(
    ("wanted", "only_first_page", "expected", "asked"),
    [
        ("b", False, "b", [0]),
        ("bd", False, "bd", [0, 2]),
        ("bdz", False, "bd", [0, 2, 4, 5]),
        ("bd", True, "b", [0]),
        ("", False, "", []),
    ],
)
def test_a_list_is_read_until_all_that_is_wanted_is_found(
    wanted: str, *, only_first_page: bool, expected: str, asked: list[int]
) -> None:
    begun: list[int] = []
    ask = pages_of("abcde", 2, begun)
    found = find_in(ask, "/x", {}, set(wanted), only_first_page=only_first_page)
    assert "".join(item["id"] for item in found) == expected
    assert begun == asked


STAGE = Stage(
    "dev",
    "dev.yaml",
    "/",
    "aicore",
    {"resource_group": "rg"},
    None,
    tuple(resources(12)),
    commit=COMMIT,
)


@pytest.mark.parametrize("cap", [1, 5, 10])
def test_a_gateway_before_everything_makes_nothing_anew(cap: int) -> None:
    """Lists and what runs have recorded alike: 12 runs and 24 configurations."""

    def cut(method: str, path: str, status: int, content: Any) -> tuple[int, Any]:
        if method == "GET" and path.endswith("/metrics"):
            content = {"resources": content["resources"][:cap]}
        return status, content

    world = Spoilt(lists=synced().lists, after=cut, page=cap)
    (first, _), (second, _) = applied(world, STAGE, times=2)
    assert Action.RUN in actions(first)
    assert actions(second) == {Action.NO_OP}
