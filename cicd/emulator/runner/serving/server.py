"""One revision of a deployment: its program, restarted when it ends, asked whether it is ready."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from cicd.emulator.jobs import DeploymentJob, Upstream
from cicd.emulator.runner import artifacts, environment
from cicd.emulator.runner.bubblewrap import SOCKET
from cicd.emulator.runner.container import describe_exit
from cicd.emulator.runner.environment import NotRunnable
from cicd.emulator.runner.lines import Recorder, RunLog
from cicd.emulator.runner.plain import free_port, is_free, rewrite_port
from cicd.emulator.runner.process import Exit, Process
from cicd.emulator.runner.sandbox import Mount, Program, Sandbox
from cicd.emulator.runner.serving.readiness import is_ready
from cicd.emulator.runner.serving.template import MODELS, STORAGE, Predictor
from cicd.emulator.runner.settings import Settings

POLL_SECONDS = 0.05
CONTAINER = "kserve-container"


@dataclass(frozen=True)
class Place:
    """Where servers live: the sandbox, a folder for short socket paths, the outer environment."""

    sandbox: Sandbox
    sockets: Path
    environ: Mapping[str, str]
    settings: Settings


@dataclass(frozen=True)
class GaveUp:
    """A server that never became ready and will not be tried again."""

    message: str
    exit_code: int | None
    tail: tuple[str, ...]


class Server:
    """``on_ready`` and ``on_giving_up`` are called from the server's own threads."""

    def __init__(
        self,
        job: DeploymentJob,
        predictor: Predictor,
        place: Place,
        log: RunLog,
        *,
        on_ready: Callable[[Server], None],
        on_giving_up: Callable[[Server, GaveUp], None],
    ) -> None:
        self.revision = job.revision
        self.pod = f"{job.id}-predictor-{job.revision:05d}-deployment"
        self._job = job
        self._predictor = predictor
        self._place = place
        self._log = log
        self._on_ready = on_ready
        self._on_giving_up = on_giving_up
        self._folder = job.folder.absolute() / "servers" / uuid.uuid4().hex[:12]
        self._stopping = threading.Event()
        self._process: Process | None = None
        self._was_ready = False
        self._upstream: Upstream | None = None
        self._in_flight = 0
        self._idle = threading.Condition()
        self._thread = threading.Thread(target=self._main, name=self.pod, daemon=True)

    def start(self) -> None:
        """Bring it up. Returns at once."""
        self._thread.start()

    def stop(self, grace: float | None = None) -> None:
        """Ask it to end and stay down. Returns at once."""
        self._stopping.set()
        if self._process:
            self._process.stop(grace=grace)

    def join(self) -> None:
        """Wait until its program is gone."""
        self._thread.join()

    def enter(self) -> Upstream | None:
        """Where to send a request, which counts as in flight until ``leave``."""
        with self._idle:
            self._in_flight += 1
            return self._upstream

    def leave(self) -> None:
        """The request is answered."""
        with self._idle:
            self._in_flight -= 1
            self._idle.notify_all()

    def drain(self, timeout: float) -> None:
        """Wait until no request is in flight, or ``timeout`` seconds."""
        with self._idle:
            self._idle.wait_for(
                lambda: self._in_flight == 0 or self._stopping.is_set(), timeout=timeout
            )

    def _main(self) -> None:
        try:
            self._keep_up()
        except (NotRunnable, OSError) as error:
            self._on_giving_up(self, GaveUp(str(error), None, ()))
        except Exception as error:
            self._on_giving_up(self, GaveUp(f"the emulator failed: {error!r}", None, ()))
        finally:
            artifacts.remove(self._folder)

    def _keep_up(self) -> None:
        """Start it, again and again, until it is stopped or has crashed too often."""
        settings = self._place.settings
        crashes = 0
        backoff = settings.backoff
        while not self._stopping.is_set():
            begun = time.monotonic()
            recorder = Recorder(self._log, pod=self.pod, container=CONTAINER)
            ended, message = self._run_once(recorder)
            if self._stopping.is_set():
                return
            crashes += 1
            if not self._was_ready and crashes >= settings.crashes:
                text = f"not ready after {crashes} starts: {message}"
                self._on_giving_up(self, GaveUp(text, ended.code, tuple(recorder.tail)))
                return
            if time.monotonic() - begun > settings.backoff_limit:
                backoff = settings.backoff
            self._note(f"server ended: {message}; restart in {backoff:g} s")
            self._stopping.wait(backoff)
            backoff = min(backoff * 2, settings.backoff_limit)

    def _run_once(self, recorder: Recorder) -> tuple[Exit, str]:
        """One life of the program; how it ended, also in words."""
        artifacts.remove(self._folder)
        root = self._folder / "root"
        root.mkdir(parents=True)
        program, upstream = self._program(root)
        launch = self._place.sandbox.prepare(program)
        process = Process(launch, recorder, grace=self._grace)
        self._process = process
        if self._stopping.is_set():
            process.stop(grace=0)
        ended = threading.Event()
        late: list[str] = []
        watch = threading.Thread(
            target=self._watch, args=(process, upstream, ended, late), name="watch", daemon=True
        )
        watch.start()
        try:
            exit_ = process.run()
        finally:
            ended.set()
            watch.join()
            with self._idle:
                self._upstream = None
            if program.relay:
                artifacts.remove(program.relay)
        return exit_, late[0] if late else describe_exit(exit_.code)

    @property
    def _grace(self) -> float:
        own = self._place.settings.grace
        return own if self._predictor.grace is None else min(own, self._predictor.grace)

    def _watch(
        self, process: Process, upstream: Upstream, ended: threading.Event, late: list[str]
    ) -> None:
        """Until it is ready or has ended, or its time is over."""
        patience = self._predictor.ready or self._place.settings.ready
        deadline = time.monotonic() + patience
        while not ended.wait(POLL_SECONDS):
            if is_ready(upstream, self._predictor.probe):
                with self._idle:
                    self._upstream = upstream
                if self._was_ready:
                    self._note("server is ready again")
                self._was_ready = True
                self._on_ready(self)
                return
            if time.monotonic() > deadline:
                late.append(f"port {self._predictor.port} was not ready after {patience:g} s")
                process.stop()
                return

    def _program(self, root: Path) -> tuple[Program, Upstream]:
        job, container = self._job, self._predictor.container
        image = environment.find_image(job.images, container["image"])
        before = {**environment.base(image, self._place.environ), **job.environment}
        env = environment.declared(container, before, job.secrets, self._fields())
        env.pop(STORAGE, None)
        command = environment.command_line(container, image, env)
        program = Program(
            command=command,
            env=env,
            root=root,
            workdir=environment.workdir_of(container, image),
            python=image.python,
            mounts=environment.mounts_of(image, self._model()),
            paths=(MODELS,) if self._predictor.model else (),
        )
        return self._listening(program)

    def _model(self) -> list[Mount]:
        name = self._predictor.model
        if not name:
            return []
        if name not in self._job.inputs:
            raise NotRunnable(f"input artifact {name} is not bound")
        source = self._job.inputs[name]
        target = MODELS if source.is_dir() else str(PurePosixPath(MODELS) / source.name)
        return [Mount(source.absolute(), target)]

    def _listening(self, program: Program) -> tuple[Program, Upstream]:
        """The program with a way to reach it: a socket, or a port that is still free."""
        port = self._predictor.port
        if self._place.sandbox.has_private_network:
            relay = self._place.sockets / uuid.uuid4().hex[:8]
            relay.mkdir(mode=0o700)
            return replace(program, port=port, relay=relay), Upstream(socket=relay / SOCKET)
        free = free_port()
        command = [rewrite_port(word, port, free) for word in program.command]
        env = {
            key: text if key == "PATH" else rewrite_port(text, port, free)
            for key, text in program.env.items()
        }
        if command != list(program.command) or env != program.env:
            return replace(program, command=command, env=env), Upstream(port=free)
        if not is_free(port):
            raise NotRunnable(
                f"port {port} is in use: pass the port to the server in args or env of the "
                f"template, so that another one can be chosen"
            )
        return program, Upstream(port=port)

    def _fields(self) -> dict[str, str]:
        return {
            "metadata.name": self.pod,
            "metadata.namespace": "default",
            "metadata.uid": str(uuid.uuid5(uuid.NAMESPACE_URL, self.pod)),
            "spec.nodeName": "localhost",
            "spec.serviceAccountName": "default",
            "status.hostIP": "127.0.0.1",
            "status.podIP": "127.0.0.1",
        }

    def _note(self, text: str) -> None:
        self._log.note(text, pod=self.pod, container=CONTAINER)
