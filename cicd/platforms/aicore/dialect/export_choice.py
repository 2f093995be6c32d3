"""Which live runs and deployments a stage file asks for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cicd.model import LiveResource, State
from cicd.platforms.aicore.dialect.export_runs import Configurations, unique_key
from cicd.words import count

ALIVE = frozenset({State.RUNNING, State.PENDING, State.UNKNOWN})
GOOD = ALIVE | {State.SUCCEEDED}
_PREFERENCE = (State.RUNNING, State.PENDING, State.UNKNOWN)
FAMILY = ("configuration_name", "scenario_id", "executable_id")


@dataclass(frozen=True)
class Chosen:
    """Key -> execution, and the deployments, the oldest first; ``notes``: what was left out."""

    executions: Mapping[str, LiveResource]
    deployments: Sequence[LiveResource]
    notes: Sequence[str]


def choose(live: Mapping[str, Sequence[LiveResource]], configurations: Configurations) -> Chosen:
    """What counts of all that is ``live``, which is by kind, the oldest first."""
    notes: list[str] = []
    executions = _executions(
        live.get("execution", ()), live.get("schedule", ()), configurations, notes
    )
    deployments = _deployments(live.get("deployment", ()), configurations, notes)
    return Chosen(executions, deployments, notes)


def _executions(
    runs: Sequence[LiveResource],
    schedules: Iterable[LiveResource],
    configurations: Configurations,
    notes: list[str],
) -> dict[str, LiveResource]:
    """Key -> the newest good run of each family, and of each configuration that a schedule starts;
    what failed or was stopped is only counted."""
    good = [run for run in runs if run.status.state in GOOD and configurations.of(run)]
    if len(good) < len(runs):
        notes.append(f"{count(len(runs) - len(good), 'run')} that failed or stopped")
    chosen = list({_family(run): run for run in good}.values())
    scheduled = {str(schedule.spec.get("configuration")) for schedule in schedules}
    for configuration in sorted(scheduled - {str(run.spec["configuration"]) for run in chosen}):
        ran = [run for run in good if run.spec["configuration"] == configuration]
        chosen += ran[-1:]
    taken: set[str] = set()
    named = sorted(chosen, key=lambda run: (run.created_at, run.id))
    return {unique_key(run.spec["configuration_name"], "execution", taken): run for run in named}


def _deployments(
    found: Sequence[LiveResource], configurations: Configurations, notes: list[str]
) -> list[LiveResource]:
    """One of each family: the liveliest, then the newest, as a plan chooses."""
    alive = [live for live in found if live.status.state in ALIVE and configurations.of(live)]
    if len(alive) < len(found):
        notes.append(f"{count(len(found) - len(alive), 'deployment')} not alive")
    chosen: dict[tuple[str, ...], LiveResource] = {}
    for live in sorted(alive, key=lambda each: -_PREFERENCE.index(each.status.state)):
        if other := chosen.get(_family(live)):
            notes.append(
                f"deployment {other.id}: same configuration name as {live.id}, which is taken"
            )
        chosen[_family(live)] = live
    return sorted(chosen.values(), key=lambda live: (live.created_at, live.id))


def _family(live: LiveResource) -> tuple[str, ...]:
    return tuple(str(live.spec.get(name, "")) for name in FAMILY)
