"""Plays a workflow without running anything: every container answers at once, as a table says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cicd.emulator.jobs import Node
from cicd.emulator.workflow import Progress, Run, Work, advance, check, collect, read

RUN = Run("e1", started="2030-01-02T03:04:05Z")
NOON = 1893553445.0
"""When RUN began, in seconds since 1970."""

Answer = Mapping[str, Any]
"""phase, exit (code), message, result, parameters (by name), artifacts (name: path), seconds."""
Answers = Mapping[str, Answer | Callable[[Work], Answer]]


@dataclass
class Played:
    """What came of it. ``rounds``: names of the containers that started together."""

    progress: Progress
    nodes: dict[str, Node]
    rounds: list[list[str]] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def phases(self) -> dict[str, str]:
        """Node name without the run's own -> phase, pods and what was left out."""
        return {
            short(node.name): node.phase
            for node in self.nodes.values()
            if node.type in ("Pod", "Skipped", "Suspend")
        }

    @property
    def messages(self) -> dict[str, str]:
        return {short(node.name): node.message for node in self.nodes.values() if node.message}

    @property
    def args(self) -> list[str]:
        """The command lines' arguments, in the order of their start."""
        return [" ".join(map(str, work.container.get("args") or ())) for work in self.works]

    def node(self, name: str) -> Node:
        """By its name without the run's own."""
        return next(node for node in self.nodes.values() if short(node.name) == name)


def short(name: str) -> str:
    """``e1[0].a`` as ``[0].a``, ``e1.a`` as ``a``, ``e1`` as it is."""
    return name.removeprefix("e1").removeprefix(".") or "e1"


def play(document: Mapping[str, Any], answers: Answers | None = None, run: Run = RUN) -> Played:
    """Let every container end as ``answers`` say, by template; time passes only by itself."""
    assert check(document) == []
    program, now = read(document), NOON
    nodes: dict[str, Node] = {}
    played = Played(Progress("", ""), nodes)
    for _ in range(400):
        progress = played.progress = advance(program, run, nodes, now)
        nodes |= {node.id: node for node in progress.settled}
        if progress.settled:
            continue
        if progress.work:
            played.rounds.append([short(work.node.name) for work in progress.work])
            played.works += progress.work
            nodes |= {work.node.id: work.node for work in progress.work}
            # once more while they run: hooks may wait for just that
            continue
        running = [work for work in played.works if nodes[work.node.id].phase == "Running"]
        if running:
            now += max(end(nodes, work, answers or {}, now) for work in running)
        elif progress.wake is not None:
            now = progress.wake
        else:
            played.seconds = now - NOON
            return played
    raise AssertionError("it never ends")


def end(nodes: dict[str, Node], work: Work, answers: Answers, now: float) -> float:
    """Store how one container ended; the seconds it took."""
    answer = answers.get(work.node.template, {})
    if callable(answer):
        answer = answer(work)
    code = answer.get("exit", 0)
    phase = answer.get("phase") or ("Failed" if code else "Succeeded")
    message = answer.get("message") or (f"Error (exit code {code})" if code else "")
    seconds = float(answer.get("seconds", 0))
    node = replace(work.node, phase=phase, message=message, ended=now + seconds)
    if phase != "Error":
        node = replace(node, exit_code=code)
    if phase == "Succeeded":
        outputs = collect(
            work.output_parameters,
            work.output_artifacts,
            answer.get("parameters") or {},
            answer.get("artifacts") or {},
        )
        if "result" in answer and work.keeps_result:
            outputs["result"] = answer["result"]
        node = replace(node, outputs=outputs)
    nodes[node.id] = node
    return seconds
