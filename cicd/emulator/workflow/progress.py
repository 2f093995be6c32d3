"""Where a run stands: from the program and the nodes so far, what to run next and how it ended.

Nothing is remembered between two calls, so a run goes on after a restart from its saved nodes
alone: ``advance`` walks the tree of templates from the entrypoint and asks for every container
whose turn it is and which has no node yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cicd.emulator.jobs import Node
from cicd.emulator.workflow import hooks
from cicd.emulator.workflow.expr.expressions import NOW, Unresolved
from cicd.emulator.workflow.program import Program
from cicd.emulator.workflow.scope import (
    ENDED,
    FAILED,
    Given,
    Run,
    Scope,
    global_outputs,
    moment,
    own_content,
    workflow_texts,
)
from cicd.emulator.workflow.walk import REACHED, Again, TooMuch, Walk
from cicd.emulator.workflow.work import Work


@dataclass(frozen=True)
class Publication:
    """An output artifact with a globalName that is ready to be stored."""

    global_name: str
    path: str
    is_archived: bool


@dataclass(frozen=True)
class Progress:
    """``phase`` of the run as a whole, containers to start, nodes to store that have none.

    As long as something is ``settled`` there is no ``work``: store it and ask again. ``wake``:
    when to ask again even if nothing has ended, in seconds since 1970.
    """

    phase: str
    message: str
    work: tuple[Work, ...] = ()
    settled: tuple[Node, ...] = ()
    publications: tuple[Publication, ...] = ()
    wake: float | None = None
    queued: tuple[Node, ...] = ()
    """What waits because of ``parallelism``, with the reason; no part of the nodes yet."""


def advance(
    program: Program, run: Run, nodes: Mapping[str, Node], now: float = 0.0, late: str = ""
) -> Progress:
    """What comes next. ``nodes``: by id, those that have ended or that run right now; ``now`` in
    seconds since 1970. ``late``: why nothing new may start any more, except exit handlers."""
    values = {**program.parameters, **run.parameters}
    missing = sorted(name for name, value in values.items() if value is None)
    if missing:
        return Progress("Error", f"parameter {', '.join(missing)} has no value")
    run = replace(run, parameters={name: value or "" for name, value in values.items()})
    shared = global_outputs(nodes.values())
    try:
        texts = {**workflow_texts(program, run, now), **shared.texts}
        own = {item.name: own_content(item, texts) for item in program.artifacts}
    except Unresolved as error:
        return Progress("Error", str(error))
    run = replace(run, contents={name: found for name, found in own.items() if found})
    walk = Walk(program, run, nodes, now, texts, shared)
    try:
        root = _root(walk, late)
        root = _with_handlers(walk, root)
    except TooMuch as error:
        return Progress("Error", str(error))
    except Again:
        return Progress("Running", "", settled=tuple(walk.settled))
    # What has just been settled may open the way for more, or end the run: nothing starts before it
    # is stored and looked at anew.
    work = () if walk.settled else _as_many_as_allowed(walk)
    return Progress(
        phase=root.phase,
        message=root.message,
        work=work,
        settled=tuple(walk.settled),
        publications=tuple(_publications(nodes.values())),
        wake=walk.wake,
        queued=() if walk.settled else (*walk.queued, *_left(walk.work[len(work) :])),
    )


def left_open(nodes: Mapping[str, Node], now: float, message: str) -> list[Node]:
    """Nodes without a container that are still open although the run has ended, as they end."""
    return [
        replace(node, phase="Failed", message=message, ended=now)
        for node in nodes.values()
        if node.phase not in ENDED and node.type != "Pod"
    ]


def _root(walk: Walk, late: str) -> Node:
    """The state of the entrypoint; when it is ``late``, as it is without anything new."""
    name, entrypoint = walk.run.name, walk.program.entrypoint
    root = walk.visit(name, entrypoint, Given(walk.run.parameters), 0, "")
    if not late or root.phase in ENDED:
        return root
    # The walk was only made to see where the run stands: what it would start is dropped, and so is
    # the time of the next retry.
    walk.work.clear()
    walk.settled.clear()
    walk.wake = None
    # What runs is being ended by whoever found the run late. It fails when the last container is
    # gone, so that no exit handler runs beside one.
    if any(node.type == "Pod" and node.phase == "Running" for node in walk.nodes.values()):
        return root
    return replace(root, phase="Failed", message=late)


def _with_handlers(walk: Walk, root: Node) -> Node:
    """The run has ended once its hooks and its exit handler have."""
    if not walk.program.hooks:
        return root
    texts = {**walk.texts, "workflow.status": "Running", NOW: str(root.ended or root.started)}
    if root.phase in ENDED:
        succeeded = root.phase not in FAILED
        texts["workflow.status"] = "Succeeded" if succeeded else root.phase
        texts["workflow.failures"] = _failures(walk.nodes.values())
    # what the handlers' own templates see as well
    walk.texts = texts
    scope = Scope(texts, dict(walk.shared.artifacts))
    is_over, trouble = hooks.run(walk, walk.run.name, walk.program.hooks, root, scope, 0)
    if root.phase in ENDED and trouble and root.message != trouble:
        return walk.close(root, "Error", trouble)
    if not is_over:
        return root if root.phase not in ENDED else replace(root, phase="Running")
    handler = f"{walk.run.name}.onExit"
    ended = [node for node in walk.nodes.values() if node.name == handler and node.phase in FAILED]
    if root.phase in ENDED and root.phase not in FAILED and ended:
        message = f"the exit handler failed: {ended[-1].message}"
        return replace(root, phase=ended[-1].phase, message=message)
    return root


def _failures(nodes: Iterable[Node]) -> str:
    """``{{workflow.failures}}``: a JSON list of the pods that failed."""
    found = [
        {
            "displayName": node.name.rpartition(".")[2],
            "message": node.message,
            "templateName": node.template,
            "phase": node.phase,
            "podName": node.id,
            "finishedAt": moment(node.ended),
        }
        for node in nodes
        if node.type == "Pod" and node.phase in FAILED
    ]
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _as_many_as_allowed(walk: Walk) -> tuple[Work, ...]:
    """The containers to start, no more at once than ``spec.parallelism``."""
    if walk.program.parallelism is None:
        return tuple(walk.work)
    running = sum(node.type == "Pod" and node.phase == "Running" for node in walk.nodes.values())
    return tuple(walk.work[: max(0, walk.program.parallelism - running)])


def _left(works: Iterable[Work]) -> Iterable[Node]:
    for work in works:
        yield replace(work.node, phase="Pending", message=REACHED, started=0.0)


def _publications(nodes: Iterable[Node]) -> Iterable[Publication]:
    found: dict[str, Publication] = {}
    for node in nodes:
        shared = (node.outputs.get("globals") or {}).get("artifacts") or {}
        for name, item in shared.items() if node.phase == "Succeeded" else ():
            # The first that gave the name has it: what is published is an artifact with an id,
            # which another step cannot change any more.
            found.setdefault(name, Publication(name, item["path"], item["archived"]))
    return found.values()
