"""Who may ask the page for what: every route of the table, by every wrong way in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from cicd.automation.project import Project
from cicd.page.access import LINK_LASTS, SESSION_LASTS, Access
from cicd.page.app import create_app, may
from cicd.page.guard import HEADERS
from cicd.page.reading import Stages
from cicd.page.routes import ROUTES, Line, Site
from cicd.page.templates import assets
from tests.page.served import Served, served

PATHS = {
    "/enter": "/enter?code=wrong",
    "/favicon.ico": "/favicon.ico",
    "/assets/{name}": f"/assets/{assets()['page.css'].name}",
    "/": "/",
    "/stages/{stage:path}": "/stages/dev",
    "/runs/{stage:path}/{id}": "/runs/dev/e1234567",
    "/history": "/history",
    "/read-again": "/read-again",
}
"""An address of each route; a new route has to get one."""
OPEN = {"/enter": 403, "/favicon.ico": 200, "/assets/{name}": 200}
"""What everybody may ask for, and what becomes of it."""


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """A project whose one stage cannot be read."""
    root = tmp_path_factory.mktemp("broken")
    (root / "stages").mkdir()
    (root / "stages/dev.yaml").write_text(
        "stage: dev\naicore: {resource_group: <b>x</b>}\nbad: 1\n"
    )
    return Stages(Project(root, {}), {"dev": str(root / "stages/dev.yaml")})


@pytest.fixture(scope="module")
def outside(broken: Stages) -> Iterator[Served]:
    with served(broken) as page:
        yield page


@pytest.fixture(scope="module")
def inside(broken: Stages) -> Iterator[Served]:
    with served(broken) as page:
        assert page.come_in().status == 303
        yield page


def test_the_table_lists_every_route_of_the_application(broken: Stages) -> None:
    with ThreadPoolExecutor(1) as pool:
        guard = create_app(Site("project", broken, pool), Access(1))
    assert isinstance(guard.app, Starlette)
    routes = [route for route in guard.app.routes if isinstance(route, Route)]
    served = {(route.path, method) for route in routes for method in route.methods or ()}
    heads = {(path, "HEAD") for path, method in served if method == "GET"}
    assert served - heads == {(line.path, line.method) for line in ROUTES}
    assert {line.path for line in ROUTES} == PATHS.keys()
    assert all(line.csrf for line in ROUTES if line.method != "GET")


@pytest.mark.parametrize("line", ROUTES, ids=lambda line: line.path)
def test_who_has_no_session_gets_nothing_of_a_stage(line: Line, outside: Served) -> None:
    headers = {"Origin": outside.origin} if line.method == "POST" else {}
    answer = outside.ask(PATHS[line.path], line.method, headers)
    assert answer.status == OPEN.get(line.path, 401)
    assert "resource_group" not in answer.text


@pytest.mark.parametrize("line", ROUTES, ids=lambda line: line.path)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "[::1]:80", "127.0.0.1.evil:80"])
def test_another_host_name_gets_no_answer(line: Line, host: str, inside: Served) -> None:
    answer = inside.ask(PATHS[line.path], line.method, {"Host": host})
    assert answer.status == 421


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "SELF", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "SELF", "Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_a_form_of_another_site_is_not_taken(headers: dict[str, str], inside: Served) -> None:
    sent = {name: inside.origin if text == "SELF" else text for name, text in headers.items()}
    form = {"csrf": csrf_of(inside), "back": "/"}
    assert inside.ask("/read-again", "POST", sent, form).status == 403


@pytest.mark.parametrize("csrf", ["", "0" * 64, "ü", "another"])
def test_a_form_that_we_have_not_shown_is_not_taken(csrf: str, inside: Served) -> None:
    answer = inside.ask("/read-again", "POST", {"Origin": inside.origin}, {"csrf": csrf})
    assert answer.status == 403 and "too old" in answer.text


@pytest.mark.parametrize(
    ("back", "goes"),
    [
        ("/history", "/history"),
        ("//evil.example", "/"),
        ("http://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nSet-Cookie: a=b", "/"),
    ],
)
def test_a_form_of_ours_is_taken_and_leads_nowhere_else(
    back: str, goes: str, inside: Served
) -> None:
    form = {"csrf": csrf_of(inside), "back": back}
    answer = inside.ask("/read-again", "POST", {"Origin": inside.origin}, form)
    assert (answer.status, answer.headers["location"]) == (303, goes)


def test_a_form_that_is_too_long_is_not_read(inside: Served) -> None:
    form = {"csrf": "0" * 70_000}
    assert inside.ask("/read-again", "POST", {"Origin": inside.origin}, form).status == 413


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 200),
        ("/nowhere", "GET", 404),
        ("/stages/none", "GET", 404),
        ("/runs/none/x", "GET", 404),
        ("/assets/page.css", "GET", 404),
        ("/", "DELETE", 403),
        ("/read-again", "GET", 405),
    ],
)
def test_every_answer_has_the_headers_that_keep_it_safe(
    path: str, method: str, status: int, inside: Served
) -> None:
    answer = inside.ask(path, method)
    assert answer.status == status
    assert HEADERS.items() <= answer.headers.items()
    assert "server" not in answer.headers


def test_the_link_opens_the_page_once_and_its_code_leaves_the_address(broken: Stages) -> None:
    with served(broken) as page:
        path = page.access.link.removeprefix(page.origin)
        assert page.ask(path, "HEAD").status == 405  # who only looks uses nothing up
        first = page.ask(path)
        assert (first.status, first.headers["location"]) == (303, "/")
        cookie = first.headers["set-cookie"]
        assert cookie.startswith(f"cicd_{page.access.port}=")
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie
        again = page.ask(path)
        assert again.status == 403 and "set-cookie" not in again.headers
        assert page.ask("/", cookie=cookie.partition(";")[0]).status == 200
        forged = ["", "cicd_1=x", f"cicd_{page.access.port}=forged", "=;;", "a" * 5000]
        assert {page.ask("/", cookie=text).status for text in forged} == {401}


def test_links_and_sessions_end_by_themselves() -> None:
    now = [0.0]
    late = Access(1, lambda: now[0])
    now[0] = LINK_LASTS + 1
    assert late.enter(late.link.partition("=")[2]) is None
    access = Access(1, lambda: now[0])
    token = access.enter(access.link.partition("=")[2])
    assert token and access.session(f"cicd_1={token}")
    now[0] += SESSION_LASTS
    assert access.session(f"cicd_1={token}") is None


def test_a_role_may_what_those_before_it_may() -> None:
    assert may("approver", "viewer") and may("viewer", "viewer")
    assert not may("viewer", "operator") and not may("operator", "approver")
    assert not may("", "viewer") and not may("admin", "viewer")


def test_a_stage_that_cannot_be_read_says_why_and_all_else_is_shown(inside: Served) -> None:
    inside.ask("/")
    for path in ("/", "/stages/dev", "/history"):
        answer = inside.ask(path)
        assert answer.status == 200 and "<b>x</b>" not in answer.text
    overview = inside.ask("/").text
    assert "Unknown" in overview and "bad" in overview


def test_only_assets_are_kept_by_browsers_and_they_are_small(inside: Served) -> None:
    found = inside.ask(PATHS["/assets/{name}"])
    assert "immutable" in found.headers["cache-control"]
    size = {name: len(one.content) for name, one in assets().items()}
    assert size["page.css"] <= 20_000 and size["page.js"] <= 6_000


def test_no_template_calls_anything_safe() -> None:
    pages = list((Path(__file__).parents[2] / "cicd/page/pages").glob("*.html"))
    assert len(pages) > 4
    wrong = r"\|\s*safe|autoescape|style=|\son\w+=|<style|javascript:"
    assert not [page.name for page in pages if re.search(wrong, page.read_text("utf-8"))]


def csrf_of(page: Served) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', page.ask("/").text)
    assert found
    return found[1]
