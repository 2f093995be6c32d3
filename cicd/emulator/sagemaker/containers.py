"""Containers handed to the emulator's runner: programs that end, and servers that answer.

What they are given and what is taken from them is the contract of SageMaker's own containers,
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms.html; who knows it calls this.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cicd.emulator.jobs import Image
from cicd.emulator.runs import standins
from cicd.emulator.runs.lifecycle import ENDED, Kind
from cicd.emulator.runs.starting import Wanted, job_template, server_template
from cicd.emulator.sagemaker.names import NAME
from cicd.emulator.sagemaker.storage import DataError
from cicd.emulator.state.store import Row
from cicd.emulator.world import World

OF_PROGRAMS = "instr(text, 'step ' || run_id || ': ') != 1"
"""A condition: the line of a log is a program's own, not the emulator's remark on how it ended."""

GROUP = NAME
"""Of its runs, and of what stands in for images."""
PORT = 8080
ROOT = "/opt/ml"


@dataclass(frozen=True)
class Container:
    """``command`` whole. ``files`` and ``mounts``: container path -> place on this machine, the
    first copied, so that the program may write there. ``outputs``: name -> container path of what
    is kept of a program that ends."""

    image: str
    command: Sequence[str]
    env: Mapping[str, str]
    files: Mapping[str, Path] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    workdir: str = ""
    name: str = ""
    """The same for the same work, which is started once, however often it is asked for."""


class Runner:
    """Runs them in a world. ``stand_in`` is what a client has told of an image."""

    def __init__(self, world: World) -> None:
        self._world = world

    def stand_in(self, image: str, *, needed: bool = True) -> Image:
        """What stands in for an image; this machine's own programs where it is not needed.

        Raises DataError where nothing is known of it.
        """
        try:
            return standins.images(self._world.stand_ins(GROUP))[image]
        except KeyError:
            if not needed:
                return Image()
        raise DataError(
            f"ClientError: nothing stands in for image {image} on this machine: name it under "
            "local.images in the stage file, or in PUT /emulator/stand-ins"
        )

    def started(self, name: str) -> str:
        """The run of a container of that name; empty where it has none yet."""
        run = self._world.runs.named(GROUP, name)
        return str(run["id"]) if run else ""

    def start_job(self, container: Container, seconds: int) -> str:
        """Start a program that may take so long; the id of its run."""
        words = Words("workflow.parameters")
        template = job_template(self._described(container, words))
        spec = template["spec"]
        spec["activeDeadlineSeconds"] = seconds
        spec["arguments"] = {"parameters": [{"name": name} for name in words.kept]}
        spec["templates"][0]["outputs"] = {
            "artifacts": [
                {"name": name, "path": path, "optional": True, "archive": {"none": {}}}
                for name, path in container.outputs.items()
            ]
        }
        return self._start("execution", container, template, words)

    def start_server(self, container: Container, seconds: int) -> str:
        """Start a server that must be well within so many seconds; the id of its run."""
        words = Words("inputs.parameters")
        described = self._described(container, words)
        described["ports"] = [{"containerPort": PORT, "protocol": "TCP"}]
        described["readinessProbe"] = {"httpGet": {"path": "/ping", "port": PORT}}
        template = server_template(described)
        template["spec"]["inputs"] = {"parameters": [{"name": name} for name in words.kept]}
        deadline = {"serving.knative.dev/progress-deadline": f"{seconds}s"}
        template["spec"]["template"]["metadata"] = {"annotations": json.dumps(deadline)}
        return self._start("deployment", container, template, words)

    def _described(self, container: Container, words: Words) -> dict[str, Any]:
        return {
            "name": "main",
            "image": container.image,
            "command": [words.literal(word) for word in container.command],
            "env": [
                {"name": name, "value": words.literal(text)} for name, text in container.env.items()
            ],
        }

    def _start(
        self, kind: Kind, container: Container, template: Mapping[str, Any], words: Words
    ) -> str:
        image = self.stand_in(container.image, needed=False)
        entry = {
            "mounts": {**image.mounts, **_texts(container.mounts)},
            "files": {**image.files, **_texts(container.files)},
            "python": image.python,
            "command": [],
            "env": dict(image.env),
            "workdir": container.workdir or image.workdir,
            "note": image.note,
        }
        stand_ins = {**standins.EMPTY, "images": {container.image: entry}}
        wanted = Wanted(
            kind,
            GROUP,
            template,
            parameters=words.kept,
            stand_ins=stand_ins,
            own_name=container.name or None,
        )
        return self._world.runs.start(wanted)

    def look(self, kind: Kind, run_id: str) -> Row | None:
        """How a run is; None where it is gone."""
        return self._world.runs.find(kind, GROUP, run_id)

    def stop(self, kind: Kind, run_id: str) -> None:
        """Ask a run to end; what has ended stays as it is."""
        run = self.look(kind, run_id)
        if run and run["status"] not in ENDED | {"STOPPING"}:
            self._world.runs.stop(kind, GROUP, run_id, wish="cancel")

    def outputs(self, run_id: str) -> dict[str, Path]:
        """Output name -> what a program has left there."""
        found: dict[str, Path] = {}
        for node in self._world.journal.nodes(run_id).values():
            for name, path in node.outputs.get("artifacts", {}).items():
                if Path(path).exists():
                    found[name] = Path(path)
        return found

    def forget_outputs(self, run_id: str) -> None:
        """Delete what a program has left, once it is stored elsewhere."""
        for path in self.outputs(run_id).values():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def last_lines(self, run_id: str, most: int = 10) -> list[str]:
        """The end of what a program has written, without the emulator's own remark on it."""
        sql = (
            f"SELECT text FROM logs WHERE run_id = ? AND {OF_PROGRAMS} "  # noqa: S608 - ours
            "ORDER BY time DESC, rowid DESC LIMIT ?"
        )
        rows = self._world.store.rows(sql, (run_id, most))
        return [row["text"] for row in rows][::-1]


class Words:
    """Words of a template: what would mean something there comes as a parameter."""

    def __init__(self, scope: str) -> None:
        self._scope = scope
        self.kept: dict[str, str] = {}

    def literal(self, text: str) -> str:
        """The text as a template must have it for the program to get just that."""
        escaped = text.replace("$", "$$")
        if "{{" not in escaped:
            return escaped
        name = f"w{len(self.kept)}"
        self.kept[name] = escaped
        return f"{{{{{self._scope}.{name}}}}}"


def failure_of(run: Row) -> tuple[int | None, str]:
    """Exit code and words of a run that did not end well."""
    details = json.loads(run["details"]).get("details") or [{}]
    code = details[-1].get("exit_code")
    return code, str(run["message"])


def _texts(paths: Mapping[str, Path]) -> dict[str, str]:
    return {inside: str(outside) for inside, outside in paths.items()}
