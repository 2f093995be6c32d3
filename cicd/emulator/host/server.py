"""The foreground process: a socket, a world, uvicorn between them."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from cicd.emulator.errors import EmulatorError
from cicd.emulator.front_door import FrontDoor
from cicd.emulator.host.doors import FRONT_DOORS
from cicd.emulator.host.folder import ENDPOINT, LOCK, PORT_FILE, prepare, write_endpoint
from cicd.emulator.host.locks import FileLock
from cicd.emulator.host.opening import MakeRunner, open_world
from cicd.emulator.jobs import Journal, Runner
from cicd.emulator.runner.bounds import Bounds
from cicd.emulator.world import World

if TYPE_CHECKING:
    import uvicorn

HOST = "127.0.0.1"
LOG = logging.getLogger(__name__)
NEEDED = ("starlette", "uvicorn", "h11")
"""What comes with the extra ``local`` alone."""


def missing() -> str:
    """The first library that serving needs and that is not installed."""
    return next((name for name in NEEDED if find_spec(name) is None), "")


def serve(data: Path, *, port: int, environ: Mapping[str, str], leash: int | None = None) -> None:
    """Be the emulator of this folder until SIGTERM or Ctrl-C. ``environ`` is what runs may see.

    ``leash`` is a file to read from whose end is one more reason to stop. Port 0 is the port of
    the last time if it is free, else any. EmulatorError when another one runs, the port is taken or
    the folder cannot be used.
    """
    data = data.absolute()
    prepare(data)
    lock = FileLock(data / LOCK)
    if not lock.acquire():
        raise EmulatorError(f"an emulator runs already in {data}", "see `cicd emulator status`")
    try:
        lock.write(str(os.getpid()))
        run(data, port, environ, on_ready=lambda url: write_endpoint(data, url), leash=leash)
    finally:
        # Before the lock is given back: the next emulator of this folder may write its own at once.
        (data / ENDPOINT).unlink(missing_ok=True)
        lock.release()


def run(
    data: Path,
    port: int,
    environ: Mapping[str, str],
    *,
    on_ready: Callable[[str], None],
    make_runner: MakeRunner | None = None,
    leash: int | None = None,
) -> None:
    """Serve until a signal ends it, or the file ``leash`` does. ``on_ready`` gets the url when
    requests are accepted."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with closing(listen(data, port)) as listener:
        # opening the world waits for a sandbox to be tried: time to import the rest
        threading.Thread(target=import_module, args=("cicd.emulator.api.app",), daemon=True).start()
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        world = open_world(data, url, environ, make_runner or default_runner(environ, data))
        try:
            server = http_server(world)
            # uvicorn raises the signal that ended it once more when it is done, and what is left
            # to do then must still be done; before it listens to signals itself, one counts too
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, partial(end, server))
            if leash is not None:
                threading.Thread(target=follow, args=(leash, server), daemon=True).start()
            on_ready(url)
            LOG.info("the emulator answers at %s", url)
            server.run(sockets=[listener])
        finally:
            world.close()
            LOG.info("the emulator has ended")


def http_server(world: World, doors: Iterable[FrontDoor] = FRONT_DOORS) -> uvicorn.Server:
    """uvicorn for a world; give it a listening socket to run."""
    import uvicorn

    from cicd.emulator.api.app import create_app

    config = uvicorn.Config(
        create_app(world, doors),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        # the gateway dates answers itself: fault rules may have another clock
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
    )
    return uvicorn.Server(config)


def default_runner(environ: Mapping[str, str], data: Path) -> MakeRunner:
    """What really runs templates; the programs see nothing of the data folder but their own."""

    def make(journal: Journal) -> Runner:
        from cicd.emulator.runner.local import create
        from cicd.emulator.runner.settings import Settings

        settings = Settings(bounds=Bounds(data))
        return create(
            journal, environ=environ, notify=LOG.warning, private=[data], settings=settings
        )

    return make


def end(server: uvicorn.Server, number: int, frame: FrameType | None) -> None:
    """A signal handler: stop serving."""
    server.should_exit = True


def follow(leash: int, server: uvicorn.Server) -> None:
    """Stop serving at the end of a file: whoever holds its other side has gone."""
    # not the file object: its lock would be held until the interpreter has ended
    while os.read(leash, 4096):
        pass
    server.should_exit = True


def listen(data: Path, port: int) -> socket.socket:
    """A listening socket; EmulatorError when the port asked for is taken or not ours to take."""
    wanted = port or remembered(data)
    try:
        listener = bind(wanted)
    except OSError as error:
        if port:
            reason = "in use" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
            raise EmulatorError(
                f"port {port} on {HOST} cannot be used: {reason}",
                "choose another --port, or 0 for a free one",
            ) from error
        # Nobody has asked for that very port, so another one is better than none; urls of
        # deployments change then.
        listener = bind(0)
    chosen = listener.getsockname()[1]
    if chosen != remembered(data):
        # deployment urls stay the same over restarts
        (data / PORT_FILE).write_text(str(chosen), encoding="utf-8")
    return listener


def bind(port: int) -> socket.socket:
    """A socket that already queues connections."""
    # the protocol by name: only then asyncio turns off Nagle's algorithm, which costs 40 ms each
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(512)
    except BaseException:
        listener.close()
        raise
    return listener


def remembered(data: Path) -> int:
    """The port of the last time, 0 when there was none."""
    try:
        text = (data / PORT_FILE).read_text(encoding="utf-8").strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() and 0 < int(text) < 65536 else 0
