"""The containers of a set, each in a thread of its own once those have ended that it waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from cicd.emulator.jobs import Node
from cicd.emulator.runner.process import Exit
from cicd.emulator.workflow import Work

NOT_RUN = 64
"""The exit code of a container that is not started because of another (emissary.go)."""


@dataclass(frozen=True)
class Ended:
    """How one container of a set ended. ``because``: the container that it waited for in vain."""

    name: str
    exit: Exit
    because: str = ""

    @property
    def has_failed(self) -> bool:
        return bool(self.exit.code or self.exit.excess)


class SetRun:
    """``start`` runs a container once and to its end; ``report`` is told how each stands."""

    def __init__(
        self,
        work: Work,
        *,
        start: Callable[[Mapping[str, Any]], Exit],
        report: Callable[[Node], None],
        stopped: threading.Event,
    ) -> None:
        self._work = work
        self._start = start
        self._report = report
        self._stopped = stopped
        self._nodes = {item["name"]: _node(work.node, item["name"]) for item in work.members}

    def run(self) -> list[Ended]:
        """Run all to their ends; how, in the order of the template."""
        for node in self._nodes.values():
            self._report(node)
        found: dict[str, Future[Ended]] = {}
        all_known = threading.Event()

        def one(container: Mapping[str, Any]) -> Ended:
            all_known.wait()
            others = [found[name].result() for name in container.get("dependencies") or ()]
            return self._after(container, others)

        # no container waits for a thread: there are as many
        with ThreadPoolExecutor(len(self._nodes)) as pool:
            for container in self._work.members:
                found[container["name"]] = pool.submit(one, container)
            all_known.set()
        return [ended.result() for ended in found.values()]

    def _after(self, container: Mapping[str, Any], others: Sequence[Ended]) -> Ended:
        name = container["name"]
        failed = [other for other in others if other.has_failed]
        if failed:
            why = f'dependency "{failed[0].name}" exited with non-zero code: {failed[0].exit.code}'
            message = f"Error (exit code {NOT_RUN}): {why}"
            self._end(name, "Error", message, NOT_RUN)
            return Ended(name, Exit(NOT_RUN), because=failed[0].name)
        self._tell(replace(self._nodes[name], phase="Running", started=time.time()))
        ended = Ended(name, self._tried(container))
        if not ended.has_failed:
            self._end(name, "Succeeded", "", ended.exit.code)
        else:
            phase = "Error" if ended.exit.code == NOT_RUN else "Failed"
            self._end(name, phase, ended.exit.words, ended.exit.code)
        return ended

    def _tried(self, container: Mapping[str, Any]) -> Exit:
        """So many tries as the set gives to each of its containers; none at all succeeds, as in
        client-go's retry.OnError."""
        ended = Exit(0)
        for number in range(self._work.tries):
            if number and self._stopped.wait(self._work.pause):
                break
            ended = self._start(container)
            # what is not there is looked for before the first try, and once (emissary.go)
            if not ended.code or ended.is_timeout or ended.excess or ended.is_lost:
                break
        return ended

    def _end(self, name: str, phase: str, message: str, code: int) -> None:
        now = time.time()
        node = self._nodes[name]
        self._tell(
            replace(
                node,
                phase=phase,
                message=message,
                exit_code=code,
                started=node.started or now,
                ended=now,
            )
        )

    def _tell(self, node: Node) -> None:
        self._nodes[node.name.rpartition(".")[2]] = node
        self._report(node)


def _node(pod: Node, name: str) -> Node:
    return Node(
        id=f"{pod.id}-{name}",
        name=f"{pod.name}.{name}",
        template=pod.template,
        phase="Pending",
        type="Container",
        parent=pod.id,
    )


def failure(ended: Sequence[Ended]) -> Ended | None:
    """The container because of which the pod fails, one of those that have run; None for none."""
    failed = [item for item in ended if item.has_failed]
    return next((item for item in failed if not item.because), failed[0] if failed else None)
