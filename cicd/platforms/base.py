"""What every platform must offer; planning and applying know nothing else of it.

One API call per method where the API allows it. No polling inside a write, no retry of a write:
``apply`` waits, and looks with ``find`` before it repeats. Every failure is an error of
``cicd.errors``. One instance is shared by all worker threads and must be safe for that.
"""

from __future__ import annotations

import json
import shutil
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol
from urllib.parse import unquote, urlsplit

from cicd.errors import Denied, NotFound, PlatformError, Problem
from cicd.model import (
    Approval,
    Count,
    Holder,
    Key,
    Kind,
    LiveResource,
    LogEntry,
    MetricPoint,
    Resource,
    State,
    Track,
    identity,
)

NO_MARKS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class LogPage:
    """Some log lines, oldest first, and where to go on.

    ``cursor`` is the platform's own and can be stored as text; an empty page keeps the old one.
    """

    entries: tuple[LogEntry, ...]
    cursor: str
    is_last: bool = True
    """False when more lines are ready right now."""


def page_of(entries: Sequence[LogEntry], cursor: str = "", since: int | None = None) -> LogPage:
    """The page after ``cursor`` of a log that is always told as a whole; arguments as of
    ``Platform.logs``. The cursor is how many of its ``entries`` were told."""
    told = int(cursor or 0)
    shown = (entry for entry in entries[told:] if since is None or entry.time >= since)
    return LogPage(tuple(shown), str(max(told, len(entries))))


JSON = "application/json"


@dataclass(frozen=True)
class Request:
    """One request to a service.

    ``body``: bytes and text are sent as they are, anything else but None as JSON.
    ``content_type``: empty, as the body says. ``variant``: the part of the service that is to
    answer, where it has parts. A platform whose services have one address takes no notice of
    ``method`` and ``path``.
    """

    method: str = "POST"
    path: str = ""
    body: Any = None
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""

    @property
    def data(self) -> bytes | None:
        """The body as it is sent."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body).encode()

    @property
    def sort(self) -> str:
        """The content type; empty where nothing is sent."""
        if self.content_type or self.body is None:
            return self.content_type
        if isinstance(self.body, bytes):
            return "application/octet-stream"
        return "text/plain; charset=utf-8" if isinstance(self.body, str) else JSON


@dataclass(frozen=True)
class Answer:
    """What a service said to a request. ``log``: where to read what the program behind it wrote,
    where it was that which failed."""

    status: int
    text: str
    log: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing that a check of the account found. ``cure``: what to do about it."""

    check: str
    state: Literal["ok", "warning", "error", "skipped"]
    text: str
    cure: str = ""


class Lock(Protocol):
    """What keeps two applies of one stage apart, whatever machines they run on.

    It has to end by itself some time after the last renewal. The four calls never wait.
    """

    def take(self, holder: Holder, seconds: float) -> Holder:
        """Have it for so long, atomically; the holder with its times. Raises Conflict where
        somebody has it, expired or not, and LostAnswer if unsure."""
        ...

    def look(self) -> Holder | None:
        """Who has it now, None when nobody has."""
        ...

    def renew(self, holder: Holder, seconds: float) -> None:
        """Have it for so long from now on. Overwrites: look first whether it is still yours."""
        ...

    def drop(self) -> None:
        """Nobody has it any more, whoever had it: look first whether it is yours."""
        ...


