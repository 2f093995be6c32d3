"""An inventory as text and as a page."""

from __future__ import annotations

from typing import Any

import pytest

from cicd.render.inventory import MANY, in_line, lines_of, render_inventory, render_inventory_page

NASTY = "<script>alert(1)</script>"


def thing(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "key": "",
        "status": "Completed",
        "state": "SUCCEEDED",
        "created_at": "2026-01-02T03:04:05+00:00",
        "started_at": "2026-01-02T03:04:06+00:00",
        "completed_at": "2026-01-02T04:05:06+00:00",
        "seconds": 3660.0,
        "link": "",
        "details": {},
        "related": [],
        **more,
    }


def document(*things: dict[str, Any], **more: Any) -> dict[str, Any]:
    fields = {"image": "container", "model": "model"}
    section = {"kind": "job", "title": "jobs", "fields": fields, "things": [*things]}
    return {
        "stage": "dev",
        "platform": "somewhere",
        "target": {"region": "here"},
        "select": [],
        "read_at": "2026-01-02T05:00:00Z",
        "sections": [section],
        "notes": [],
        **more,
    }


def test_text_tells_dates_duration_and_what_belongs_together() -> None:
    maker = {"how": "model", "kind": "big_model", "name": "m", "link": ""}
    told = render_inventory(
        document(thing("a", details={"image": "i:1", "model": "m"}, related=[maker]))
    )
    assert "  a  Completed\n    created    2026-01-02 03:04:05 UTC\n" in told
    assert "took       1h 1m" in told
    assert "container  i:1" in told
    assert told.count("model") == 2 and "model      big model m" in told


@pytest.mark.parametrize("field", ["name", "key", "status", "message", "link"])
def test_a_page_shows_texts_of_others_letter_by_letter(field: str) -> None:
    page = render_inventory_page(document(thing(**{"name": "a", field: NASTY}), notes=[NASTY]))
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//elsewhere", ""])
def test_only_addresses_of_the_web_are_links(link: str) -> None:
    assert f'href="{link}"' not in render_inventory_page(document(thing("a", link=link)))
    link = "https://console.example/x"
    assert f'href="{link}"' in render_inventory_page(document(thing("a", link=link)))


def test_many_of_one_kind_are_folded() -> None:
    few, many = ([thing(f"j{n}") for n in range(count)] for count in (MANY - 1, MANY))
    assert "<details open>" in render_inventory_page(document(*few))
    assert "<details open>" not in render_inventory_page(document(*many))


def test_text_moves_no_cursor() -> None:
    told = render_inventory(document(thing("a\x1b[2J\nb", details={"image": "x\ry"})))
    assert "\x1b" not in told and "\r" not in told and "a\nb" not in told


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("x", ["x"]),
        (True, ["yes"]),
        (3.0, ["3"]),
        ({"a": 1, "b": [1, 2]}, ["a: 1", "b: 1, 2"]),
        (
            {"train": {"url": "s3://b/t", "content_type": "csv"}},
            ["train: s3://b/t, content_type csv"],
        ),
        ({"type": "ml.m5.large", "count": 2}, ["ml.m5.large, count 2"]),
        ([{"image": "i:1", "data": "d"}, {"image": "i:2"}], ["i:1, data d", "i:2"]),
        (None, []),
    ],
)
def test_values_are_lines(value: Any, lines: list[str]) -> None:
    assert [*lines_of(value)] == lines
    assert in_line("x") == "x"


@pytest.mark.parametrize("broken", [{}, {"sections": 3}, {"sections": [{"things": [{}]}]}])
def test_a_damaged_document_is_shown_as_far_as_it_goes(broken: dict[str, Any]) -> None:
    assert render_inventory(broken) and render_inventory_page(broken)
