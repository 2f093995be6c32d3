"""What the pages show, from what was read: words, differences, and texts of others as text."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from cicd.model import LogEntry, MetricPoint, State, Track
from cicd.page.known import Look
from cicd.page.overview import Asked, Overview, Seen, general_key, overview
from cicd.page.reading import Document, RunFacts, Standing
from cicd.page.states import of_stage
from cicd.page.templates import render
from cicd.page.views import PastAsked, history_page, run_page, safe_link, stage_page
from cicd.render.comparison import Compared, compare

THEN = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOSTILE = [
    "<script>alert(1)</script>",
    "</div><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;&#60;b>",
    "]]><!-- <b>",
    "\x1b[31mred\x1b[0m\x00\x07",
    "\u202eevil\u2066",
    "javascript:alert(1)",
]


def row(key: str, state: str = "RUNNING", stage: str = "dev", **more: Any) -> dict[str, Any]:
    return {
        "stage": stage,
        "key": key,
        "status": state,
        "id": f"id-{key[-5:]}",
        "state": state,
    } | more


def standing(*rows: dict[str, Any], runs: tuple[Compared, ...] = ()) -> Look[Standing]:
    found = Standing("toy", "place", rows, runs, run_kinds=frozenset({"job"}))
    return Look(found, THEN)


def plan(*changes: tuple[str, str], **more: Any) -> Look[Document]:
    listed = [{"key": key, "action": action, "fields": []} for key, action in changes]
    return Look({"changes": listed, **more}, THEN)


def run(label: str, **more: Any) -> Compared:
    return Compared(label, "id-1", "COMPLETED", State.SUCCEEDED, **more)


@pytest.mark.parametrize(
    ("found", "planned", "word"),
    [
        (Look(is_reading=True), plan(), "Reading"),
        (Look(problem="no answer"), plan(), "Unknown"),
        (Look(standing(row("web/a")).value, THEN, "no answer"), plan(), "Unknown"),
        (standing(row("web/a")), plan(), "Synced"),
        (standing(row("web/a")), plan(("web/a", "no_op")), "Synced"),
        (standing(row("web/a")), plan(("web/a", "update")), "OutOfSync"),
        (
            standing(row("web/a")),
            plan(("web/a", "update"), lifecycle={"waits": ["web/a"]}),
            "Waiting",
        ),
        (standing(row("web/a")), Look(is_reading=True), "Reading"),
        (standing(row("web/a")), Look(problem="file.yaml:1:1: wrong"), "Degraded"),
        (standing(row("web/a", "FAILED")), plan(("web/a", "update")), "Degraded"),
        (standing(row("job/a", "SUCCEEDED", unmet=["r2"])), plan(), "Degraded"),
        (standing(row("job/a")), plan(), "Progressing"),
        (standing(row("web/a", "PENDING")), plan(("web/a", "update")), "Progressing"),
        (standing(row("web/a", "STOPPED")), plan(), "Synced"),
        (standing(), plan(("web/a", "create")), "OutOfSync"),
    ],
)
def test_a_stage_is_as_its_worst_part(
    found: Look[Standing], planned: Look[Document], word: str
) -> None:
    state = of_stage(found, planned)
    assert state.word.text == word and state.reason and state.word.sign


def look_at(*stages: tuple[str, Look[Standing]], **asked: Any) -> Overview:
    return overview([Seen(name, found, plan()) for name, found in stages], Asked(**asked))


@pytest.mark.parametrize(
    ("dev", "prd", "why"),
    [
        (standing(row("web/a")), standing(row("web/a")), ""),
        (standing(row("web/a"), row("web/b")), standing(row("web/b")), "not in prd"),
        (
            standing(row("web/a", model_name="m1")),
            standing(row("web/a", model_name="m2")),
            "version",
        ),
        (standing(row("web/a")), standing(row("web/a", "FAILED")), "status"),
        (standing(row("web/a")), standing(row("web/a", id="")), ""),  # prd has nothing at all
        (standing(row("web/a")), Look(problem="no answer"), ""),
        (
            standing(row("job/a"), runs=(run("job/a", parameters={"lr": "1", "n": "2"}),)),
            standing(row("job/a"), runs=(run("job/a", parameters={"lr": "3", "n": "2"}),)),
            "lr",
        ),
    ],
)
def test_the_overview_says_in_what_stages_differ(
    dev: Look[Standing], prd: Look[Standing], why: str
) -> None:
    view = look_at(("dev", dev), ("prd", prd))
    lines = [line for _, group in view.groups for line in group]
    assert next(line for line in lines if line.name == "a").why == why
    only = look_at(("dev", dev), ("prd", prd), only_differences=True)
    assert only.count == bool(why)


@pytest.mark.parametrize(
    ("key", "stage", "general"),
    [
        ("destination/SERVE_dev", "dev", "destination/SERVE_<stage>"),
        ("group/churn-prd", "prd", "group/churn-<stage>"),
        ("web/dev", "dev", "web/dev"),
        ("web/nodev", "dev", "web/nodev"),
        ("web/a-dev", "", "web/a-dev"),
    ],
)
def test_what_is_named_after_its_stage_is_one_thing_in_all(
    key: str, stage: str, general: str
) -> None:
    assert general_key(key, stage) == general


def test_a_thousand_things_are_shown_a_hundred_at_a_time_what_differs_first() -> None:
    dev = standing(*(row(f"web/{n:04}") for n in range(1000)))
    prd = standing(*(row(f"web/{n:04}", "FAILED" if n == 777 else "RUNNING") for n in range(1000)))
    view = look_at(("dev", dev), ("prd", prd))
    assert (view.count, view.pages) == (1000, 10)
    lines = view.groups[0][1]
    assert len(lines) == 100 and lines[0].name == "0777"
    last = look_at(("dev", dev), ("prd", prd), page=99)
    assert last.asked.page == 10 and last.groups[0][1][-1].name == "0999"
    found = look_at(("dev", dev), ("prd", prd), text="077", only_differences=True)
    assert found.count == 1


class Elements(HTMLParser):
    """Every element of a page with the names of its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]


