"""The table of what a deployment can go back to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cicd.render.history import render_history

NOW = datetime(2026, 1, 3, tzinfo=UTC)


def row(id: str, day: int, *fields: tuple[str, Any, Any], running: bool = False) -> dict[str, Any]:
    return {
        "id": id,
        "created_at": f"2026-01-0{day}T00:00:00Z",
        "running": running,
        "fields": [{"path": p, "before": b, "after": a} for p, b, a in fields],
    }


def test_each_has_its_age_and_what_differs() -> None:
    rows = [
        row("c3", 3, ("parameter_bindings.greeting", "hi", "moin"), ("x", None, "1")),
        row("c2", 2, running=True),
        row("c1", 1),
    ]
    assert render_history(rows, NOW, word="configuration").splitlines() == [
        "  CONFIGURATION  AGE  AGAINST THE RUNNING ONE",
        '  c3             0s   parameter_bindings.greeting: "hi" → "moin"; x: (none) → "1"',
        "* c2             1d   running",
        "  c1             2d   the same parameters and inputs",
    ]


def test_what_failed_its_test_is_marked_with_the_reason() -> None:
    rows = [
        {**row("c3", 3, ("x", None, "1")), "failed": "ended as DEAD\nexit code 1"},
        {**row("c2", 2, running=True), "failed": ""},
        {**row("c1", 1), "failed": "smoke test GET /v1/x got 500"},
    ]
    assert render_history(rows, NOW, word="configuration").splitlines()[1:] == [
        '✗ c3             0s   failed its test: ended as DEAD\\nexit code 1; x: (none) → "1"',
        "* c2             1d   running",
        "✗ c1             2d   failed its test: smoke test GET /v1/x got 500; "
        "the same parameters and inputs",
    ]


def test_nothing_known_is_said() -> None:
    assert render_history([], NOW, word="configuration") == "It has no configuration that is known."
