"""One step of a workflow, for real: inputs in, program run, outputs out."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from cicd.emulator.jobs import ExecutionJob, Node
from cicd.emulator.runner import artifacts, environment
from cicd.emulator.runner.environment import NotRunnable
from cicd.emulator.runner.lines import Recorder, RunLog
from cicd.emulator.runner.process import Exit, Process
from cicd.emulator.runner.sandbox import Mount, Program, Sandbox
from cicd.emulator.workflow import Input, Work

SCRIPT = "/argo/staging/script"
RESULT_BYTES = 256 * 1024
"""As much of its standard output as a step can hand on, as in Argo."""


@dataclass(frozen=True)
class Done:
    """A step that ended, with its last lines of output."""

    node: Node
    tail: tuple[str, ...] = ()


class Container:
    """One run of one Work. ``run`` blocks; ``stop`` may be called from any thread."""

    def __init__(
        self,
        job: ExecutionJob,
        work: Work,
        sandbox: Sandbox,
        log: RunLog,
        *,
        environ: Mapping[str, str],
        grace: float,
    ) -> None:
        self._job = job
        self._work = work
        self._sandbox = sandbox
        self._environ = environ
        self._folder = job.folder.absolute() / "nodes" / work.node.id
        self._recorder = Recorder(
            log, pod=work.node.id, keep_bytes=RESULT_BYTES if work.keeps_result else 0
        )
        self._grace = grace
        self._process: Process | None = None
        self._stopped = threading.Event()

    def stop(self, grace: float | None = None) -> None:
        """Ask the program to end, or keep it from starting."""
        self._stopped.set()
        if self._process:
            self._process.stop(grace=grace)

    def wait(self, seconds: float) -> None:
        """Let time pass before a repetition, unless it is stopped."""
        self._stopped.wait(seconds)

    def run(self) -> Done:
        """Run it to its end; never raises for what a template or program did wrong."""
        try:
            node = self._run()
        except (NotRunnable, OSError) as error:
            node = replace(self._work.node, phase="Error", message=str(error))
        return Done(node, tuple(self._recorder.tail))

    def _run(self) -> Node:
        if self._stopped.is_set():
            return replace(self._work.node, phase="Failed", message="stopped")
        # a step that was interrupted starts again from nothing
        artifacts.remove(self._folder)
        root = self._folder / "root"
        root.mkdir(parents=True)
        launch = self._sandbox.prepare(self._program(root))
        process = Process(launch, self._recorder, grace=self._grace)
        self._process = process
        if self._stopped.is_set():
            process.stop(grace=0)
        ended = process.run(self._work.deadline)
        try:
            return self._judge(ended, root)
        finally:
            artifacts.remove(root)

    def _program(self, root: Path) -> Program:
        work, container = self._work, self._work.container
        image = environment.find_image(self._job.images, container["image"])
        before = {**environment.base(image, self._environ), **self._job.environment}
        env = environment.declared(container, before, self._job.secrets, work.fields)
        command = environment.command_line(container, image, env)
        if work.source is not None:
            command = (*command, SCRIPT)
            script = root / SCRIPT.lstrip("/")
            script.parent.mkdir(parents=True)
            script.write_text(work.source, encoding="utf-8")
        outputs = [item.path for item in work.output_artifacts]
        outputs += [parameter.path for parameter in work.output_parameters]
        empty = [item["mountPath"].rstrip("/") for item in container.get("volumeMounts") or ()]
        # the sandbox's own /dev has what is asked for there, /dev/shm
        empty = [path for path in empty if not path.startswith("/dev/")]
        inputs = [mount for item in work.inputs if (mount := self._input(item, root, outputs))]
        return Program(
            command=command,
            env=env,
            root=root,
            workdir=environment.workdir_of(container, image),
            python=image.python,
            mounts=environment.mounts_of(image, inputs),
            folders=tuple(sorted({*self._folders(outputs), *empty})),
            paths=tuple({*outputs, *empty, *(item.path for item in work.inputs)}),
            script=SCRIPT if work.source is not None else "",
        )

    def _input(self, item: Input, root: Path, outputs: list[str]) -> Mount | None:
        """Bring an input artifact in; the mount that does it, None when it was copied."""
        target = root / item.path.lstrip("/")
        if item.raw is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(item.raw, encoding="utf-8")
            return None
        source = Path(item.source)
        if not source.exists():
            raise NotRunnable(f"input artifact {item.name}: {source} does not exist")
        if item.is_archived and artifacts.is_tar(source):
            artifacts.unpack(source, target)
        elif any(_overlap(item.path, output) for output in outputs):
            # it is written again as an output, so the program gets a copy of its own
            artifacts.place(source, target)
        else:
            return Mount(source, item.path)
        return None

    def _folders(self, outputs: list[str]) -> set[str]:
        """Folders that must be writable.

        An image usually brings the folder of an output artifact with it, so it is there; a path
        with a suffix, or below /tmp, is taken for a file of which only the folder is there.
        """
        folders = {str(PurePosixPath(path).parent) for path in outputs}
        copied = {item.path for item in self._work.inputs}
        for item in self._work.output_artifacts:
            path = PurePosixPath(item.path)
            if not path.suffix and path.parts[1] != "tmp" and item.path not in copied:
                folders.add(item.path)
        copies = {str(PurePosixPath(item.path).parent) for item in self._work.inputs}
        return (folders | copies) - {"/"}

    def _judge(self, ended: Exit, root: Path) -> Node:
        node = replace(self._work.node, exit_code=ended.code)
        if self._stopped.is_set():
            return replace(node, phase="Failed", message="stopped")
        if ended.is_timeout:
            message = f"still running after activeDeadlineSeconds ({self._work.deadline:g} s)"
            return replace(node, phase="Failed", message=message)
        if ended.code:
            return replace(node, phase="Failed", message=describe_exit(ended.code))
        return replace(node, phase="Succeeded", outputs=self._outputs(root))

    def _outputs(self, root: Path) -> dict[str, Any]:
        """Read the output parameters, keep the output artifacts."""
        outputs: dict[str, Any] = {"parameters": {}, "artifacts": {}}
        for item in self._work.output_parameters:
            path = artifacts.inside(root, item.path)
            if path.is_file():
                text = path.read_text(encoding="utf-8", errors="replace")
                outputs["parameters"][item.name] = text.removesuffix("\n")
            elif item.default is not None:
                outputs["parameters"][item.name] = item.default
            else:
                raise NotRunnable(f"output parameter {item.name}: no file {item.path}")
        for artifact in self._work.output_artifacts:
            path = artifacts.inside(root, artifact.path)
            if artifacts.is_written(path):
                kept = self._folder / "outputs" / artifact.name / path.name
                kept.parent.mkdir(parents=True)
                others = [item.path for item in self._work.output_artifacts if item != artifact]
                if any(_overlap(artifact.path, other) for other in others):
                    artifacts.place(path, kept)
                else:
                    shutil.move(path, kept)
                outputs["artifacts"][artifact.name] = str(kept)
            elif not artifact.is_optional:
                raise NotRunnable(f"output artifact {artifact.name}: nothing at {artifact.path}")
        if self._work.keeps_result:
            outputs["result"] = self._recorder.result
        return outputs


def describe_exit(code: int) -> str:
    """An exit code in words."""
    return (
        f"killed by signal {code - 128} (exit code {code})" if code > 128 else f"exit code {code}"
    )


def _overlap(one: str, other: str) -> bool:
    a, b = PurePosixPath(one), PurePosixPath(other)
    return a == b or a in b.parents or b in a.parents
