"""The one comment that a pull request has from us: found, written, kept single.

GitHub has no conditional write. So it is read, changed, written, and read again until it holds what
this run has to say and there is no second one, whatever other runs do at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from cicd.errors import LostAnswer, NotFound
from cicd.forges.answers import Json
from cicd.forges.github import Client
from cicd.render.sections import (
    Document,
    Section,
    compose,
    facts_of,
    is_plan_comment,
    parse,
    placed,
)

ROUNDS = 5
SETTLING = 1.0
"""Seconds between writing and looking again: longer than another run takes from reading to writing,
so that what it overwrites is noticed."""


def write_comment(
    client: Client, number: int, documents: Iterable[Document], *, run_url: str = ""
) -> str:
    """Put the plans into the comment of a pull request; the comment's URL.

    Sections of other stages and projects stay. Raises Denied or NotFound when the token may not
    write.
    """
    plans = list(documents)
    is_made = False
    for round_number in range(ROUNDS):
        look = partial(own_comments, client, number)
        mine = client.looked_for(look) if is_made else look()
        known = _merged(mine)
        body = compose(known, plans, run_url=run_url)
        is_settled = len(mine) == 1 and (
            mine[0].get("body") == body or (round_number > 0 and _holds(known, plans, run_url))
        )
        # A run that wrote at the same time may have overwritten ours, or we theirs. So it is
        # settled only when what is there was read after our own write.
        if is_settled:
            break
        try:
            _write(client, number, mine, body)
        except (LostAnswer, NotFound) as error:
            # created or not, deleted by another run: look again
            if round_number == ROUNDS - 1 or not (mine or isinstance(error, LostAnswer)):
                raise
        is_made = is_made or not mine
        client.wait(SETTLING)
    return str(mine[0].get("html_url") or "") if mine else ""


def own_comments(client: Client, number: int) -> list[Json]:
    """The comments with our hidden head that this login wrote; anyone can paste the head."""
    login = client.login()
    return [
        comment
        for comment in client.comments(number)
        if _author(comment).lower() == login.lower()
        if is_plan_comment(str(comment.get("body") or ""))
    ]


def _author(comment: Json) -> str:
    user = comment.get("user")
    return str(user.get("login") or "") if isinstance(user, dict) else ""


def _merged(comments: Iterable[Json]) -> dict[str, Section]:
    """The sections of all of them; of the same stage of a project, what was written last."""
    merged: dict[str, Section] = {}
    for comment in sorted(comments, key=lambda item: str(item.get("updated_at") or "")):
        merged |= parse(str(comment.get("body") or ""))
    return merged


def _holds(known: dict[str, Section], plans: Sequence[Document], run_url: str) -> bool:
    return all(
        name in known and dict(known[name].facts) == facts_of(plan, run_url, known[name])
        for name, plan in placed(known, plans).items()
    )


def _write(client: Client, number: int, mine: Sequence[dict[str, Any]], body: str) -> None:
    """Into the oldest of our comments; two runs at once may have made more, which go."""
    if not mine:
        client.create_comment(number, body)
        return
    first, *others = mine
    if first.get("body") != body:
        client.edit_comment(first["id"], body)
    for other in others:
        client.delete_comment(other["id"])