class Platform(Protocol):
    """A place where runs, content and services live.

    A new one is a class made from this. It has to say what is abstract here; of the rest it says
    what it can do, and the sentence that begins with "Else" is what it does where it says nothing.
    A kind that is no run, service or content of it needs none of the methods for those.
    """

    name: str
    """What ``platform`` of a stage file calls it."""
    kinds: Mapping[str, Kind]
    """All sorts of things that it has, by name: what planning knows of them stands there."""

    # -- planning: reads, and changes nothing --------------------------------------------------

    def complete(self, desired: Sequence[Resource]) -> list[Resource]:
        """Before every plan: the same resources with what only the platform knows filled in. No
        network. Else as they are."""
        return list(desired)

    def read(self, desired: Sequence[Resource], *, everything: bool = False) -> list[LiveResource]:
        """For every plan: all live resources that planning ``desired`` may need, every page of
        every list; none for none.

        ``everything``: also all else that lives in the place the stage deploys to, each run with
        the stage that it is of: for pruning, destroying and importing. Else what ``browse`` has of
        the kinds of ``desired``, or of all.
        """
        asked = self.kinds if everything else dict.fromkeys(wish.key.kind for wish in desired)
        return [live for kind in asked for live in self.browse(kind)]

    def review(
        self, desired: Sequence[Resource], live: Sequence[LiveResource]
    ) -> tuple[list[Problem], list[LiveResource]]:
        """For every plan, after ``read``: what the platform itself has against ``desired``, at the
        lines of the stage file: models that it does not have (errors) or is about to retire
        (warnings); and ``live``, as read, with what it says of that in its facts and notes. Else
        nothing."""
        return [], list(live)

    @abstractmethod
    def browse(self, kind: str) -> Sequence[LiveResource]:
        """For ``cicd list`` and to know what there is: everything of one kind, newest last, as far
        as a list tells."""

    def listed(
        self, lives: Sequence[LiveResource], *, most: int | None = None
    ) -> Mapping[str, LiveResource]:
        """While many are waited for: those of these, all of one kind, that the list of the kind
        shows, by id, as far as the list tells of each. ``most``: nothing where that list, as far as
        is known, has more items; and of one that has pages the first is enough. Else those that
        ``browse`` has."""
        asked = {live.id for live in lives}
        found = self.browse(lives[0].key.kind) if lives else ()
        return {live.id: live for live in found if live.id in asked}

    @abstractmethod
    def get(self, live: LiveResource) -> LiveResource:
        """While one is waited for: the same resource as it is now: status, outputs, spec. Raises
        NotFound."""

    def find(self, desired: Resource, known: frozenset[str]) -> LiveResource | None:
        """After LostAnswer: what that create has made, if it has: never one of the ids ``known``
        before the create, except for kinds identified by name or content. Else the newest that
        ``browse`` has with the same identity, which is the whole spec where the kind has none."""
        kind = self.kinds[desired.key.kind]
        may_be_known = not kind.identity or (kind.named and not kind.runs)
        names = kind.identity or tuple(desired.spec)
        for live in reversed(self.browse(kind.name)):
            is_same = all(live.spec.get(name) == desired.spec.get(name) for name in names)
            if is_same and (may_be_known or live.id not in known):
                return live
        return None

    # -- applying ------------------------------------------------------------------------------

    @abstractmethod
    def create(
        self, desired: Resource, token: str = "", marks: Mapping[str, str] = NO_MARKS
    ) -> LiveResource:
        """Create or start it; every Ref in the spec is resolved. Raises LostAnswer if unsure.

        ``token`` is the same for every try of one change, also by another process: where the
        platform or a name can carry it, the second try gives what the first has made. Empty: no try
        but this. ``marks``: what ``tag`` would remember, for platforms that take it at once.
        """

    def update(self, live: LiveResource, desired: Resource) -> LiveResource:
        """Change one of a kind that is ``updatable`` in place; may be repeated safely. Else it is
        refused."""
        raise PlatformError(f"{live.key} can never be changed")

    def stop(self, live: LiveResource) -> None:
        """Ask a run or service of a kind that is ``stoppable`` to stop; returns at once. Else it is
        refused."""
        raise PlatformError(f"{live.key} cannot be stopped")

    @abstractmethod
    def delete(self, live: LiveResource) -> None:
        """Ask for deletion; returns at once. A missing one counts as deleted."""

    def tag(self, live: LiveResource, tags: Mapping[str, str]) -> None:
        """After a create that did not take ``marks``: remember ``tags`` with a run, or whose a
        service or schedule is, where that can be: ``fields_of`` and ``owner_of`` give them back.
        Else they are forgotten, and a run without inputs runs again."""
        return

    def kept_marks(self, live: Sequence[LiveResource]) -> Mapping[str, Mapping[str, str]]:
        """For ``cicd history``: id -> what ``tag`` or the create has kept with each of these runs.
        Else nothing: where their facts have the commit already."""
        return {}

    def remember(self, name: str, text: str) -> None:
        """Keep a short text under a name in the place the stage deploys to, where that can be done;
        what cannot be kept is forgotten, and nothing fails for it. Else all is forgotten."""
        return

    def recall(self, name: str, *, fresh: bool = True) -> str:
        """What was kept under a name; empty where there is nothing or it cannot be seen. Without
        ``fresh`` it is as this process has seen it last, if it has. Else nothing."""
        return ""

    def lock(self, name: str) -> Lock | None:
        """Before an apply: the lock of this name in the place the stage deploys to. Sends nothing.
        Else None, which is that there are no locks."""
        return None

    def listen(self, hear: Callable[[Key, int, int], None]) -> None:
        """Before an apply: tell ``hear``, on any thread, how many bytes of how many have been sent
        or fetched for a key, while that goes on. Else nothing is told."""
        return

    # -- runs and services ---------------------------------------------------------------------

    def metrics(self, live: LiveResource) -> Mapping[str, float]:
        """For gates: the last value of every metric of a run. Else those that ``get`` tells."""
        return self.get(live).metrics

    def track(self, live: Sequence[LiveResource]) -> Mapping[str, Track]:
        """For ``cicd metrics`` and ``compare``: id -> all that each of these runs recorded; one
        that recorded nothing is left out. Else the metrics that they have."""
        return {
            run.id: Track(tuple(MetricPoint(*metric) for metric in run.metrics.items()))
            for run in live
            if run.metrics
        }

    def progress(self, live: LiveResource) -> Sequence[Count]:
        """Asked now and then while one of a kind that is ``counted`` goes on: how far it has come,
        the larger parts first. Who cannot be asked is not waited for: then, and else, none."""
        return ()

    def logs(self, live: LiveResource, cursor: str = "", *, since: int | None = None) -> LogPage:
        """Asked again and again while something of a kind with a ``log`` is followed: the lines
        after ``cursor``, from the start when empty; ``since`` in ns since 1970. Else none."""
        return LogPage((), cursor)

    def streams(self, live: LiveResource) -> Sequence[str]:
        """For ``cicd logs --stream``: what its logs are called, that of ``logs`` first. Else none,
        which is that there is but one."""
        return ()

    def stream(
        self, live: LiveResource, name: str, cursor: str = "", *, since: int | None = None
    ) -> LogPage:
        """As ``logs``, of the one of its ``streams`` that is called so. Else that of ``logs``."""
        return self.logs(live, cursor, since=since)

    def tail(self, live: LiveResource, count: int) -> Sequence[LogEntry]:
        """When something failed, and for ``cicd explain`` of whatever it is: the last lines of its
        log, in their order; none where there is no log. Where the platform remembers only what a
        container said at its end, that. Else the end of all that ``logs`` has."""
        last: deque[LogEntry] = deque(maxlen=count)
        page = LogPage((), "", is_last=False)
        while not page.is_last:
            page = self.logs(live, page.cursor)
            last.extend(page.entries)
        return tuple(last)

    def invoke(self, live: LiveResource, request: Request, *, timeout: float = 30.0) -> Answer:
        """For smoke tests and ``cicd invoke``: send one request to a service, with the platform's
        login. Any answer of it counts. Else it is refused."""
        raise PlatformError(f"{live.key} takes no requests")

    def fetch(self, live: LiveResource, output: str, folder: Path) -> list[Path] | None:
        """What a run has made under one of its outputs, as files in a folder that is there: their
        paths; None where it is no fault that there is nothing. Raises NotFound where it has no such
        output, PlatformError where nobody can read it. Else only what lies on this machine, at a
        ``file:`` URL."""
        if output not in live.outputs:
            raise NotFound(f"{live.key} has no output {output}")
        url = urlsplit(live.outputs[output])
        if url.scheme != "file":
            raise PlatformError(f"what {live.key} has made cannot be fetched")
        return copied(Path(unquote(url.path)), folder)

    def approval_of(self, live: LiveResource) -> Approval:
        """Before something is deployed: what somebody has decided about a version of a model that
        is of a kind which keeps that. Else none keeps any."""
        raise PlatformError(f"{live.key} keeps no approval")

    def decide(self, live: LiveResource, verdict: str, reason: str, fingerprint: str) -> None:
        """When an approval is asked for or given: keep that decision with it (``approved``,
        ``rejected``, ``pending``), and the fingerprint of what it is about. Else it is refused."""
        raise PlatformError(f"{live.key} keeps no approval")

    def size_of(self, url: str) -> int:
        """Before something is deployed: how many bytes are at a URL that only the platform can look
        at. Raises NotFound where nothing is. Else nobody can."""
        raise PlatformError(f"{self.name} cannot look at {url.partition('://')[0]}://")

    def holds(self, live: LiveResource, output: str, folder: Path) -> bool:
        """Before something is fetched: whether a folder that is there has just what ``fetch`` would
        give. Raises as that. Else False: it is fetched again."""
        return False

    # -- looking around ------------------------------------------------------------------------

    def survey(
        self,
        selector: Mapping[str, str],
        unseen: Callable[[str, PlatformError], None] = lambda kind, error: None,
        *,
        select: Collection[str] = (),
    ) -> list[LiveResource]:
        """For ``cicd import``: all that lives in the place that ``selector`` says, by the
        platform's own words: each once. ``unseen`` hears of each kind that this login may not see.
        ``select``: globs; what does not belong to these (see ``Around``) need not be told. Raises
        NotFound where there is no such place. Else what ``browse`` has of all kinds in the place
        that this was connected for."""
        found: list[LiveResource] = []
        for kind in self.kinds:
            try:
                found += self.browse(kind)
            except Denied as error:
                unseen(kind, error)
        return found

    def explain(self, live: LiveResource, needs: Any) -> Iterator[Finding]:
        """For ``cicd explain``: why it is as it is, as far as the platform tells: status, what is
        likely with its cure (``likely``), what it reported, and whether what it ``needs`` (which
        its dialect has told) is there. Changes nothing and raises nothing that a person should
        rather read. Else the status, and the programs that it needs."""
        has_failed = live.status.state is State.FAILED
        yield Finding("status", "error" if has_failed else "ok", f"it is {live.status.raw}")
        if needs:
            yield Finding("programs", "ok", ", ".join(map(str, needs)))

    def diagnose(self) -> Iterator[Finding]:
        """For ``cicd doctor``: looks at login, rights, quotas and clock, one finding after the
        other; changes nothing and raises nothing that a person should rather read. Else none."""
        return iter(())

    def link(self, live: LiveResource) -> str | None:
        """A page where a person can look at it. Else None, which is that there is none."""
        return None

    def now(self) -> int:
        """The time by the platform's clock, in ns since 1970; by ours until it has told its own.
        Sends nothing. Else ours."""
        return time.time_ns()

    def close(self) -> None:
        """At the end of every command: give back connections. Else there are none."""
        return


