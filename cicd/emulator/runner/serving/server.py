"""One revision of a deployment: its program, restarted when it ends, asked whether it is ready.

A revision that may have no replica is stopped when nobody asks for long enough, and started by the
next request.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from cicd.emulator.jobs import DeploymentJob, Upstream
from cicd.emulator.runner import artifacts, environment
from cicd.emulator.runner.bubblewrap import SOCKET
from cicd.emulator.runner.content import program_of
from cicd.emulator.runner.environment import NotRunnable
from cicd.emulator.runner.lines import Recorder, RunLog
from cicd.emulator.runner.plain import rewrite_port
from cicd.emulator.runner.process import Exit, Process
from cicd.emulator.runner.sandbox import Mount, Program, Sandbox
from cicd.emulator.runner.serving.ports import Ports
from cicd.emulator.runner.serving.readiness import is_ready
from cicd.emulator.runner.serving.template import MODELS, STORAGE, Predictor, Scaling
from cicd.emulator.runner.settings import Settings
from cicd.emulator.runner.slots import Slots
from cicd.emulator.runner.volumes import Volumes

POLL_SECONDS = 0.05
CONTAINER = "kserve-container"


@dataclass(frozen=True)
class ServerHost:
    """Where servers live: the sandbox, a folder for short socket paths, the outer environment."""

    sandbox: Sandbox
    sockets: Path
    environ: Mapping[str, str]
    settings: Settings
    starting: Slots
    """For servers that are not ready yet."""
    up: Slots
    """For those that are there at all."""
    ports: Ports = field(default_factory=Ports)


@dataclass(frozen=True)
class Ended:
    """How a program ended that was not asked to, and its last lines."""

    message: str
    exit_code: int | None
    tail: tuple[str, ...]


class Server:
    """``on_ready`` (each time), ``on_end`` (it will be started again) and ``on_giving_up`` (it will
    not) are called from the server's own threads."""

    def __init__(
        self,
        job: DeploymentJob,
        predictor: Predictor,
        host: ServerHost,
        log: RunLog,
        *,
        is_update: bool,
        on_ready: Callable[[Server], None],
        on_end: Callable[[Server, Ended], None],
        on_giving_up: Callable[[Server, Ended], None],
    ) -> None:
        self.revision = job.revision
        self.scaling: Scaling = predictor.scaling
        self.pod = f"{job.id}-predictor-{job.revision:05d}-deployment"
        self._job = job
        self._predictor = predictor
        self._host = host
        self._log = log
        self._is_update = is_update
        self._on_ready = on_ready
        self._on_end = on_end
        self._on_giving_up = on_giving_up
        self._folder = job.folder.absolute() / "servers" / uuid.uuid4().hex[:12]
        self._stopping = threading.Event()
        self._process: Process | None = None
        self._is_first = True
        self._port_hint = ""
        self._upstream: Upstream | None = None
        self._in_flight = 0
        self._used_at = 0.0
        self._was_put_to_rest = False
        """Its program was stopped, or is being stopped, because nobody asked."""
        self._is_resting = False
        """So it stays down until the next request, which may come before it has ended."""
        self._is_waking = False
        """From then until it is ready again: who asks must wait."""
        self._idle = threading.Condition()
        """Guards the seven above and tells of every change."""
        self._thread = threading.Thread(target=self._main, name=self.pod, daemon=True)

    def start(self) -> None:
        """Bring it up. Returns at once."""
        self._thread.start()

    def stop(self, grace: float | None = None) -> None:
        """Ask it to end and stay down. Returns at once."""
        self._stopping.set()
        with self._idle:
            self._idle.notify_all()
        if self._process:
            self._process.stop(grace=grace)

    def join(self) -> None:
        """Wait until its program is gone."""
        self._thread.join()

    def enter(self) -> Upstream | None:
        """Where to send a request, which counts as in flight until ``leave``."""
        with self._idle:
            self._in_flight += 1
            if self._is_waking:
                self._is_resting = False
                self._idle.notify_all()
                return Upstream(is_waking=True)
            return self._upstream

    def leave(self) -> None:
        """The request is answered."""
        with self._idle:
            self._in_flight -= 1
            self._used_at = time.monotonic()
            self._idle.notify_all()

    @property
    def is_up(self) -> bool:
        """Whether a request would be answered without waiting."""
        return self._upstream is not None

    def drain(self, timeout: float) -> None:
        """Wait until no request is in flight, or ``timeout`` seconds."""
        with self._idle:
            self._idle.wait_for(
                lambda: self._in_flight == 0 or self._stopping.is_set(), timeout=timeout
            )

    def _main(self) -> None:
        try:
            with self._place_in(self._host.up, "up", needed=not self._is_update):
                self._keep_up()
        except (NotRunnable, OSError) as error:
            self._on_giving_up(self, Ended(str(error), None, ()))
        except Exception as error:
            self._on_giving_up(self, Ended(f"the emulator failed: {error!r}", None, ()))
        finally:
            with self._idle:
                self._is_waking = False
            artifacts.remove(self._folder)

    def _keep_up(self) -> None:
        """Start it, again and again, until it is stopped or has crashed too often."""
        settings = self._host.settings
        crashes = 0
        backoff = settings.backoff
        while not self._stopping.is_set():
            begun = time.monotonic()
            recorder = Recorder(self._log, pod=self.pod, container=CONTAINER)
            ended, message, was_ready = self._run_once(recorder)
            if self._stopping.is_set():
                return
            if self._was_put_to_rest:
                self._was_put_to_rest = False
                self._rest()
                crashes, backoff = 0, settings.backoff
                continue
            # Only starts that never got ready count: one that serves and crashes now and then is to
            # be kept up.
            crashes = 0 if was_ready else crashes + 1
            tail = tuple(recorder.tail)
            if crashes >= settings.crashes:
                text = f"not ready after {crashes} starts: {message}"
                self._on_giving_up(self, Ended(text, ended.code, tail))
                return
            # Who was up for long gets a quick restart, as in Kubernetes: its crash is not the one
            # of before.
            if time.monotonic() - begun > settings.backoff_limit:
                backoff = settings.backoff
            text = f"server ended: {message}; restart in {backoff:g} s"
            self._note(text)
            self._on_end(self, Ended(text, ended.code, tail))
            self._stopping.wait(backoff)
            backoff = min(backoff * 2, settings.backoff_limit)

    def _rest(self) -> None:
        """Stay down until somebody asks."""
        self._note(f"no request for {self.scaling.idle:g} s: scaled to zero")
        with self._idle:
            self._idle.wait_for(lambda: not self._is_resting or self._stopping.is_set())
        if not self._stopping.is_set():
            self._note("a request came: scaled up")

    def _run_once(self, recorder: Recorder) -> tuple[Exit, str, bool]:
        """One life of the program; how it ended, also in words, and whether it had been ready."""
        artifacts.remove(self._folder)
        root = self._folder / "root"
        root.mkdir(parents=True)
        with self._place_in(self._host.starting, "starting") as has_started:
            return self._live(root, recorder, has_started)

    @contextlib.contextmanager
    def _place_in(
        self, slots: Slots, doing: str, *, needed: bool = True
    ) -> Iterator[Callable[[], None]]:
        """Wait for a place, which is given back at the end, or earlier by calling what it gives."""

        def say() -> None:
            most = slots.most
            self._note(f"waiting for a place: {most} servers are {doing} (--parallel)")

        has_place = needed and slots.take(f"{self.pod} {id(self)}", self._stopping, say)
        lock = threading.Lock()

        def give_back() -> None:
            nonlocal has_place
            with lock:
                is_mine, has_place = has_place, False
            if is_mine:
                slots.give_back()

        try:
            yield give_back
        finally:
            give_back()

    def _live(
        self, root: Path, recorder: Recorder, has_started: Callable[[], None]
    ) -> tuple[Exit, str, bool]:
        """From the start of the program to its end."""
        program, upstream = self._program(root)
        launch = self._host.sandbox.prepare(program)
        process = Process(launch, recorder, grace=self._grace)
        self._process = process
        if self._stopping.is_set():
            process.stop(grace=0)
        ended = threading.Event()
        late: list[str] = []
        watch = threading.Thread(
            target=self._watch,
            args=(process, upstream, ended, late, has_started),
            name="watch",
            daemon=True,
        )
        watch.start()
        try:
            exit_ = process.run()
        finally:
            ended.set()
            watch.join()
            with self._idle:
                was_ready, self._upstream = self._upstream is not None, None
            if program.relay:
                artifacts.remove(program.relay)
            self._host.ports.give_back(upstream.port)
        message = late[0] if late else str(exit_)
        return exit_, f"{message}{self._port_hint}", was_ready

    @property
    def _grace(self) -> float:
        own = self._host.settings.grace
        return own if self._predictor.grace is None else min(own, self._predictor.grace)

    def _watch(
        self,
        process: Process,
        upstream: Upstream,
        ended: threading.Event,
        late: list[str],
        has_started: Callable[[], None],
    ) -> None:
        """Until it is ready or has ended, or its time is over."""
        patience = self._predictor.ready or self._host.settings.ready
        deadline = time.monotonic() + patience
        while not ended.wait(POLL_SECONDS):
            if is_ready(upstream, self._predictor.probe):
                with self._idle:
                    self._upstream, self._used_at = upstream, time.monotonic()
                    self._is_waking = False
                has_started()
                if not self._is_first:
                    self._note("server is ready again")
                self._is_first = False
                self._on_ready(self)
                if not self.scaling.minimum:
                    self._wait_for_rest(process, ended)
                return
            if time.monotonic() > deadline:
                late.append(f"port {self._predictor.port} was not ready after {patience:g} s")
                process.stop()
                return

    def _wait_for_rest(self, process: Process, ended: threading.Event) -> None:
        """Stop it when nobody has asked for long enough; return when it has ended."""
        wait = self.scaling.idle
        while not ended.wait(max(wait, POLL_SECONDS)):
            with self._idle:
                # Decided under the lock that requests enter with: none can come in between this
                # look and the stop.
                wait = self._used_at + self.scaling.idle - time.monotonic()
                if self._in_flight or wait > 0:
                    continue
                self._upstream, self._is_resting, self._is_waking = None, True, True
                self._was_put_to_rest = True
            process.stop()
            return

    def _program(self, root: Path) -> tuple[Program, Upstream]:
        job, container = self._job, self._predictor.container
        image = environment.find_image(job.images, container["image"])
        if image.note:
            self._log.note_once(image.note, pod=self.pod, container=CONTAINER)
        before = {**environment.base(image, self._host.environ), **job.environment}
        # Knative gives it to every server
        before["PORT"] = str(self._predictor.port)
        env = environment.declared(container, before, job.secrets, self._fields())
        env.pop(STORAGE, None)
        env = environment.with_stores(env, image, job.stores)
        program = program_of(image, container, root, env)
        volumes = Volumes(
            self._predictor.volumes, self._folder / "volumes", self._folder, job.secrets
        )
        fixed, shared = volumes.mounts(container)
        mounts = environment.checked([*program.mounts, *self._model(), *fixed])
        paths = (*program.paths, MODELS) if self._predictor.model else program.paths
        limits = self._host.settings.bounds.limits(root, self._predictor.labels)
        whole = replace(program, mounts=mounts, shared=tuple(shared), paths=paths, limits=limits)
        return self._listening(whole)

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
        limits = Upstream(concurrency=self.scaling.concurrency, timeout=self.scaling.timeout)
        if self._host.sandbox.has_private_network(program):
            relay = self._host.sockets / uuid.uuid4().hex[:8]
            relay.mkdir(mode=0o700)
            return replace(program, port=port, relay=relay), replace(limits, socket=relay / SOCKET)
        free = self._host.ports.take()
        command = [rewrite_port(word, port, free) for word in program.command]
        own = {"PATH", "PORT"} if program.env.get("PORT") == str(port) else {"PATH"}
        env = {
            key: text if key in own else rewrite_port(text, port, free)
            for key, text in program.env.items()
        }
        is_named = command != list(program.command) or env != program.env
        if not is_named:
            # the program knows the port by itself, so that one it is if nobody else has it
            self._host.ports.give_back(free)
            free = self._host.ports.take(port)
        self._port_hint = ""
        if free != port and not is_named:
            self._port_hint = (
                f"; port {port} is in use, so the program was given PORT={free}: let it read PORT, "
                f"or name the port in args or env of the template"
            )
            self._note(self._port_hint.removeprefix("; "))
        env["PORT"] = str(free)
        return replace(program, command=command, env=env), replace(limits, port=free)

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
