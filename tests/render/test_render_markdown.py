"""A stage's section of a pull-request comment: what it says, that it is safe, that it fits."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cicd.render.html import render_page
from cicd.render.markdown import escape, render_section
from cicd.words import printable
from tests.render.render_sample import (
    DOCUMENT,
    NOTHING,
    a_change,
    a_document,
    a_field,
    is_golden,
)

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
NASTY = st.text(
    st.one_of(st.sampled_from("`*_~[]()<>!#@|:/\\&$-+=.>{}\"'\n\r\t 1aw"), st.characters()),
    max_size=60,
) | st.sampled_from(
    [
        "@octocat",
        "someone@example.com",
        "#1 GH-2 org/repo#3",
        "https://example.com www.example.com",
        "[x](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "</details></code><script>",
        "<!-- -->",
        "```\n# x",
        "|a|b|\n|-|-|",
        "    code",
        "1) list",
        ":tada: $x$ $`x`$",
        "&lt;b&gt; &#64;x",
        "> [!CAUTION]",
        "\u202e\u200b\ud800",
    ]
)


class Shown(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        assert not attrs or tag in {"code", "section", "ol"}, (tag, attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def squeezed(text: str) -> str:
    return re.sub(" +", " ", text.replace("\u200b", "")).strip()


def test_the_section_as_it_is_to_look() -> None:
    assert is_golden("section.md", render_section(DOCUMENT))


def test_no_changes_in_one_line() -> None:
    assert render_section(NOTHING) == "### Stage <code>dev</code>: no changes (1 unchanged)\n"


def test_deletes_and_replaces_are_named_outside_the_fold() -> None:
    outside = render_section(DOCUMENT).partition("<details>")[0]
    assert "> [!CAUTION]" in outside
    assert "deployment/other" in outside
    assert "**Deletes 1:**" in outside
    harmless = a_document(a_change("artifact/a", "create", "new"))
    assert "CAUTION" not in render_section(harmless)


@given(NASTY)
def test_nothing_becomes_markup(text: str) -> None:
    shown = Shown(GITHUB.render(escape(text)))
    assert set(shown.tags) <= {"p", "span"}
    assert shown.tags.count("span") == text.count("$")
    assert squeezed(shown.text) == squeezed(printable(text))


@given(NASTY)
def test_nothing_is_left_for_github_to_find_in_the_text(text: str) -> None:
    shown = Shown(GITHUB.render(escape(text))).text
    found = r"@\w|\w@\w|#\d|\bGH-\d|://\S|www\.\w|:\w+:"
    assert not re.search(found, shown, re.IGNORECASE)


@given(NASTY)
def test_nothing_ends_a_cell_a_fence_or_code(text: str) -> None:
    safe = escape(text)
    assert not re.search(r"(?<!\\)[|]|`|\n|\r", safe)
    table = GITHUB.render(f"|a|b|\n|-|-|\n|{safe}|x|\n")
    assert Shown(table).tags.count("td") == 2
    assert Shown(GITHUB.render(f"`{safe}` end")).tags.count("code") <= 1
    assert Shown(GITHUB.render(f"```\n{safe}\n```\n")).tags == ["pre", "code"]


@given(NASTY, NASTY)
def test_no_plan_can_leave_its_place(one: str, two: str) -> None:
    change = a_change(f"artifact/{one}", "delete", two, a_field(one, two, one, two), id=two)
    document = a_document(change, stage=one, commit=two, warnings=[one], refusal=two)
    tags = Shown(GITHUB.render(render_section({**document, "target": {"g": one}}))).tags
    allowed = {
        "h3",
        "p",
        "code",
        "blockquote",
        "strong",
        "details",
        "summary",
        "ul",
        "li",
        "pre",
        "span",
        "b",
    }
    assert set(tags) <= allowed
    assert tags.count("h3") == tags.count("details") == tags.count("pre") == 1


def many(count: int) -> dict[str, Any]:
    actions = ["create", "update", "delete", "replace", "run"]
    changes = [
        a_change(
            f"configuration/c{number}",
            actions[number % 5],
            "parameter_bindings.epochs changed",
            a_field("parameter_bindings.epochs", "x" * 50, "``` @y"),
            a_field("parameter_bindings.rate", "1", "2", "why"),
            id=f"id{number}",
        )
        for number in range(count)
    ]
    return a_document(*changes, warnings=[f"warning {n}" for n in range(200)])


@pytest.mark.parametrize("document", [NOTHING, DOCUMENT], ids=["nothing", "much"])
@pytest.mark.parametrize(
    "hint",
    [
        "1 running execution that no stage names: cicd list executions dev --unmanaged",
        "2 running deployments that no stage names (stages/b|d.yaml cannot be read, and may name "
        "some): cicd list deployments prd-eu --unmanaged",
        "<b>@all</b> `x` #1 ends here",
    ],
)
def test_what_no_stage_names_is_told_last_with_its_command(
    document: dict[str, Any], hint: str
) -> None:
    text = render_section({**document, "hints": [hint]})
    assert text.rstrip("\n").rpartition("\n")[2] == escape(hint)
    short = render_section({**document, "hints": [hint]}, limit=len(text) - 1)
    assert len(short) < len(text) and (escape(hint) in short or document is NOTHING)


def test_5000_changes_fit_and_take_no_time() -> None:
    document = many(5000)
    begin = time.process_time()
    section = render_section(document, limit=65_536)
    assert time.process_time() - begin < 2
    assert 60_000 < len(section) <= 65_536
    shown = len(re.findall("^ *(- [*][*]|<details><summary><b>)", section, re.MULTILINE))
    assert f"{5000 - shown} more changes left out: too long for this comment." in section
    assert section.endswith("</details>\n")
    assert len(re.findall("^ *```", section, re.MULTILINE)) % 2 == 0


@pytest.mark.parametrize(("count", "size"), [(60, 60), (150, 300), (400, 5_000)])
def test_every_change_has_its_line_before_any_has_its_values(count: int, size: int) -> None:
    hostile = ("</details> ``` @all #1 <b> " * size)[:size]
    changes = [
        a_change(
            f"execution/train-{number}",
            "run",
            "x",
            *(a_field(f"p{name}", hostile, f"{hostile}{number}") for name in range(20)),
            role="run",
            consequence=f"trains again (epochs {number} → 0)",
        )
        for number in range(count)
    ]
    section = render_section(a_document(*changes), limit=65_536)
    assert all(f"epochs {number} → 0" in section for number in range(count))
    assert re.search(r"\d+ value lists left out: too long for this comment", section)
    assert "more change" not in section and len(section) <= 65_536


def test_changes_of_which_the_same_comes_are_one_line() -> None:
    told = {"consequence": "trains again (epochs 130 → 150)", "role": "run"}
    alike = [
        a_change(f"execution/t{n}", "run", "x", a_field("a", n, n + 1), **told) for n in range(100)
    ]
    other = a_change("deployment/d", "update", "x", role="service", consequence="takes model")
    section = render_section(a_document(*alike, other))
    seen = [line for line in section.splitlines() if "trains again" in line and "<b>" in line]
    assert seen == [
        "<details><summary><b>run</b> 100 executions: trains again (epochs 130 → 150)</summary>"
    ]
    assert all(f"<code>execution/t{n}</code>" in section for n in range(100))
    assert (
        "**100 runs, 1 service updated in place; nothing is deleted, no URL changes.**" in section
    )


def test_what_matters_is_seen_and_what_only_serves_it_is_folded() -> None:
    changes = [
        a_change(f"configuration/c{n}", "create", f"r{n}", role="content", consequence=f"s{n}")
        for n in range(50)
    ]
    for n in range(20):
        changes.append(a_change(f"execution/e{n}", "run", "", role="run", consequence=f"runs {n}"))
    changes.append(a_change("deployment/x", "delete", "", role="service", consequence="stops"))
    section = render_section(a_document(*changes))
    outside = section[: section.rindex("<details>")]
    assert "<code>deployment/x</code>: stops" in outside
    assert outside.count("runs ") == 11
    assert "<details><summary>59 more: 9 executions, 50 configurations</summary>" in section
    assert section.count("<code>configuration/c") == 50


@pytest.mark.parametrize("kind", ["execution", "deployment", "schedule", "answerer"])
@pytest.mark.parametrize(
    "after", [{"known_after_apply": "program/train.id"}, "7c9e6679-7425-40de-944b-e07fc1f90ae7"]
)
def test_what_is_new_tells_what_it_takes_in_and_not_what_holds_that(after: Any, kind: str) -> None:
    new = a_change(
        f"{kind}/train",
        "create",
        "new",
        a_field("program", None, after),
        a_field("program_name", None, "kept-by-id"),
        a_field("ttl", None, "24h"),
        consequence="begins",
        causes=[a_field("parameter_bindings.epochs", None, "250")],
        depends_on=["program/train", "place/dev"],
    )
    for shown in (render_section(a_document(new)), render_page([a_document(new)])):
        assert "250" in shown
        assert "24h" in shown
        assert "program" not in shown
        assert "kept-by-id" not in shown


@pytest.mark.parametrize("limit", [0, 1, 40, 90, 150, 300, 600, 1000, 2000, 2500, 3000, 5000])
def test_any_limit_holds(limit: int) -> None:
    section = render_section(many(30), limit=limit)
    assert len(section) <= limit
    assert section.count("<details>") == section.count("</details>")
    if limit >= 150:
        assert section.startswith("### Stage <code>dev</code>: 6 to create, 6 to update, 6 to")
        assert "left out" in section


def test_a_limit_that_is_large_enough_changes_nothing() -> None:
    whole = render_section(DOCUMENT)
    assert render_section(DOCUMENT, limit=len(whole)) == whole
    assert "left out" in render_section(DOCUMENT, limit=len(whole) - 1)


def test_text_in_html_has_no_escapes_of_markdown_and_becomes_no_markup() -> None:
    sentence = "a_b *c* <img src=x> @me #1 & `d` $x$"
    change = a_change("a/b_c", "run", "", a_field("x", 1, 2), role="run", consequence=sentence)
    section = render_section(a_document(change))
    (line,) = [line for line in section.splitlines() if line.startswith("<details><summary><b>")]
    assert "\\" not in line
    shown = Shown(GITHUB.render(section))
    assert "img" not in shown.tags
    assert sentence in squeezed(shown.text)


@pytest.mark.parametrize(
    "damage",
    [
        {},
        {"changes": None},
        {"changes": [1, {}, {"action": "update", "fields": [3, {}]}]},
        {"target": 3, "warnings": "x", "stage": None},
    ],
)
def test_a_damaged_document_is_no_crash(damage: dict[str, Any]) -> None:
    assert render_section(damage).startswith("### Stage")


@pytest.mark.parametrize(
    ("commit", "shown"),
    [
        ("a" * 40, "a" * 12),
        ("a" * 40 + " with changes", "a" * 12 + " with changes"),
        ("none yet", "none yet"),
    ],
)
def test_the_mark_of_changed_files_stays_behind_a_short_commit(commit: str, shown: str) -> None:
    assert f"commit <code>{shown}</code>" in render_section({**DOCUMENT, "commit": commit})
