"""The one comment that a change has from us: found, written, kept single.

No forge has a conditional write. So it is read, changed, written, and read again until it holds
what this run has to say and there is no second one, whatever other runs do at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from cicd.errors import LostAnswer, NotFound
from cicd.forges.base import Forge, Note, looked_for
from cicd.render.sections import (
    Document,
    Section,
    compose,
    facts_of,
    is_plan_comment,
    parse,
    placed,
)

MARK = "plan"
"""What a forge that keeps something beside a comment keeps beside ours."""
ROUNDS = 5
SETTLING = 1.0
"""Seconds between writing and looking again: longer than another run takes from reading to writing,
so that what it overwrites is noticed."""


def write_comment(
    forge: Forge, number: int, documents: Iterable[Document], *, run_url: str = ""
) -> str:
    """Put the plans into the comment of a pull or merge request; the comment's URL.

    Sections of other stages and projects stay. Raises Denied or NotFound when the token may not
    write.
    """
    plans = list(documents)
    is_made = False
    for round_number in range(ROUNDS):
        look = partial(own_notes, forge, number)
        mine = looked_for(forge.sleep, look) if is_made else look()
        known = _merged(mine)
        body = compose(known, plans, run_url=run_url, dialect=forge.dialect)
        is_settled = len(mine) == 1 and (
            _is_same(mine[0].body, body) or (round_number > 0 and _holds(known, plans, run_url))
        )
        # A run that wrote at the same time may have overwritten ours, or we theirs. So it is
        # settled only when what is there was read after our own write.
        if is_settled:
            break
        try:
            _write(forge, number, mine, body)
        except (LostAnswer, NotFound) as error:
            # created or not, deleted by another run: look again
            if round_number == ROUNDS - 1 or not (mine or isinstance(error, LostAnswer)):
                raise
        is_made = is_made or not mine
        forge.sleep(SETTLING)
    return mine[0].url if mine else ""


def own_notes(forge: Forge, number: int) -> list[Note]:
    """The comments that are ours: by their mark or our hidden head, and by who wrote them, since
    anyone can paste the head."""
    me = forge.me().lower()
    return [
        note
        for note in forge.notes(number)
        if note.author.lower() == me
        if note.mark == MARK or is_plan_comment(note.body)
    ]


def _is_same(body: str, other: str) -> bool:
    """Whether two texts are one, as far as a forge keeps them: GitLab drops line ends."""
    return body.replace("\r", "").rstrip() == other.replace("\r", "").rstrip()


def _merged(notes: Iterable[Note]) -> dict[str, Section]:
    """The sections of all of them; of the same stage of a project, what was written last."""
    merged: dict[str, Section] = {}
    for note in sorted(notes, key=lambda note: note.updated_at):
        merged |= parse(note.body)
    return merged


def _holds(known: dict[str, Section], plans: Sequence[Document], run_url: str) -> bool:
    return all(
        name in known and dict(known[name].facts) == facts_of(plan, run_url, known[name])
        for name, plan in placed(known, plans).items()
    )


def _write(forge: Forge, number: int, mine: Sequence[Note], body: str) -> None:
    """Into the oldest of our comments; two runs at once may have made more, which go."""
    if not mine:
        forge.add_note(number, body, MARK)
        return
    first, *others = mine
    if not _is_same(first.body, body):
        forge.change_note(number, first, body)
    for other in others:
        forge.remove_note(number, other)
