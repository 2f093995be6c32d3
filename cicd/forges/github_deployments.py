"""What GitHub knows of deployments to an environment.

Source: docs.github.com, "REST API endpoints for deployments" and "… for deployment statuses".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import urlencode

from cicd.errors import Denied, NotFound
from cicd.forges.answers import Json, items_in, text_in
from cicd.forges.base import Review
from cicd.forges.http import Api
from cicd.model import Applied

ENDS = {"success": "applied", "inactive": "applied", "failure": "failed", "error": "failed"}
"""What GitHub calls the end of one; an older one is inactive after a newer."""
UNDER_WAY = frozenset({"pending", "queued", "in_progress", "waiting"})
MOST_STATES = 30
Gate = Callable[[str, str], Sequence[Review]]


def read_applies(api: Api, url: str, gate: Gate, environment: str, most: int) -> list[Applied]:
    """The last deployments to an environment, the newest first; two requests for each. ``gate``:
    what people have said of a run."""
    answer = api.call("GET", f"{url}?{urlencode({'environment': environment, 'per_page': most})}")
    found = []
    for item in items_in({"all": answer}, "all"):
        states_url = f"{url}/{int(item['id'])}/statuses?per_page={MOST_STATES}"
        states = items_in({"all": api.call("GET", states_url)}, "all")
        found.append(_applied(item, states[0] if states else {}, gate, environment))
    return found


def _applied(item: Json, last: Json, gate: Gate, environment: str) -> Applied:
    """One deployment, by itself and by its newest state."""
    link = text_in(last, "log_url") or text_in(last, "target_url")
    begin, state = text_in(item, "created_at"), text_in(last, "state")
    run = re.search(r"/actions/runs/(\d+)", link)
    return Applied(
        at=begin,
        commit=text_in(item, "sha"),
        by=text_in(item, "creator", "login"),
        approved_by=", ".join(_agreed(gate, run[1], environment)) if run else "",
        result=ENDS.get(state, "running" if state in UNDER_WAY else ""),
        seconds=_seconds(begin, text_in(last, "created_at")) if state in ENDS else None,
        link=link if link.startswith("https://") else "",
        sources=("GitHub",),
    )


def _agreed(gate: Gate, run: str, environment: str) -> list[str]:
    try:
        given = gate(run, environment)
    except (Denied, NotFound):  # runs are kept for a while only
        return []
    return [review.user for review in given if review.verdict == "approved"]


def _seconds(begin: str, end: str) -> float | None:
    try:
        passed = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
    except (ValueError, TypeError):
        return None
    return max(0.0, passed.total_seconds())