def fields_of(tags: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a run's spec that ``tag`` or the marks of its create have kept. Files that
    somebody else has written there, and nobody can read, are left out."""
    inputs = {"inputs": tags["cicd.inputs"]} if "cicd.inputs" in tags else {}
    try:
        told = json.loads(tags.get("cicd.files") or "{}")
    except ValueError:
        return inputs
    files = told.items() if isinstance(told, dict) else ()
    known = {path: digest for path, digest in files if isinstance(digest, str)}
    return {**inputs, "files": known} if known else inputs


def owner_of(tags: Mapping[str, str]) -> str:
    """The stage that made something, by its tags; empty where they do not tell."""
    stage = tags.get("cicd.stage", "")
    return identity(tags.get("cicd.project", ""), stage) if stage else ""


def copied(path: Path, folder: Path) -> list[Path]:
    """A file, or all that is in a folder, copied into ``folder``: the copies. Raises NotFound where
    there is nothing, PlatformError where it cannot be read or written."""
    if not path.exists():
        raise NotFound(f"there is no {path} any more")
    copy = folder / path.name
    try:
        if path.is_file():
            return [Path(shutil.copy(path, copy))]
        shutil.copytree(path, copy, dirs_exist_ok=True)
    except OSError as error:
        raise PlatformError(f"cannot copy {path} to {folder}: {error.strerror}") from error
    return sorted(file for file in copy.rglob("*") if file.is_file())
