"""Runs side by side: parameters, inputs, metrics."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cicd.automation.runs import Run, Runs, running_kinds
from cicd.automation.session import Session
from cicd.errors import NotFound
from cicd.model import Key, Kind, LiveResource, Secret, State, Status, Track, leaves
from cicd.render.comparison import Compared, Comparison, compare
from cicd.render.moments import took
from cicd.threads import together

LAST = 5
"""Runs of a single key."""
WORKERS = 8

Id = tuple[str, str]
"""Kind and id."""


def compare_keys(
    session: Session, keys: Sequence[str], last: int | None, globs: Sequence[str]
) -> Comparison:
    """The runs of these keys side by side: ``last`` of each, else the one that plan takes, and of a
    single key its last ones. Raises Usage."""
    runs = Runs(session, names=running_kinds(session.platform.kinds, only_runs=True))
    count = last or (LAST if len(keys) == 1 and runs.is_one_key(keys[0]) else 1)
    return side_by_side(session, runs.find(keys, last=count), globs)


def side_by_side(session: Session, runs: Sequence[Run], globs: Sequence[str]) -> Comparison:
    """All that is known of these runs: one request for ten of them, one for each content and each
    thing that this takes in."""
    kinds = session.platform.kinds
    tracks = session.platform.track([run.live for run in runs])
    contents = fetch(session, [held for run in runs if (held := told_by(run.live, kinds))])
    sources = {run.live.id: source_of(run.live, contents, kinds) for run in runs}
    taken = [one for source in sources.values() if source for one in inputs_of(source, kinds)]
    inputs = fetch(session, [(kind, id) for _, kind, id in taken])
    compared = [
        as_compared(session, run, tracks.get(run.live.id, Track()), sources[run.live.id], inputs)
        for run in runs
    ]
    gates = [gate for wish in session.stage.resources for gate in wish.options.require]
    words = dict.fromkeys(kind.replace("_", " ") for _, kind, _ in taken)
    return compare(session.stage.name, compared, gates, globs, inputs_word=" and ".join(words))


def fetch(session: Session, wanted: Iterable[Id]) -> dict[Id, LiveResource]:
    """Kind and id -> resource; one that is not there is left out."""

    def get(one: Id) -> LiveResource | None:
        kind, id = one
        unknown = LiveResource(Key(kind, id), id, {}, Status(State.UNKNOWN, ""))
        try:
            return session.platform.get(unknown)
        except NotFound:
            return None

    asked = [one for one in dict.fromkeys(wanted) if one[1]]
    with together(WORKERS) as pool:
        found = pool.map(get, asked)
        return {one: live for one, live in zip(asked, found, strict=True) if live}


def version_of(live: LiveResource, kinds: Mapping[str, Kind]) -> Id | None:
    """Kind and id of the content that a run runs, where it runs some."""
    version = kinds[live.key.kind].version
    return (version[1], str(live.spec.get(version[0], ""))) if version else None


def told_by(live: LiveResource, kinds: Mapping[str, Kind]) -> Id | None:
    """What has to be asked for the parameters of a run: its content; the run itself, of which a
    list may not tell all, where that is its content."""
    is_own = kinds[live.key.kind].inline
    return (live.key.kind, live.id) if is_own else version_of(live, kinds)


def source_of(
    live: LiveResource, contents: Mapping[Id, LiveResource], kinds: Mapping[str, Kind]
) -> LiveResource | None:
    """What tells the parameters of a run: its content, else the run itself."""
    held = told_by(live, kinds)
    return contents.get(held) if held else live


def inputs_of(source: LiveResource, kinds: Mapping[str, Kind]) -> Iterator[tuple[str, str, str]]:
    """Input, kind and id of each thing that is taken in."""
    for name, kind in kinds[source.key.kind].takes.items():
        value = source.spec.get(name)
        entries = value.items() if isinstance(value, Mapping) else [(name, value)]
        yield from ((str(entry), kind, str(id)) for entry, id in entries if id)


def parameters_of(source: LiveResource, kinds: Mapping[str, Kind]) -> dict[str, str | Secret]:
    """What it was given beside its inputs: each entry of a map by its own name."""
    kind = kinds[source.key.kind]
    about = {"inputs", "files", "labels", "metrics"}  # how metrics are found, not what they are
    left_out = {*kind.family, *kind.takes, *kind.identity, *about}
    found: dict[str, str | Secret] = {}
    for name, value in source.spec.items():
        if name in left_out:
            continue
        is_map = isinstance(value, Mapping) and bool(value)
        for path, leaf in leaves(value) if is_map else [(name, value)]:
            told = leaf if isinstance(leaf, Secret) else as_text(leaf)
            found[path if path not in found else f"{name}.{path}"] = told
    return {name: value for name, value in found.items() if value != ""}


def as_text(value: Any) -> str:
    """A value as a person reads it."""
    if value is None or value in ({}, []):
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def as_compared(
    session: Session,
    run: Run,
    track: Track,
    source: LiveResource | None,
    inputs: Mapping[Id, LiveResource],
) -> Compared:
    """One run with all that was found about it."""
    live, kinds = run.live, session.platform.kinds
    started = live.facts.get("started_at") or live.created_at
    taken = inputs_of(source, kinds) if source else ()
    return Compared(
        label=run.key.name,
        id=live.id,
        status=live.status.raw,
        state=live.status.state,
        started=started,
        seconds=took(started, live.facts.get("completed_at", "")),
        commit=track.tags.get("cicd.commit", ""),
        about={
            head.lower(): str(live.spec.get(name, ""))
            for name, head in kinds[live.key.kind].columns.items()
            if head and name in live.spec
        },
        link=session.platform.link(live) or "",
        parameters=parameters_of(source, kinds) if source else {},
        inputs={name: told(id, inputs.get((kind, id))) for name, kind, id in taken},
        track=track,
    )


def told(id: str, content: LiveResource | None) -> str:
    """``name (first part of the id)``: names alone are not unique."""
    name = str(content.spec.get("name", "")) if content else ""
    return f"{name} ({id[:8]})" if name else id