def pages_of(text: str) -> dict[str, str]:
    """Each page with this text in every field that a platform, a commit or a log fills."""
    told = row(
        f"job/{text}", text_name=text, message=text, notes=[text], url=text, link=text, status=text
    )
    told["state"] = "SUCCEEDED"
    points = tuple(MetricPoint(text, float(n), n, labels={text: text}) for n in range(3))
    one = run(
        f"job/{text}",
        commit=text,
        about={text: text},
        link=text,
        parameters={text: text},
        inputs={text: text},
        track=Track(points, {text: text}),
        started=text,
    )
    value = Standing(text, text, (told,), (one,), {}, (text,), {"plan": text, "apply": text})
    field = {"path": text, "before": text, "after": text, "reason": text}
    change = {"key": text, "action": "update", "consequence": text, "fields": [field], "id": text}
    change |= {"templates": [text], "causes": [field]}
    document: Document = {
        "stage": text,
        "commit": text,
        "changes": [change],
        "warnings": [text],
        "hints": [text],
        "refusal": text,
        "lifecycle": {"waits": [text], "missing": [text], "notes": [text]},
    }
    apply = dict.fromkeys(
        ("at", "commit", "by", "author", "subject", "approved_by", "result"), text
    )
    made = {"key": text, "what": text, "id": text, "status": text}
    source = {"name": text, "problem": text}
    known: Document = {"applies": [apply | {"link": text, "changes": [made]}], "sources": [source]}
    past = Look(known, THEN)
    seen = Seen("dev", Look(value, THEN, text), Look(document, THEN))
    facts = RunFacts(
        text, one, compare("dev", [one]), {text: text}, {}, text, (LogEntry(1, text),), text, True,
        {"follow": text, "explain": text}, True,
    )  # fmt: skip
    frame: dict[str, Any] = {"site": text, "csrf": "0", "again": 0, "here": ""}
    view = overview([seen], Asked(text="", kind=""))
    run_view = run_page("dev", "x", Look(facts, THEN))
    applies = history_page([("dev", past)], PastAsked(), ["dev"])
    return {
        "overview": render("overview.html", view=view, **frame),
        "stage": render("stage.html", view=stage_page(seen, past), **frame),
        "run": render("run.html", view=run_view, id="x", stage="dev", **frame),
        "history": render("history.html", view=applies, **frame),
        "problem": render("problem.html", title=text, text=text, **frame),
    }  # fmt: skip


@pytest.fixture(scope="module")
def harmless() -> dict[str, Elements]:
    return {name: Elements(html) for name, html in pages_of("harmless").items()}


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_others_write_is_text_on_every_page(
    text: str, harmless: dict[str, Elements]
) -> None:
    for name, html in pages_of(text).items():
        page = Elements(html)
        assert page.found == harmless[name].found, name
        assert all(link.startswith(("/", "#")) for link in page.links), name
        assert all(char.isprintable() or char == "\n" for char in html), name


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://example.com/a?b=c#d", True),
        ("http://127.0.0.1:80/x", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.com", False),
        ("https://", False),
        ("https://a b", False),
        ("java\nscript:alert(1)", False),
        ("http://[::1", False),
        (None, False),
    ],
)
def test_only_addresses_of_the_web_are_links(url: str | None, is_safe: bool) -> None:
    assert safe_link(url) == (url if is_safe else "")


def test_metrics_have_charts_and_the_same_in_words() -> None:
    points = tuple(MetricPoint("loss", 1 / n, n) for n in range(1, 5))
    one = run("job/a", track=Track(points))
    facts = RunFacts(
        "job/a", one, compare("dev", [one]), {}, {}, "", (), "", False, {"follow": ""}, True
    )
    view = run_page("dev", "id-1", Look(facts, THEN))
    assert view and [chart.name for chart in view.charts] == ["loss"]
    assert "4 values, from 1 to 0.25" in view.charts[0].told
    assert view.metrics == (("loss", "0.25", "0.25", "1", 4),)
