"""Who has written what an approval in Git is about: nobody approves what is their own.

The names of commits are what their authors say of themselves. Somebody is the same person by mail
(as it stands and as ``.mailmap`` has it) or by name, in any case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cicd.errors import Refused
from cicd.lifecycle.approvals import Git

FULL = "git fetch --unshallow, or in CI fetch-depth: 0 (GIT_DEPTH: 0, fetchDepth: 0)"
_PEOPLE = "%an%x00%ae%x00%aE%x00%(trailers:key=Co-authored-by,valueonly,unfold,separator=%x00)"
_LOG = ("log", "--no-show-signature")
_CO_AUTHOR = re.compile(r"\s*(.*?)\s*<([^<>]*)>\s*")


@dataclass(frozen=True)
class Given:
    """An approval in the history of its file. ``commit``: the one that it came with. ``seen``: the
    one whose plan it is about, empty where it does not say."""

    commit: str
    seen: str


def own_change(git: Git, path: str, history: Sequence[Given], tips: Sequence[str]) -> str:
    """The commit by which the author of the newest approval, the last of ``history``, has changed
    something that no earlier approval is about; empty for none. ``tips``: what is applied, and
    where the approval stands. The file ``path`` itself is no change.

    An earlier approval counts up to the commit that it has seen, and only if it is no own one, too.
    Raises Refused where the history does not tell."""
    base = ""
    for given in history[:-1]:
        is_before = given.seen and git("merge-base", "--is-ancestor", given.seen, given.commit)
        if is_before is None or not given.seen:
            continue
        if not _first_by(git, path, given.commit, base, (given.commit,)):
            base = given.seen
    return _first_by(git, path, history[-1].commit, base, tips)


def change_by(git: Git, path: str, who: frozenset[str], base: str, tips: Sequence[str]) -> str:
    """The newest commit after ``base`` (empty: of all) in which one of these has changed something;
    empty for none."""
    since = [f"^{base}"] if base else []
    people = dict(_people(_told(git, *_LOG, f"--format=%H%x00{_PEOPLE}", *tips, *since, "--")))
    # Of a merge only what is in none of its parents: who merges has not written what comes in.
    files = (":(top)", f":(exclude,literal){path}")
    which = ("--full-history", "-c", "--name-only", "--ignore-submodules=none")
    told = _told(git, *_LOG, *which, "--format=%x01%H", *tips, *since, "--", *files)
    for entry in told.split("\1"):
        id, _, names = entry.partition("\n")
        if names.strip() and people.get(id, who) & who:
            return id
    return ""


def _first_by(git: Git, path: str, commit: str, base: str, tips: Sequence[str]) -> str:
    told = _told(git, *_LOG, "-1", f"--format=%H%x00{_PEOPLE}", commit, "--")
    who = dict(_people(told)).get(commit, frozenset())
    if not who:
        raise Refused("nobody knows who committed the approval", hint=FULL)
    return change_by(git, path, who, base, tips)


def _told(git: Git, *words: str) -> str:
    told = git(*words)
    if told is None:
        raise Refused("Git does not tell who has changed what is approved", hint=FULL)
    return told


def _people(told: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Commit -> its author and those who wrote it with them, by mail and by name."""
    for line in told.split("\n"):
        id, *parts = line.split("\0")
        names = parts[:3]
        for text in parts[3:]:
            if found := _CO_AUTHOR.fullmatch(text):
                names += found.groups()
        yield id, frozenset(name.strip().casefold() for name in names if name.strip())
