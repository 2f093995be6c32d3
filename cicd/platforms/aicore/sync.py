"""When has Git arrived in AI Core? Pure: status of an application (Argo CD) -> our Status."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cicd.model import Key, LiveResource, Resource, State, Status
from cicd.platforms.aicore.convert import (
    Document,
    repositories_in,
    respell,
    same_path,
    same_repository,
)
from cicd.platforms.aicore.interface import executable_spec

GRACE = 60.0
"""Seconds after a refresh in which an error that was there before it may still be the old one."""
CURE = "correct it in Git and apply again; if it stays, delete the application, apply creates it"
NETWORK_CURE = (
    "the platform does not reach the repository: check its host name, network and proxy, then "
    "apply again"
)
_NETWORK = re.compile(
    r"no such host|could not resolve|name resolution|server misbehaving|dial tcp|i/o timeout"
    r"|connection (refused|reset|timed out)|failed to connect|network is unreachable"
    r"|no route to host|TLS handshake|context deadline exceeded|proxyconnect|unexpected EOF",
    re.IGNORECASE,
)
"""Words of Go's net package, of git and of curl."""
SYNCED = "Synced"
SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
ERROR = re.compile(
    r"\b(errors?|failed|failure|cannot|unable|denied|not permitted|does not exist|required"
    r"|not found|invalid|FailedPrecondition)\b",
    re.IGNORECASE,
)
NOT_YET = frozenset({"outofsync", "missing", "progressing", "unknown", "pending", "running"})
TIMES = ("syncStartedAt", "syncFinishedAt", "reconciledAt")
RESOURCES = ("syncResourcesStatus", "syncRessourcesStatus", "syncResourceStatus")
"""Three spellings are about: the right one, the old one and one in the documentation."""


@dataclass(frozen=True)
class Goal:
    """What a sync must reach: the spec asked for, and the status as it was when it was asked for
    (None: nothing was there). ``since`` is that moment on a monotonic clock, in seconds."""

    spec: Mapping[str, Any]
    before: Document | None = None
    since: float = 0.0


def judge(
    document: Document, executables: Mapping[str, Document], goal: Goal, now: float = 0.0
) -> Status:
    """Where the sync is. SUCCEEDED with the word "Synced" only when all of the goal is there.

    ``executables``: id -> document, all of the goal's scenarios.
    """
    # Right after a refresh Argo CD still shows the status of the commit before, often as "Synced".
    # So the word alone is never believed: revision, path, times and executables have to fit too.
    waits = [*_open_points(document, goal), *_missing(executables, goal.spec)]
    if not waits:
        return Status(State.SUCCEEDED, SYNCED)
    problem = error_of(document) or _broken(executables, goal.spec)
    # An error that stood there before the refresh stays until the sync has run. Only one that
    # outlives that is the answer to what was pushed now.
    if problem and not (now - goal.since < GRACE and _is_as_before(document, goal)):
        word = str(document.get("syncStatus") or "")
        # A failed sync may be reported beside the "Synced" of the commit before.
        word = "SyncFailed" if word.lower() in {"", SYNCED.lower()} else word
        return Status(State.FAILED, word, f"{problem} ({cure_of(problem)})")
    if now - goal.since < GRACE and _is_first(goal) and _word(document).lower() == "unknown":
        return _first(goal)
    # Within that time the branch may be on its way through the commit of somebody else to ours.
    if now - goal.since >= GRACE and (elsewhere := _elsewhere(document, goal)):
        return Status(State.FAILED, "Synced elsewhere", elsewhere)
    return _progressing(waits)


def cure_of(problem: str) -> str:
    """What to do about the error of a sync."""
    return NETWORK_CURE if _NETWORK.search(problem) else CURE


def begun(goal: Goal) -> Status:
    """Where a sync is that has just been asked for, as far as the status from before tells."""
    return _first(goal) if _is_first(goal) else _progressing(_open_points(goal.before or {}, goal))


def _first(goal: Goal) -> Status:
    """That it is early to say more: it takes some seconds, and nothing is amiss."""
    commit = str(goal.spec.get("commit") or "")
    return _progressing([f"the first sync{f', of commit {commit[:12]}' if commit else ''}"])


def _progressing(waits: Sequence[str]) -> Status:
    told = "waits for " + "; ".join(waits) if waits else ""
    return Status(State.PENDING, "Progressing", told)


def scenarios(spec: Mapping[str, Any]) -> set[str]:
    """The scenarios that an application's executables belong to."""
    return {wish["scenario_id"] for wish in (spec.get("executables") or {}).values()}


def error_of(document: Document) -> str:
    """The error text in a status, empty when there is none."""
    told = str(document.get("message") or "")
    texts = [told] if ERROR.search(told) else []
    for item in _resources(document):
        text = str(item.get("message") or item.get("status") or "")
        # AI Core documents no words for these fields (they are Argo CD's own), so an error is told
        # by what error texts have in common.
        is_error = ERROR.search(f"{text} {_words(item.get('status'))}")
        if is_error and not any(text in known for known in texts):
            texts.append(f"{item.get('name', '')}: {text}")
    return "; ".join(texts)


