"""What of a stage is there now, as rows of plain data, once or as it moves."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cicd.automation.ends import learn_end
from cicd.automation.runs import Runs, running_kinds
from cicd.automation.session import Session
from cicd.errors import CicdError
from cicd.logs import patiently
from cicd.model import Key, Kind, LiveResource, Resource, Stage, State, Track, identity
from cicd.platforms.registry import every_kind
from cicd.render.metrics import last_values
from cicd.render.moments import age

Row = dict[str, Any]
CALM, BUSY = 5.0, 2.0
"""Seconds between two looks: when nothing is under way, and when something is."""
SHARE = 5
"""A look that took a second is followed by at least this many seconds of rest."""
UNDER_WAY = frozenset({State.PENDING, State.STOPPING, State.UNKNOWN})


def unread_row(stage: str, error: CicdError) -> Row:
    """In place of the rows of a stage that could not be looked at: why not."""
    nothing = dict.fromkeys(("id", "state", "age", "created_at", "url", "link"), "")
    named = {"stage": stage, "key": "", "status": "unreadable", **nothing}
    told = dict.fromkeys(version_fields(every_kind()), "")
    return {**named, **told, "message": str(error), "notes": [], "facts": {}}


def version_fields(kinds: Mapping[str, Kind]) -> list[str]:
    """The fields of a row that say which content a thing runs, by id and by name."""
    names = dict.fromkeys(kind.version[0] for kind in kinds.values() if kind.version)
    return [field for name in names for field in (name, f"{name}_name")]


def is_shown(kind: Kind) -> bool:
    """Whether it can be up or down: content cannot, and what is there for its login alone."""
    return kind.role != "content" and (
        kind.role != "ground" or not (kind.is_secret or kind.write_only)
    )


def look(session: Session) -> list[Row]:
    """A row for each thing of the stage that can be up or down, as it is now."""
    from cicd.plan.awaited import awaited
    from cicd.plan.drift import explain, strayed
    from cicd.plan.match import Matcher
    from cicd.plan.versions import behind_runs

    kinds = session.platform.kinds
    both = running_kinds(kinds)
    session.take()
    desired = session.platform.complete(session.stage.resources)
    wishes = [wish for wish in desired if is_shown(kinds[wish.key.kind])]
    needed = {wish.key for wish in [*wishes, *behind_runs(desired, session.platform.kinds)]}
    wanted = [wish for wish in desired if wish.key in needed]
    session.problems, live = session.platform.review(desired, session.platform.read(wanted))
    session.live = live
    lists = {kind: [item for item in live if item.key.kind == kind] for kind in both}
    runs = Runs(session, lists=lists.__getitem__, live=live)
    others = [wish for wish in wishes if wish.key.kind not in both]
    matcher = Matcher(others, live, session.platform.kinds)
    now = datetime.now(UTC)
    rows = []
    there = {w.key: runs.current(w) if w.key.kind in both else matcher.take(w) for w in wishes}
    unmet = missed_gates(session, there)
    waits = awaited(desired, there, session.platform.kinds)
    held = held_notes(session)
    for wish in wishes:
        found = there[wish.key]
        link = session.platform.link(found) if found else None
        one = {**whose(session.stage), **row(wish, found, link or "", now, kinds)}
        if found:
            one |= trouble(session, wish.key, found, unmet.get(wish.key, []))
            changes = strayed(found, wish, session.platform.kinds[wish.key.kind])
            notes = [f"{explain(changes)}; apply puts it back"] if changes else []
            one["notes"] = [*notes, *inputs_note(runs, wish), *one["notes"]]
        if need := waits.get(wish.key):
            one["notes"] = [*one["notes"], f"waits for {need}: the apply after that goes on"]
        if note := held.get(wish.key):
            one["notes"] = [*one["notes"], note]
        rows.append(one)
    return rows


def held_notes(session: Session) -> dict[Key, str]:
    """Key -> what stands before its change, where the stage asks for assets, tests or approvals."""
    if session.stage.lifecycle is None:
        return {}
    from cicd.automation.lifecycle import with_lifecycle
    from cicd.lifecycle.steps import explain_step

    found = with_lifecycle(session, session.make_plan(review=False)).lifecycle
    return dict.fromkeys(found.waits, explain_step(found)) if found else {}


def whose(stage: Stage) -> Row:
    """The stage of a row, and its project where that is not the top of the repository."""
    return {"stage": stage.name, **({"project": stage.project} if stage.project else {})}


def named(row: Row) -> str:
    """What the stage of a row is called among others."""
    return identity(row.get("project", ""), row["stage"])


def trouble(session: Session, key: Key, live: LiveResource, unmet: Sequence[str]) -> Row:
    """What is wrong with a thing, and the command that tells more; nothing where it is well."""
    more = {"more": session.explain_command(key)}
    if end := learn_end(session, live):
        message = {"message": end.message} if end.message else {}
        return {**message, "log": list(end.log), **more}
    if unmet:
        return {"message": f"its gate is not met: {'; '.join(unmet)}", "unmet": [*unmet], **more}
    return {}


def inputs_note(runs: Runs, wish: Resource) -> list[str]:
    """Where a run is not the newest of its key, or does not have what the stage asks for now."""
    if newer := runs.newer(wish):
        return [f"a newer run with other inputs: {newer.id}"]
    if runs.is_outdated(wish):
        return ["it ran with other inputs than the stage asks for now: cicd plan tells which"]
    return []


def missed_gates(
    session: Session, there: Mapping[Key, LiveResource | None]
) -> dict[Key, list[str]]:
    """Key -> the bounds that the run there does not keep, though it did what it was to do."""
    from cicd.apply.verify import unmet_gates

    gates = {wish.key: wish.options.require for wish in session.stage.resources}
    gated = {
        key: live
        for key, live in there.items()
        if live and live.status.state is State.SUCCEEDED and gates.get(key)
    }
    tracks = session.platform.track([*gated.values()]) if gated else {}
    found = {
        key: unmet_gates(gates[key], last_values(tracks.get(live.id, Track())))
        for key, live in gated.items()
    }
    return {key: texts for key, texts in found.items() if texts}


def row(
    wish: Resource,
    live: LiveResource | None,
    link: str,
    now: datetime,
    kinds: Mapping[str, Kind],
) -> Row:
    """All that is known of one thing; texts are empty where there is nothing live."""
    version = dict.fromkeys(version_fields(kinds), "")
    if live is None:
        nothing = {"id": "", "state": "", "age": "", "created_at": "", "url": "", "link": ""}
        empty = {"message": "", "notes": [], "facts": {}}
        return {"key": str(wish.key), "status": "missing", **nothing, **version, **empty}
    if kinds[wish.key.kind].version:
        version = {name: str(live.spec.get(name) or "") for name in version}
    is_well = live.status.state in {State.SUCCEEDED, State.RUNNING}
    return {
        "key": str(wish.key),
        "status": live.status.raw,
        "id": live.id,
        "state": live.status.state.value,
        "age": age(live.created_at, now),
        "created_at": live.created_at,
        "url": live.outputs.get("url", ""),
        "link": link,
        **version,
        "message": "" if is_well else live.status.message,
        "notes": list(live.notes),
        "facts": dict(live.facts),
    }


def looks(sessions: Sequence[Session]) -> Iterator[list[list[Row]]]:
    """The rows of each stage, again and again: sooner while something is under way, later where
    looking is slow.

    A platform that cannot be reached for a moment is sat out.
    """
    while True:
        began = time.monotonic()
        found = [patiently(partial(look, session)) for session in sessions]
        cost = time.monotonic() - began
        yield found
        time.sleep(pause([row for rows in found for row in rows], cost))


def pause(rows: Sequence[Row], cost: float) -> float:
    """Seconds of rest after a look that took ``cost`` seconds."""
    runs = running_kinds(every_kind(), only_runs=True)
    is_busy = any(row["state"] in UNDER_WAY for row in rows)
    is_busy = is_busy or any(
        row["state"] == State.RUNNING and row["key"].partition("/")[0] in runs for row in rows
    )
    return max(BUSY if is_busy else CALM, SHARE * cost)


def moved(before: Mapping[tuple[str, str], Row], rows: Mapping[tuple[str, str], Row]) -> list[Row]:
    """The rows that say something else than the last time; that time went by does not count."""

    def told(row: Row | None) -> Row:
        return {name: value for name, value in (row or {}).items() if name != "age"}

    return [row for name, row in rows.items() if told(before.get(name)) != told(row)]
