"""Applications: keeps executables equal to the templates in Git, as Argo CD does for AI Core."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from cicd.emulator import timestamps
from cicd.emulator.git import templates
from cicd.emulator.git.fetching import Git, Snapshot, Source, SyncError
from cicd.emulator.git.templates import Executable, TemplateError
from cicd.emulator.state.realism import Pace, share
from cicd.emulator.state.store import Row, Store

STEP = 0.25
UNKNOWN = "Unknown"
LOG = logging.getLogger(__name__)

NOT_SYNCED = {
    "healthStatus": "Progressing",
    "syncStatus": UNKNOWN,
    "message": "",
    "syncStartedAt": UNKNOWN,
    "syncFinishedAt": UNKNOWN,
    "reconciledAt": UNKNOWN,
    "resources": [],
    "revision": "",
}
"""The status of an application that Git was not yet asked for."""


@dataclass(frozen=True)
class Found:
    """One document of a snapshot: an executable, or what is wrong with it."""

    file: str
    executable: Executable | None = None
    problem: str = ""
    name: str = ""


WITH_OWNER = (
    "SELECT executables.*, applications.repository_url FROM executables "
    "JOIN applications ON applications.name = executables.application"
)


@dataclass(frozen=True)
class Done:
    """What a sync did: the ids of executables that changed, Argo's report, and the applications
    whose executables are now another's."""

    changed: list[str] = field(default_factory=list)
    resources: list[dict[str, str]] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)


class Syncer:
    """Syncs applications in the background, on request and every now and then."""

    def __init__(self, store: Store, git: Git, changed: Callable[[str], None], pace: Pace) -> None:
        self._store = store
        self._git = git
        self._changed = changed
        self._pace = pace
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="sync")
        self._lock = threading.Lock()
        self._waiting: dict[str, bool] = {}
        self._closed = threading.Event()
        self._clock = threading.Thread(target=self._tick, name="sync-clock", daemon=True)

    def start(self) -> None:
        """Sync every application now and from then on."""
        self._clock.start()

    def request(self, name: str, *, takes_over: bool = True) -> None:
        """Sync this application soon; asked for twice before it began counts once.

        ``takes_over``: also what another branch of the same repository has synced. Only who asks
        by name gets that: else two branches would undo each other again and again.
        """
        with self._lock:
            if self._closed.is_set():
                return
            is_new = name not in self._waiting
            self._waiting[name] = takes_over or self._waiting.get(name, False)
            if is_new:
                self._pool.submit(self._run, name)

    def close(self) -> None:
        """Stop syncing and wait for what runs."""
        with self._lock:
            self._closed.set()
        self._git.close()
        self._pool.shutdown(cancel_futures=True)
        if self._clock.is_alive():
            self._clock.join()

    def _tick(self) -> None:
        while True:
            for row in self._store.rows("SELECT name FROM applications"):
                self.request(row["name"], takes_over=False)
            if not self._waits(lambda: self._pace.sync_every):
                return

    def _waits(self, seconds: Callable[[], float]) -> bool:
        """Wait; False when the emulator ends before."""
        begun = time.monotonic()
        while (left := begun + seconds() - time.monotonic()) > 0:
            # in steps, for the pace may change
            if self._closed.wait(min(left, STEP)):
                return False
        return not self._closed.is_set()

    def _run(self, name: str) -> None:
        if not self._waits(lambda: share(self._pace.timings.refresh, name)):
            return
        with self._lock:
            # Taken out before Git is asked: a push that comes during the sync asks for another one.
            takes_over = self._waiting.pop(name)
        try:
            done = sync(self._store, self._git, name, takes_over=takes_over)
            for executable in done.changed:
                self._changed(executable)
            for other in done.overtaken:
                self.request(other, takes_over=False)
        except Exception:
            # a sync that breaks must not end all others
            LOG.exception("sync of application %s failed", name)


def sync(store: Store, git: Git, name: str, *, takes_over: bool) -> Done:
    """Bring one application up to date with Git."""
    application = store.row("SELECT * FROM applications WHERE name = ?", (name,))
    if application is None:
        return Done()
    started = timestamps.now_precise()
    try:
        snapshot = git.fetch(source_of(store, application))
    except SyncError as error:
        record(store, application, failure(str(error), started, application))
        return Done()
    found = list(check_unique(read_all(snapshot)))
    with store.transaction() as db:
        # Fetching takes seconds, in which the application may have been changed or deleted: what
        # was fetched for the one before must not be written for the one that is there now.
        if not is_current(db, application):
            return Done()
        done = replace_executables(db, application, found, takes_over=takes_over)
        report = success(snapshot.commit, started, done.resources)
        record(store, application, report)
    return done


