"""A program that hosts a Runner whose journal is a file, to be killed by a test.

``runner_host.py FOLDER MODE WHAT``: the journal is ``FOLDER/journal``, one JSON list a line.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cicd.emulator.jobs import Line, Node
from cicd.emulator.runner.local import LocalRunner, create
from cicd.emulator.runner.settings import Settings
from tests.emulator.runner.runner_journal import (
    ENVIRON,
    deployment,
    execution,
    serving,
    shell,
    workflow,
)


class FileJournal:
    """Appends; every entry is on disk when the call returns."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal"
        self._lock = threading.Lock()

    def _add(self, *entry: Any) -> None:
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def entries(self, word: str) -> list[list[Any]]:
        if not self._path.exists():
            return []
        lines = self._path.read_text(encoding="utf-8").splitlines()
        return [entry[1:] for entry in map(json.loads, lines) if entry[0] == word]

    def log(self, run_id: str, lines: Sequence[Line]) -> None:
        for line in lines:
            self._add("line", line.text)

    def status(
        self,
        run_id: str,
        status: str,
        *,
        message: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self._add("status", status, message)

    def nodes(self, run_id: str) -> Mapping[str, Node]:
        return {entry[0]["id"]: Node(**entry[0]) for entry in self.entries("node")}

    def save_node(self, run_id: str, node: Node) -> None:
        self._add("node", dataclasses.asdict(node))

    def forget_node(self, run_id: str, node_id: str) -> None:
        self._add("forget", node_id)

    def publish(self, run_id: str, global_name: str, path: Path) -> None:
        self._add("publish", global_name, str(path))

    def keep(self, run_id: str, key: str, path: Path) -> None:
        self._add("keep", key, str(path))

    def kept(self, run_id: str, key: str, folder: Path) -> Path:
        return folder / key

    def serving(self, deployment_id: str, revision: int) -> None:
        self._add("serving", revision)


def three_steps(folder: Path) -> dict[str, Any]:
    """The first leaves a file, the second takes its time, the third reads the file.

    The second has ``folder`` in its command line, so that a test can find it.
    """
    none: dict[str, Any] = {"archive": {"none": {}}}
    first = shell(
        "first",
        "echo first runs; echo kept > /tmp/f.txt",
        outputs={"artifacts": [{"name": "f", "path": "/tmp/f.txt", "globalName": "f", **none}]},
    )
    second = shell("second", f": {folder}; echo pid $$; sleep 1.5")
    inputs = {"artifacts": [{"name": "f", "path": "/in.txt"}]}
    third = shell("third", "cat /in.txt", inputs=inputs)
    given = {"artifacts": [{"name": "f", "from": "{{steps.first.outputs.artifacts.f}}"}]}
    steps = [
        [{"name": "first", "template": "first"}],
        [{"name": "second", "template": "second"}],
        [{"name": "third", "template": "third", "arguments": given}],
    ]
    return workflow({"name": "main", "steps": steps}, first, second, third)


def begin(folder: Path, mode: Any, what: str) -> LocalRunner:
    runner = create(
        FileJournal(folder), environ=ENVIRON, settings=Settings(sandbox=mode, grace=1.0)
    )
    if what == "execution":
        runner.start_execution(execution(folder, three_steps(folder)))
    else:
        runner.deploy(deployment(folder, serving()))
    return runner


if __name__ == "__main__":
    begin(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
    threading.Event().wait()
