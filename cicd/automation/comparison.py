"""Runs side by side: parameters, inputs, metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cicd.automation.runs import Run
from cicd.automation.session import Session
from cicd.errors import NotFound
from cicd.model import Key, LiveResource, State, Status, Track
from cicd.render.comparison import Compared, Comparison, compare
from cicd.render.moments import took
from cicd.threads import together

WORKERS = 8


def side_by_side(session: Session, runs: Sequence[Run], globs: Sequence[str]) -> Comparison:
    """All that is known of these runs: one request for ten of them, one for each configuration and
    each input artifact."""
    tracks = session.platform.track([run.live for run in runs])
    configurations = fetch(
        session, "configuration", (str(run.live.spec.get("configuration", "")) for run in runs)
    )
    artifacts = fetch(
        session,
        "artifact",
        (id for known in configurations.values() for id in bound_inputs(known).values()),
    )
    compared = [
        as_compared(session, run, tracks.get(run.live.id, Track()), configurations, artifacts)
        for run in runs
    ]
    gates = [gate for wish in session.stage.resources for gate in wish.options.require]
    return compare(session.stage.name, compared, gates, globs)


def fetch(session: Session, kind: str, ids: Iterable[str]) -> dict[str, LiveResource]:
    """Id -> resource; one that is not there is left out."""

    def get(id: str) -> LiveResource | None:
        unknown = LiveResource(Key(kind, id), id, {}, Status(State.UNKNOWN, ""))
        try:
            return session.platform.get(unknown)
        except NotFound:
            return None

    wanted = [id for id in dict.fromkeys(ids) if id]
    with together(WORKERS) as pool:
        found = pool.map(get, wanted)
        return {id: live for id, live in zip(wanted, found, strict=True) if live}


def bound_inputs(configuration: LiveResource) -> Mapping[str, str]:
    """Input -> artifact id."""
    found: Mapping[str, str] = configuration.spec.get("input_artifact_bindings") or {}
    return found


def as_compared(
    session: Session,
    run: Run,
    track: Track,
    configurations: Mapping[str, LiveResource],
    artifacts: Mapping[str, LiveResource],
) -> Compared:
    """One run with all that was found about it."""
    live = run.live
    started = live.facts.get("started_at") or live.created_at
    configuration = configurations.get(str(live.spec.get("configuration", "")))
    inputs = bound_inputs(configuration) if configuration else {}
    return Compared(
        label=run.key.name,
        id=live.id,
        status=live.status.raw,
        state=live.status.state,
        started=started,
        seconds=took(started, live.facts.get("completed_at", "")),
        commit=track.tags.get("cicd.commit", ""),
        configuration=str(live.spec.get("configuration_name", "")),
        executable=str(live.spec.get("executable_id", "")),
        link=session.platform.link(live) or "",
        parameters=configuration.spec.get("parameter_bindings", {}) if configuration else {},
        inputs={name: told(id, artifacts.get(id)) for name, id in inputs.items()},
        track=track,
    )


def told(id: str, artifact: LiveResource | None) -> str:
    """``name (first part of the id)``: names alone are not unique."""
    name = str(artifact.spec.get("name", "")) if artifact else ""
    return f"{name} ({id[:8]})" if name else id
