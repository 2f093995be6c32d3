"""Everything that can be asked for: one table, and what answers each line of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from cicd.page.access import Access, Session
from cicd.page.known import Known
from cicd.page.overview import MOST_STAGES, Asked, Seen, overview
from cicd.page.reading import Document, RunFacts, Stages, Standing
from cicd.page.templates import assets, render
from cicd.page.views import PastAsked, history_page, run_page, stage_page

FIRST, SOON, LATER = 1, 3, 15
"""Seconds after which a page that is looked at asks again: while something is read for the first
time, while something moves, else."""


class Site:
    """What the answers are made of: what is known of the stages of one project."""

    def __init__(self, title: str, stages: Stages, pool: Executor) -> None:
        self.title = title
        self.names = list(stages.arguments)
        self.standings: Known[Standing] = Known(stages.standing, pool)
        self.plans: Known[Document] = Known(stages.plan, pool)
        self.pasts: Known[Document] = Known(stages.past, pool)
        self.runs: Known[RunFacts] = Known(lambda name: stages.run(*name.split("\n")), pool)

    def warm(self) -> None:
        """Begin to read what is looked at first."""
        for name in self.names[:MOST_STAGES]:
            self.standings.look(name, patience=0)
            self.plans.look(name, patience=0)

    def seen(self, name: str) -> Seen:
        plan = self.plans.look(name, patience=0)
        return Seen(name, self.standings.look(name), plan)

    def forget(self) -> None:
        """Read everything again that is looked at."""
        for name in self.names:
            for known in (self.standings, self.plans, self.pasts):
                known.forget(name)


@dataclass(frozen=True)
class Request:
    """What somebody asks for; ``session`` is None for who has not come in."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    session: Session | None = None


Answer = Callable[[Site, Access, Request], Response]


@dataclass(frozen=True)
class Line:
    """``role``: who may, empty for everybody; ``csrf``: whether it takes a form of ours alone."""

    path: str
    method: str
    role: str
    csrf: bool
    answer: Answer


def page(template: str, request: Request, site: Site, *, status: int = 200, **values: Any) -> Any:
    """A page as an answer; ``again``: seconds after which it asks for itself again, 0 for never."""
    values = {"here": "", "again": 0, "back": "/", **values}
    csrf = request.session.csrf if request.session else ""
    html = render(template, site=site.title, csrf=csrf, **values)
    return HTMLResponse(html, status)


def pause(*, is_new: bool, is_moving: bool, is_reading: bool = False) -> int:
    """Seconds after which a page asks again."""
    return FIRST if is_new else SOON if is_moving or is_reading else LATER


def not_found(site: Site, request: Request, what: str) -> Response:
    answer: Response = page("problem.html", request, site, status=404, title="Not found", text=what)
    return answer


def enter(site: Site, access: Access, request: Request) -> Response:
    """The link that was printed: the browser gets its session, and the code leaves the address."""
    token = access.enter(request.query.get("code", ""))
    if token is None:
        text = "This link was used or is too old. `cicd page` prints a new one when it is started."
        answer: Response = page(
            "problem.html",
            request,
            site,
            status=403,
            title="This link is no longer good",
            text=text,
        )
        return answer
    come_in = RedirectResponse("/", 303)
    come_in.set_cookie(access.cookie, token, httponly=True, samesite="lax", path="/")
    return come_in


def show_overview(site: Site, access: Access, request: Request) -> Response:
    query = request.query
    wanted = [name for name in query.get("stages", "").split(",") if name in site.names]
    number = query.get("page", "1")
    asked = Asked(
        query.get("q", "")[:100],
        query.get("kind", ""),
        query.get("state", ""),
        query.get("only") == "differences",
        tuple(wanted),
        int(number) if number.isdecimal() and len(number) < 6 else 1,
    )
    names = (wanted or site.names)[:MOST_STAGES]
    # each is begun before any is waited for
    for name in names:
        site.standings.look(name, patience=0)
    view = overview(
        [site.seen(name) for name in names], asked, [n for n in site.names if n not in names]
    )
    is_new = any(column.state.word.text == "Reading" for column in view.columns)
    again = pause(is_new=is_new, is_moving=view.is_moving)
    answer: Response = page(
        "overview.html", request, site, view=view, here="overview", again=again, back="/"
    )
    return answer


def show_stage(site: Site, access: Access, request: Request) -> Response:
    name = request.path["stage"]
    if name not in site.names:
        return not_found(site, request, f"There is no stage {name} here.")
    past = site.pasts.look(name, patience=0)
    view = stage_page(site.seen(name), past)
    is_new = view.state.word.text == "Reading" or view.is_past_new
    again = pause(is_new=is_new, is_moving=view.is_moving)
    answer: Response = page("stage.html", request, site, view=view, again=again)
    return answer


def show_run(site: Site, access: Access, request: Request) -> Response:
    name, id = request.path["stage"], request.path["id"]
    if name not in site.names or "\n" in id:
        return not_found(site, request, f"There is no stage {name} here.")
    found = site.runs.look(f"{name}\n{id}")
    view = run_page(name, id, found)
    if view is None and found.problem:
        return not_found(site, request, found.problem)
    again = pause(is_new=view is None, is_moving=view.is_moving if view else True)
    answer: Response = page("run.html", request, site, view=view, id=id, stage=name, again=again)
    return answer


def show_history(site: Site, access: Access, request: Request) -> Response:
    query = request.query
    asked = PastAsked(query.get("stage", ""), query.get("result", ""), query.get("q", "")[:100])
    names = [asked.stage] if asked.stage in site.names else site.names
    for name in names:
        site.pasts.look(name, patience=0)
    pasts = [(name, site.pasts.look(name)) for name in names]
    view = history_page(pasts, asked, site.names)
    is_new = any(past.is_new for _, past in pasts)
    again = pause(is_new=is_new, is_moving=False)
    answer: Response = page("history.html", request, site, view=view, here="history", again=again)
    return answer


def read_again(site: Site, access: Access, request: Request) -> Response:
    """Whoever does not want to wait: everything is read anew."""
    site.forget()
    back = request.form.get("back", "/")
    is_ours = back.startswith("/") and not back.startswith("//") and "\\" not in back
    return RedirectResponse(back if is_ours and back.isprintable() else "/", 303)


def show_asset(site: Site, access: Access, request: Request) -> Response:
    found = [one for one in assets().values() if one.name == request.path["name"]]
    if not found:
        return not_found(site, request, "There is no such file.")
    kept = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(found[0].content, media_type=found[0].media_type, headers=kept)


def show_icon(site: Site, access: Access, request: Request) -> Response:
    icon = assets()["icon.svg"]
    return Response(icon.content, media_type=icon.media_type)


ROUTES = (
    Line("/enter", "GET", "", False, enter),
    Line("/favicon.ico", "GET", "", False, show_icon),
    Line("/assets/{name}", "GET", "", False, show_asset),
    Line("/", "GET", "viewer", False, show_overview),
    Line("/stages/{stage:path}", "GET", "viewer", False, show_stage),
    Line("/runs/{stage:path}/{id}", "GET", "viewer", False, show_run),
    Line("/history", "GET", "viewer", False, show_history),
    Line("/read-again", "POST", "viewer", True, read_again),
)
