"""The controller: fetches, looks at what is due in a few threads, and stops cleanly."""

from __future__ import annotations

import random
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from cicd.automation.operation import Operation
from cicd.controller.acting import Actor
from cicd.controller.claims import BEAT_SECONDS, LEASE_SECONDS, Claim, Claims
from cicd.controller.database import Database
from cicd.controller.keeping import Keeper, Told
from cicd.controller.looking import Looker
from cicd.controller.mirror import Mirror
from cicd.controller.recording import Lost, Records
from cicd.errors import CicdError

IDLE_SECONDS = 1.0
"""Between two questions for work, where there was none."""
DAY_SECONDS = 86400.0


@dataclass(frozen=True)
class Settings:
    """``url`` of the repository, its ``branch`` (empty: the main one), the ``stages`` to keep
    (globs of names or files; none: all). ``every``: seconds between two looks. ``workers``: stages
    that are worked on at once. ``lease``: seconds that a claim holds without a beat."""

    url: str
    branch: str = ""
    stages: Sequence[str] = ()
    every: float = 60.0
    workers: int = 4
    lease: float = LEASE_SECONDS


class Controller:
    """Keeps the stages of a branch. ``folder``: for its mirror. ``tell`` hears what becomes of
    stages, from any thread."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        folder: Path,
        environ: Mapping[str, str],
        tell: Callable[[Told], object] = lambda told: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = f"controller@{socket.gethostname()}/{secrets.token_hex(4)}"
        self._settings = settings
        self._tell = tell
        self._mirror = Mirror(settings.url, folder, environ)
        self._branch = settings.branch or self._mirror.main_branch()
        self._looker = Looker(self._mirror, self._branch, environ)
        self._claims = Claims(database, self.name, settings.lease)
        self._records = Records(database)
        actor = Actor(self._claims, self._records, self.name, self._started, self._ended)
        self._keeper = Keeper(
            self._looker, self._claims, self._records, actor, settings.every, clock
        )
        self._held: dict[Claim, Operation | None] = {}
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._head, self._problem = "", ""
        self._kept: Sequence[int] = ()

    def run(self) -> None:
        """Work until ``stop``. What runs on a platform then goes on, and is adopted later."""
        loops: list[Callable[[], None]] = [self._beats, self._forgets, self._fetches]
        loops += [self._works] * self._settings.workers
        threads = [threading.Thread(target=loop, daemon=True) for loop in loops]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stop(self) -> None:
        """Begin nothing more and stop waiting; from any thread, also in a signal handler."""
        self._stopping.set()
        for operation in [*self._held.values()]:
            if operation:
                operation.cancel()

    def fetch(self) -> None:
        """Ask the repository for its newest commit, and know its stages. Where it does not answer
        everything goes on with the last one."""
        where = (self._mirror.url, self._branch)
        try:
            is_news = False
            # Two replicas may ask at once, and who asked first may write last: asked again, each
            # has what is the newest.
            while not is_news:
                seen = self._records.head(*where)
                head = self._mirror.fetch(self._branch)
                if head != self._head:
                    paths = [path for path in self._looker.paths(head) if self._is_kept(path)]
                    known = self._records.repository(*where, paths)
                    self._kept = [id for path, id in known.items() if self._is_kept(path)]
                is_news = self._records.fetched(*where, head, seen)
            self._head, self._problem = head, ""
        except CicdError as error:
            self._problem = str(error)
            self._records.unreached(*where, self._problem)

    def round(self) -> bool:
        """Work on a stage that is due; False where none is."""
        claim = None if self._stopping.is_set() else self._claims.take(self._kept)
        if claim is None:
            return False
        with self._guard:
            self._held[claim] = None
        try:
            head, problem = self._newest()
            told = self._keeper.keep(claim, head, problem)
            if told:
                self._tell(told)
            if head != self._head:
                self._records.due(claim.stage)  # something was pushed meanwhile
        except Lost:
            pass  # another replica goes on with it
        except CicdError as error:
            self._tell(Told(f"stage {claim.stage}", "Unknown", str(error)))
            with suppress(CicdError):
                self._claims.give_back(claim, self._settings.every)
        finally:
            with self._guard:
                del self._held[claim]
        return True

    def _newest(self) -> tuple[str, str]:
        """The newest commit that any replica knows, and why nobody can tell. With an older one a
        stage would go back to what another replica has left."""
        known = self._records.head(self._mirror.url, self._branch)
        if known != self._head:
            self.fetch()
            known = self._records.head(self._mirror.url, self._branch)
        return (known if self._mirror.has(known) else ""), self._problem

    def _is_kept(self, path: str) -> bool:
        names = (path, PurePosixPath(path).stem)
        wanted = self._settings.stages
        return not wanted or any(fnmatchcase(name, one) for name in names for one in wanted)

    def _started(self, claim: Claim, operation: Operation) -> None:
        with self._guard:
            self._held[claim] = operation
        if self._stopping.is_set():
            operation.cancel()

    def _ended(self, claim: Claim) -> None:
        with self._guard:
            self._held[claim] = None

    def _works(self) -> None:
        while not self._stopping.is_set():
            done = False
            with suppress(CicdError):  # a database that does not answer: the next round asks again
                done = self.round()
            if not done:
                self._stopping.wait(IDLE_SECONDS)

    def _fetches(self) -> None:
        while not self._stopping.is_set():
            with suppress(CicdError):
                self.fetch()
            jitter = 0.8 + 0.4 * random.random()  # noqa: S311 - no secret is made of it
            self._stopping.wait(self._settings.every * jitter)

    def _forgets(self) -> None:
        while not self._stopping.is_set():
            with suppress(CicdError):
                self._records.forget()
            self._stopping.wait(DAY_SECONDS)

    def _beats(self) -> None:
        pause = min(BEAT_SECONDS, self._settings.lease / 3)
        while self._held or not self._stopping.is_set():
            if self._stopping.wait(pause):
                time.sleep(0.1)  # what is under way ends now
            with self._guard:
                held = dict(self._held)
            for claim, operation in held.items():
                with suppress(CicdError):
                    if not self._claims.renew(claim) and operation:
                        operation.cancel()  # it is another's by now
