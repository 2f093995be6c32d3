"""One step of a workflow, for real: inputs in, programs run, outputs out."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from cicd.emulator.jobs import ExecutionJob, Journal, Node
from cicd.emulator.runner import artifacts, environment
from cicd.emulator.runner.bounds import PLAN_LABEL
from cicd.emulator.runner.container_set import SetRun, failure
from cicd.emulator.runner.content import program_of
from cicd.emulator.runner.environment import NotRunnable
from cicd.emulator.runner.inputs import Inputs
from cicd.emulator.runner.lines import Recorder, RunLog
from cicd.emulator.runner.outputs import Outputs
from cicd.emulator.runner.places import Places, is_below
from cicd.emulator.runner.process import Exit, Process
from cicd.emulator.runner.sandbox import Mount, Program, Sandbox
from cicd.emulator.runner.settings import Settings
from cicd.emulator.runner.sidecar import Sidecar
from cicd.emulator.runner.volumes import Volumes
from cicd.emulator.workflow import MAIN, Work

SCRIPT = "/argo/staging/script"
RESULT_BYTES = 256 * 1024
"""As much of its standard output as a step can hand on, as in Argo."""
READABLE = "readable-"
"""Of other containers than ``main``, SAP AI Core shows the output only if so named."""


@dataclass(frozen=True)
class Done:
    """A step that ended, with its last lines of output."""

    node: Node
    tail: tuple[str, ...] = ()


class Container:
    """One run of one Work: its init containers, then the main one with the sidecars beside it.
    ``run`` blocks; ``stop`` may be called from any thread."""

    def __init__(
        self,
        job: ExecutionJob,
        work: Work,
        sandbox: Sandbox,
        log: RunLog,
        *,
        environ: Mapping[str, str],
        settings: Settings,
        report: Callable[[Node], None],
        journal: Journal,
    ) -> None:
        self._journal = journal
        self._job = job
        self._report = report
        self._work = work
        self._sandbox = sandbox
        self._log = log
        self._environ = environ
        self._folder = job.folder.absolute() / "nodes" / work.node.id
        self._name = str(work.container["name"]) if work.members else MAIN
        self._recorder = Recorder(
            log,
            pod=work.node.id,
            container=self._name,
            keep_bytes=RESULT_BYTES if work.keeps_result and self._name == MAIN else 0,
            is_shown=is_shown(self._name),
        )
        self._settings = settings
        self._running: list[Process] = []
        self._stopped = threading.Event()
        self._stop_within: float | None = None
        self._lock = threading.Lock()
        claims = job.folder.absolute() / "claims"
        own = self._folder / "volumes"
        self._volumes = Volumes(work.volumes, own, claims, job.secrets)

    def stop(self, grace: float | None = None) -> None:
        """Ask the programs to end, or keep them from starting."""
        self._stop_within = grace
        self._stopped.set()
        with self._lock:
            running = list(self._running)
        for process in running:
            process.stop(grace=grace)

    def run(self) -> Done:
        """Run it to its end; never raises for what a template or program did wrong."""
        try:
            node = self._run()
        except (NotRunnable, OSError) as error:
            node = replace(self._work.node, phase="Error", message=str(error))
        return Done(node, tuple(self._recorder.tail))

    def clear(self) -> None:
        """Remove what nobody needs once it has run. Never raises: what stays goes with its run."""
        for name in ("root", "fetched", "volumes", "beside"):
            with contextlib.suppress(OSError):
                artifacts.remove(self._folder / name)

    def _run(self) -> Node:
        if self._stopped.is_set():
            return replace(self._work.node, phase="Failed", message="stopped")
        # a step that was interrupted starts again from nothing
        artifacts.remove(self._folder)
        root = self._folder / "root"
        deadline = self._work.deadline
        until = None if deadline is None else time.monotonic() + deadline
        main, shared = self._main_program(root)
        for index, container in enumerate(self._work.init):
            ended = self.beside(container, f"init-{index}", until)
            if node := self._failure(ended, f"init container {container['name']}: "):
                return node
        return self._with_sidecars(main, root, shared, until)

    def _with_sidecars(
        self, main: Program, root: Path, shared: list[Mount], until: float | None
    ) -> Node:
        sidecars = [
            Sidecar(container["name"], partial(self.beside, container, f"sidecar-{index}", None))
            for index, container in enumerate(self._work.sidecars)
        ]
        try:
            ended, who = self._in_the_middle(main, until)
        finally:
            for sidecar in sidecars:
                sidecar.stop()
        failed = self._failure(ended, who)
        if failed and self._stopped.is_set() and self._stop_within == 0:
            # it goes on another time, from nothing; after a stop Argo keeps what is there
            return failed
        node = failed or replace(self._work.node, exit_code=ended.code, phase="Succeeded")
        for sidecar in () if failed else sidecars:
            if sidecar.error:
                message = f"sidecar {sidecar.name}: {sidecar.error}"
                node = replace(node, phase="Failed", message=message)
        own = self._folder / "outputs"
        outputs = Outputs(root, shared, main.mounts, own, self._keep, main.folders)
        return self._with_outputs(node, outputs)

    def _with_outputs(self, node: Node, outputs: Outputs) -> Node:
        """The same with what was written, also before a failure (wait.go), which counts more than
        that something is missing."""
        found: Mapping[str, Any] = {}
        try:
            found, missing = outputs.take(self._work)
        except (NotRunnable, OSError) as error:
            missing = str(error)
        if self._work.keeps_result:
            found = {**found, "result": self._recorder.result}
        if missing and node.phase == "Succeeded":
            node = replace(node, phase="Error", message=missing)
        return replace(node, outputs=found)

    def _keep(self, key: str, path: Path) -> None:
        self._journal.keep(self._job.id, key, path)

    def _kept(self, key: str, folder: Path) -> Path:
        return self._journal.kept(self._job.id, key, folder)

    def _in_the_middle(self, main: Program, until: float | None) -> tuple[Exit, str]:
        """Run what the pod is for; how it ended, and words before a failure of it."""
        if not self._work.members:
            return self._process(main, self._recorder, until), ""
        ready = {
            item["name"]: self._beside(item, f"set-{item['name']}")
            for item in self._work.members
            if item["name"] != self._name
        }
        ready[self._name] = (main, self._recorder)
        ended = SetRun(
            self._work,
            start=lambda item: self._process(*ready[item["name"]], until),
            report=self._report,
            stopped=self._stopped,
        ).run()
        if failed := failure(ended):
            return failed.exit, f"container {failed.name}: "
        return next(item.exit for item in ended if item.name == self._name), ""

    def _process(
        self,
        program: Program,
        recorder: Recorder,
        until: float | None,
        own: list[Process] | None = None,
    ) -> Exit:
        """Run one program to its end."""
        process = Process(self._sandbox.prepare(program), recorder, grace=self._settings.grace)
        with self._lock:
            self._running.append(process)
        if own is not None:
            own.append(process)
        if self._stopped.is_set():
            process.stop(grace=self._stop_within or 0)
        try:
            return process.run(None if until is None else max(0.0, until - time.monotonic()))
        finally:
            with self._lock:
                self._running.remove(process)

    def beside(
        self,
        container: Mapping[str, Any],
        folder: str,
        until: float | None,
        own: list[Process] | None = None,
    ) -> Exit:
        """Run an init container or sidecar to its end, in a root of its own."""
        program, recorder = self._beside(container, folder)
        ended = self._process(program, recorder, until, own)
        self._recorder.tail.extend(recorder.tail if ended.code else ())
        return ended

    def _beside(self, container: Mapping[str, Any], folder: str) -> tuple[Program, Recorder]:
        """The program of another container than the main one, and what takes its output."""
        name = container["name"]
        if not is_shown(name):
            self._log.note_once(
                f"the output of container {name} is not shown: its name does not begin with "
                f"{READABLE}",
                pod=self._work.node.id,
            )
        recorder = Recorder(
            self._log, pod=self._work.node.id, container=name, is_shown=is_shown(name)
        )
        root = self._folder / "beside" / folder
        root.mkdir(parents=True)
        fixed, shared = self._volumes.mounts(container)
        if container.get("mirrorVolumeMounts"):
            also_fixed, also_shared = self._volumes.mounts(self._work.container)
            fixed, shared = [*fixed, *also_fixed], [*shared, *also_shared]
        return self._program(container, root, fixed, shared), recorder

    def _main_program(self, root: Path) -> tuple[Program, list[Mount]]:
        """The program of the main container, and the volumes that it can write to."""
        root.mkdir(parents=True)
        work, container = self._work, self._work.container
        fixed, shared = self._volumes.mounts(container)
        paths = [item.path for item in work.output_artifacts]
        paths += [parameter.path for parameter in work.output_parameters if parameter.path]
        inputs = Inputs(
            root,
            self._folder / "fetched",
            paths,
            shared,
            self._job.secrets,
            self._environ,
            self._kept,
        )
        # what the image has lies below what the step brings
        program = self._program(container, root, fixed, shared)
        places = Places(work, environment.find_image(self._job.images, container["image"]))
        program = replace(program, mounts=(*program.mounts, *places.had_before(paths, program)))
        mounts = [mount for item in work.inputs if (mount := inputs.bring(item))]
        program = replace(program, mounts=(*program.mounts, *environment.checked(mounts)))
        if work.source is not None:
            script = root / SCRIPT.lstrip("/")
            script.parent.mkdir(parents=True)
            script.write_text(work.source, encoding="utf-8")
            script.chmod(0o755)
            program = replace(program, command=(*program.command, SCRIPT), script=SCRIPT)
        targets = tuple(mount.target for mount in shared)
        folders = {path for path in places.folders(paths) if not is_below(path, targets)}
        own = {*paths, *(item.path for item in work.inputs)}
        if places.makes_folders():
            # it names them, and what it names is redirected where there is no sandbox
            around = {str(PurePosixPath(path).parent) for path in paths}
            own |= {folder for folder in around - folders if not Path(folder).exists()}
        declared = tuple(path for path in own if not is_below(path, targets))
        return replace(
            program,
            folders=tuple(sorted({*program.folders, *folders})),
            paths=(*program.paths, *declared),
        ), shared

    def _program(
        self,
        container: Mapping[str, Any],
        root: Path,
        mounts: list[Mount],
        shared: list[Mount],
    ) -> Program:
        image = environment.find_image(self._job.images, container["image"])
        if image.note:
            self._log.note_once(image.note, pod=self._work.node.id)
        before = {**environment.base(image, self._environ), **self._job.environment}
        env = environment.declared(container, before, self._job.secrets, self._work.fields)
        env = environment.with_stores(env, image, self._job.stores)
        program = program_of(image, container, root, env)
        mounts_ = environment.checked([*program.mounts, *mounts])
        plan = self._work.fields.get(f"metadata.labels['{PLAN_LABEL}']")
        limits = self._settings.bounds.limits(root, {PLAN_LABEL: plan})
        return replace(program, mounts=mounts_, shared=tuple(shared), limits=limits)

    def _failure(self, ended: Exit, who: str = "") -> Node | None:
        """The node as it failed, None if it did not."""
        node = replace(self._work.node, exit_code=ended.code, phase="Failed")
        if self._stopped.is_set():
            return replace(node, message="stopped")
        if ended.is_timeout:
            limit = f"{self._work.deadline_name}: {self._work.deadline:g} s"
            message = f"Pod was active on the node longer than the specified deadline ({limit})"
            return replace(node, message=message)
        if ended.code or ended.excess:
            return replace(node, message=f"{who}{ended.words}")
        return None


def is_shown(container: str) -> bool:
    """Whether SAP AI Core shows the output of a container of that name."""
    return container == MAIN or container.startswith(READABLE)