def application(
    document: Document,
    status: Document,
    executables: Mapping[str, Document],
    desired: Sequence[Resource] = (),
) -> LiveResource:
    """``application/<name>``; urls and paths in the spelling of a desired one that means the same.

    ``commit`` is what the platform reports, a commit or just a name; one that is wanted ``pinned``
    shows whether it is, in place of the commit that it syncs. A failed sync is not reported
    as the end of the application: the next refresh can mend it.
    """
    name = str(document.get("applicationName") or document.get("name") or "")
    urls = repositories_in(desired)
    wishes = [wish.spec for wish in desired if wish.key.kind == "application"]
    paths = [str(wish.get("path", "")) for wish in wishes if wish["name"] == name]
    spec: dict[str, Any] = {
        "name": name,
        "repository": respell(str(document.get("repositoryUrl", "")), urls, same_repository),
        "path": respell(str(document.get("path", "")), paths, same_path),
        "revision": document.get("revision", ""),
        "commit": str((status.get("source") or {}).get("revision") or ""),
    }
    wish: Mapping[str, Any] = next((wish for wish in wishes if wish["name"] == name), {})
    if wish.get("pinned"):
        spec["pinned"] = bool(SHA.fullmatch(str(spec["revision"])))
        spec["revision"] = wish["revision"] if spec["pinned"] else spec["revision"]
    is_same = wish.get("commit") in {None, spec["commit"]}
    declared = wish.get("executables") or {}
    spec["executables"] = {
        id: executable_spec(found, declared.get(id, {}), is_same_commit=is_same)
        for id, found in executables.items()
    }
    # nobody has asked for a sync just now, so no grace
    found = judge(status, executables, Goal({**spec, "executables": {}}), GRACE)
    notes: tuple[str, ...] = ()
    if found.state is State.FAILED:
        notes = (f"its last sync failed: {found.message}",)
        # what to do stands in the note; whoever deletes it need not do it
        told = found.message.removesuffix(f" ({cure_of(found.message)})")
        found = Status(State.UNKNOWN, found.raw, told)
    return LiveResource(Key("application", name), name, spec, found, {"id": name}, notes=notes)


def _open_points(document: Document, goal: Goal) -> list[str]:
    source = document.get("source") or {}
    revision, commit = str(source.get("revision") or ""), str(goal.spec.get("commit") or "")
    points = []
    if commit and revision != commit:
        # The platform may report the name of the branch in place of a commit. Then all that can be
        # told is that something was synced after we had asked.
        if not revision or SHA.fullmatch(revision):
            points.append(f"commit {commit[:12]}, it is at {revision[:12] or 'none'}")
        elif goal.before is not None and _times(document) == _times(goal.before):
            points.append(f"commit {commit[:12]}, nothing was synced since the refresh")
    elif not commit and goal.before is not None and _times(document) == _times(goal.before):
        points.append("the sync that the refresh asked for")
    path = str(goal.spec.get("path") or "")
    # After an application was pointed at another folder it shows the sync of the old one for a
    # while.
    if source.get("path") and path and not same_path(str(source["path"]), path):
        points.append(f'path "{path}", it is at "{source["path"]}"')
    word = _word(document)
    if word.lower() == "unknown":
        points.append(
            f'a status (is there a template in "{path}", and may the repository be read?)'
        )
    elif word.lower() != SYNCED.lower():
        points.append(f'sync status "{SYNCED}", it is "{word}"')
    late = [str(r.get("name")) for r in _resources(document) if not _is_done(r)]
    return [*points, *([f"template {', '.join(late)}"] if late else [])]


def _is_first(goal: Goal) -> bool:
    """Whether nothing had been synced when it was asked for, nor tried."""
    before = goal.before or {}
    revision = str((before.get("source") or {}).get("revision") or "")
    return not revision and _word(before).lower() == "unknown" and not error_of(before)


def _word(document: Document) -> str:
    return str(document.get("syncStatus") or "Unknown")


def _elsewhere(document: Document, goal: Goal) -> str:
    """That it has synced a commit which is neither the wanted one nor the one from before: where
    the branch is now, it stays. Empty while it may still be on its way."""
    revision = str((document.get("source") or {}).get("revision") or "")
    commit = str(goal.spec.get("commit") or "")
    before = str(((goal.before or {}).get("source") or {}).get("revision") or "")
    is_settled = _word(document).lower() == SYNCED.lower() and SHA.fullmatch(revision)
    if not commit or not is_settled or revision in {commit, before}:
        return ""
    where = goal.spec.get("revision") or "its revision"
    return (
        f"{where} is at commit {revision[:12]} and not at {commit[:12]}: it has moved on, "
        "or the commit is not pushed"
    )


def _missing(executables: Mapping[str, Document], spec: Mapping[str, Any]) -> list[str]:
    """The executables of the spec that are not there in their version."""
    points = []
    for id, wish in (spec.get("executables") or {}).items():
        version = str(executables.get(id, {}).get("versionId", "none"))
        if version != str(wish["version"]):
            points.append(f"executable {id} in version {wish['version']}, there is {version}")
    return points


def _broken(executables: Mapping[str, Document], spec: Mapping[str, Any]) -> str:
    ids = [
        id
        for id in spec.get("executables") or ()
        # AI Core's documentation: this date in place of the last sync means that the sync of this
        # executable has failed.
        if str(executables.get(id, {}).get("modifiedAt", "")).startswith("1970-01-01")
    ]
    return f"the platform could not read the template of executable {', '.join(ids)}" if ids else ""


def _is_as_before(document: Document, goal: Goal) -> bool:
    before = goal.before
    return (
        before is not None
        and _times(document) == _times(before)
        and error_of(document) == error_of(before)
    )


def _times(document: Document) -> list[Any]:
    return [document.get(name) for name in TIMES]


def _resources(document: Document) -> list[Document]:
    found: Any = next((document[name] for name in RESOURCES if document.get(name)), [])
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _is_done(item: Document) -> bool:
    word = str(item.get("status") or "").lower()
    return word not in NOT_YET and "fail" not in word and "error" not in word


def _words(word: Any) -> str:
    """``SyncFailed`` -> ``Sync Failed``, so that words can be looked for."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(word or ""))