def source_of(store: Store, application: Row) -> Source:
    """Where to fetch from, with the login of its repository; SyncError if there is none."""
    url = application["repository_url"]
    row = store.row("SELECT * FROM repositories WHERE url = ?", (url,))
    if row is None:
        raise SyncError(f"application repo {url} is not permitted in project 'default'")
    if not application["path"]:
        raise SyncError(
            "application spec is invalid: InvalidSpecError: spec.source.repoURL and "
            "spec.source.path either spec.source.chart are required"
        )
    return Source(
        url, application["path"], application["revision"], row["username"], row["password"]
    )


def read_all(snapshot: Snapshot) -> Iterator[Found]:
    """Every document of every file, in order of the file names."""
    for file, reason in snapshot.refused.items():
        yield Found(file, problem=f"{file}: {reason}", name=file)
    for file, content in sorted(snapshot.files.items()):
        try:
            text = content.decode("utf-8-sig")
            documents = templates.parse(text, is_json=file.lower().endswith(".json"))
        except UnicodeDecodeError:
            yield Found(file, problem=f"{file}: not UTF-8 text", name=file)
        except TemplateError as error:
            text = f'FailedPrecondition desc = Failed to unmarshal "{file}": {error}'
            yield Found(file, problem=f"rpc error: code = {text}", name=file)
        else:
            for index, document in enumerate(documents):
                yield read_one(file, document, text, index)


def read_one(file: str, document: Any, text: str, index: int) -> Found:
    """One document of a file: the one at ``index`` of those in ``text``."""
    metadata = templates.mapping(templates.mapping(document).get("metadata"))
    name = str(metadata.get("name") or file)
    try:
        return Found(file, templates.read(document), name=name)
    except TemplateError as error:
        problems = "; ".join(located(error.problems, text, index))
        return Found(file, problem=f"{file}: {problems}", name=name)


def located(problems: Iterable[str], text: str, index: int) -> Iterator[str]:
    """Problems with the rule, where it is one of Argo's, and the line."""
    from cicd.emulator.git.places import documents, line_of
    from cicd.emulator.workflow import rule_of

    nodes = documents(text)
    for problem in problems:
        line = f"line {line_of(problem, nodes[index], text)}" if index < len(nodes) else ""
        told = ", ".join(word for word in (rule_of(problem), line) if word)
        yield f"{problem} [{told}]" if told else problem


def check_unique(found: Iterable[Found]) -> Iterator[Found]:
    """The same, but an executable id for the second time is a problem."""
    first: dict[str, str] = {}
    for item in found:
        if item.executable and item.executable.id in first:
            yield duplicate(item, f"also in {first[item.executable.id]}")
            continue
        if item.executable:
            first[item.executable.id] = item.file
        yield item


def duplicate(item: Found, where: str) -> Found:
    """What is wrong with an executable id that is taken."""
    problem = f"{item.file}: executable id '{item.name}' is not unique: it is {where}"
    return replace(item, executable=None, problem=problem)


def replace_executables(
    db: sqlite3.Connection, application: Row, found: Iterable[Found], *, takes_over: bool
) -> Done:
    """Write what is new or changed, remove what is gone."""
    before = {row["id"]: row for row in db.execute(WITH_OWNER)}
    done = Done()
    kept: set[str] = set()
    broken: set[str] = set()
    for item in found:
        row = before.get(item.executable.id) if item.executable else None
        if row is not None and row["application"] != application["name"]:
            item, report = shared(item, row, application, takes_over=takes_over)
            if report:
                done.resources.append(report)
                continue
            if item.executable:
                done.overtaken.append(row["application"])
        if item.executable is None:
            broken.add(item.file)
            done.resources.append(resource(item.name, "SyncFailed", item.problem))
            continue
        kept.add(item.executable.id)
        action = upsert(db, application["name"], item.file, item.executable, row)
        if action == "configured":
            done.changed.append(item.executable.id)
        message = f"{item.executable.resource} {action}"
        done.resources.append(resource(item.name, "Synced", message, item.executable.kind))
    for row in before.values():
        # what a broken file used to declare stays as it was, like everything in Kubernetes
        is_mine = row["application"] == application["name"]
        if not is_mine or row["id"] in kept or row["file"] in broken:
            continue
        db.execute("DELETE FROM executables WHERE id = ?", (row["id"],))
        done.resources.append(resource(row["id"], "Pruned", "pruned", row["kind"]))
    return done


