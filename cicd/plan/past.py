"""Puts together what several remember of the same applies. Pure.

What a platform keeps are single things with a time and often a commit; a forge and our own ledger
keep whole applies. Things that fall into one of those belong to it; of the rest, those that follow
each other closely and are of one commit were made by one apply.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from cicd.model import Applied, Made

GAP = 900.0
"""Seconds after the end of one thing within which the next one is of the same apply."""
SKEW, CLOSE = 120.0, 10.0
"""Seconds that two clocks may be apart; where nothing but the time speaks, hardly any."""
PLATFORM = "platform"


def put_together(
    applies: Iterable[Applied], things: Iterable[Made], limit: int | None = None
) -> list[Applied]:
    """All applies, the newest first, at most so many."""
    found = _merged(applies)
    left = []
    for thing in sorted(things, key=lambda one: (one.at, one.key)):
        able = [n for n, one in enumerate(found) if _holds(one, thing)]
        if able:
            at = min(able, key=lambda n: abs(_begin(found[n].at) - _begin(thing.at)))
            found[at] = _with(found[at], thing)
        else:
            left.append(thing)
    found += [_of_things(group) for group in grouped(left)]
    # sources tell the newest first, and of one second they know better which that is
    found.sort(key=lambda one: _begin(one.at), reverse=True)
    return found[:limit]


def grouped(things: Sequence[Made]) -> list[list[Made]]:
    """Things, the oldest first, in groups that one apply has made: of one commit, no key twice, and
    none long after the one before."""
    groups: list[list[Made]] = []
    for thing in things:
        if groups and _goes_with(groups[-1], thing):
            groups[-1].append(thing)
        else:
            groups.append([thing])
    return groups


def _goes_with(group: Sequence[Made], thing: Made) -> bool:
    commits = {one.commit for one in (*group, thing)} - {""}
    ends = [seconds(one.ended) or seconds(one.at) or 0.0 for one in group]
    is_near = (seconds(thing.at) or 0.0) - max(ends) <= GAP
    return len(commits) <= 1 and is_near and thing.key not in {one.key for one in group}


def _merged(applies: Iterable[Applied]) -> list[Applied]:
    """The same apply once, whoever remembers it: of one commit, and at the same time."""
    found: list[Applied] = []
    for one in sorted(applies, key=lambda one: one.at):
        at = next((n for n, other in enumerate(found) if _is_same(other, one)), None)
        if at is None:
            found.append(one)
        else:
            found[at] = _joined(found[at], one)
    return found


def _is_same(one: Applied, other: Applied) -> bool:
    if not _fits(one.commit, other.commit) or set(one.sources) & set(other.sources):
        return False
    first, second = _span(one), _span(other)
    return first[0] - SKEW <= second[1] and second[0] - SKEW <= first[1]


def _joined(one: Applied, other: Applied) -> Applied:
    """What either knows; the first that knows it says it."""
    names = ("commit", "by", "author", "subject", "approved_by", "link")
    told = {name: getattr(one, name) or getattr(other, name) for name in names}
    longest = max(one.commit, other.commit, key=len)
    # whoever has applied it knows better how it ended than the run of CI around it
    first, second = (one, other) if one.made or not other.made else (other, one)
    return replace(
        first,
        result=first.result or second.result,
        seconds=second.seconds if first.seconds is None else first.seconds,
        **{**told, "commit": longest},
        at=min(one.at, other.at),
        sources=tuple(dict.fromkeys((*one.sources, *other.sources))),
    )


def _holds(apply: Applied, thing: Made) -> bool:
    """Whether a thing was made by an apply. Of one that tells no commit only the time speaks, and
    the keys that the apply is known to have changed."""
    begin, end = _span(apply)
    made = seconds(thing.at)
    if made is None or not _fits(apply.commit, thing.commit):
        return False
    known = {one.key for one in apply.made}
    skew = SKEW if thing.commit and apply.commit else CLOSE
    is_its = thing.key in known or not known
    return is_its and begin - skew <= made <= end + skew


def _begin(moment: str) -> float:
    return seconds(moment) or 0.0


def _with(apply: Applied, thing: Made) -> Applied:
    """With what the platform knows of one of its things by now."""
    known = {one.key: one for one in apply.made}
    before = known.get(thing.key)
    known[thing.key] = replace(thing, what=before.what if before else thing.what)
    return replace(
        apply,
        made=tuple(known.values()),
        result=apply.result or _result(known.values()),
        sources=tuple(dict.fromkeys((*apply.sources, PLATFORM))),
    )


def _of_things(group: Sequence[Made]) -> Applied:
    ends = [end for one in group if (end := seconds(one.ended)) is not None]
    begin = seconds(group[0].at)
    is_over = not any(one.is_under_way for one in group)
    took = max(0.0, max(ends) - begin) if ends and begin is not None and is_over else None
    return Applied(
        at=group[0].at,
        commit=next((one.commit for one in group if one.commit), ""),
        result=_result(group),
        seconds=took,
        made=tuple(group),
        sources=(PLATFORM,),
    )


def _result(things: Iterable[Made]) -> str:
    things = list(things)
    if any(one.is_bad for one in things):
        return "failed"
    return "running" if any(one.is_under_way for one in things) else "applied"


def _fits(one: str, other: str) -> bool:
    """Whether two commits may be the same: one of them may be short, or not known."""
    first, second = (text.partition(" ")[0] for text in (one, other))
    return not (first and second) or first.startswith(second) or second.startswith(first)


def _span(apply: Applied) -> tuple[float, float]:
    begin = seconds(apply.at) or 0.0
    return begin, begin + (apply.seconds or 0.0)


def seconds(moment: str) -> float | None:
    """An ISO 8601 time as seconds since 1970; None for what is none."""
    try:
        found = datetime.fromisoformat(moment)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):  # the first or last day of all, in another time zone
        return None