def shared(
    item: Found, row: Row, application: Row, *, takes_over: bool
) -> tuple[Found, dict[str, str] | None]:
    """What becomes of an executable that another application has synced: nothing to do, with the
    report for it; or taken over; or refused.

    Like Argo's SharedResourceWarning: harmless as long as both say the same. Of two branches of
    one repository, the one that was asked for last wins; two repositories are a mistake.
    """
    assert item.executable
    other = f"synced by application {row['application']}"
    if row["digest"] == item.executable.digest:
        message = f"{item.executable.resource} unchanged, already {other}"
        return item, resource(item.name, "Synced", message, item.executable.kind)
    # AI Core knows an executable by its id alone, over all of a tenant's repositories.
    if row["repository_url"] != application["repository_url"]:
        return duplicate(item, f"already {other} with other content"), None
    if takes_over:
        return item, None
    message = f"{item.executable.resource} has other content, {other}"
    return item, resource(item.name, "OutOfSync", message, item.executable.kind)


def upsert(
    db: sqlite3.Connection, application: str, file: str, executable: Executable, before: Row | None
) -> str:
    """Write one executable: ``created``, ``configured`` or, without touching it, ``unchanged``."""
    summary = json.dumps(executable.summary)
    # a newer emulator may read more out of the same document
    if before and (before["digest"], before["summary"]) == (executable.digest, summary):
        db.execute("UPDATE executables SET file = ? WHERE id = ?", (file, executable.id))
        return "unchanged"
    now = timestamps.now_offset()
    db.execute(
        "INSERT OR REPLACE INTO executables VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            executable.id,
            application,
            file,
            executable.scenario_id,
            executable.version_id,
            executable.kind,
            executable.digest,
            summary,
            json.dumps(executable.document),
            before["created_at"] if before else now,
            now,
        ),
    )
    return "configured" if before else "created"


def resource(name: str, status: str, message: str, kind: str = "") -> dict[str, str]:
    """One line of Argo's report."""
    kinds = {"workflow": "WorkflowTemplate", "serving": "ServingTemplate"}
    return {"name": name, "kind": kinds.get(kind, ""), "status": status, "message": message}


def success(commit: str, started: str, resources: list[dict[str, str]]) -> dict[str, Any]:
    """The status after Git could be read, whatever the templates are worth."""
    failed = [item for item in resources if item["status"] == "SyncFailed"]
    others = [item for item in resources if item["status"] == "OutOfSync"]
    finished = timestamps.now_precise()
    message = "successfully synced (all tasks run)"
    if failed:
        reasons = "; ".join(item["message"] for item in failed)
        message = f"one or more objects failed to apply, reason: {reasons}"
    return {
        "healthStatus": "Degraded" if failed else "Healthy",
        "syncStatus": "OutOfSync" if failed or others else "Synced",
        "message": message,
        "syncStartedAt": started,
        "syncFinishedAt": finished,
        "reconciledAt": finished,
        "resources": resources,
        "revision": commit,
    }


def failure(message: str, started: str, application: Row) -> dict[str, Any]:
    """The status after Git could not be read; what was synced before stays."""
    before = json.loads(application["sync"])
    finished = timestamps.now_precise()
    return {
        **before,
        "healthStatus": "Healthy" if before["resources"] else UNKNOWN,
        "syncStatus": UNKNOWN,
        "message": message,
        "syncStartedAt": started,
        "syncFinishedAt": finished,
        "reconciledAt": finished,
        "revision": "",
    }


def is_current(db: sqlite3.Connection, application: Row) -> bool:
    """Whether nobody changed or deleted the application since it was read."""
    found = db.execute(
        "SELECT 1 FROM applications WHERE name = ? AND generation = ?",
        (application["name"], application["generation"]),
    )
    return found.fetchone() is not None


def record(store: Store, application: Row, report: Mapping[str, Any]) -> None:
    """Store a status, unless the application was changed meanwhile."""
    store.write(
        "UPDATE applications SET sync = ? WHERE name = ? AND generation = ?",
        (json.dumps(report), application["name"], application["generation"]),
    )
