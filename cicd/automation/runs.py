"""Which runs and services are meant: by key, glob, ``key~1`` (the one before) or id."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial

from cicd.automation.session import Session
from cicd.errors import CicdError, Denied, NotFound, PlatformError, Usage
from cicd.model import Key, Kind, LiveResource, Resource, Spec, State, Status
from cicd.plan.match import Matcher
from cicd.plan.versions import behind_runs, standing
from cicd.platforms.base import Platform
from cicd.words import plural

BACK = re.compile(r"(.+)~(\d{1,6})")
ID = re.compile(r"[\w.-]{4,64}")
MOST_TAGS_READ = 100
"""Runs whose tags are asked for where two keys are of one family."""


@dataclass(frozen=True)
class Run:
    """A run and the name it goes by here: ``run/train~1``, or its id where that was asked."""

    key: Key
    live: LiveResource


def running_kinds(kinds: Mapping[str, Kind], *, only_runs: bool = False) -> tuple[str, ...]:
    """The names of the kinds that run; ``only_runs``: without services."""
    return tuple(name for name, kind in kinds.items() if (kind.is_run if only_runs else kind.runs))


def measured_kinds(kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """The names of the kinds of which figures are told."""
    return tuple(name for name, kind in kinds.items() if kind.is_run or kind.measured)


def browse(session: Session, kind: str) -> Sequence[LiveResource]:
    """Everything of one kind, newest last; nothing where the stage's container is not there yet,
    which the platform answers like a lack of rights."""
    try:
        return session.platform.browse(kind)
    except Denied:
        if has_container(session):
            raise
        return ()


def has_container(session: Session) -> bool:
    """False where the stage's container is not there yet, as far as this login can see."""
    kinds = session.platform.kinds
    containers = [wish for wish in session.stage.resources if kinds[wish.key.kind].contains]
    return not containers or bool(session.platform.read(containers))


class NoSuchRun(Usage):
    """A name that fits no run."""


class Runs:
    """Finds the runs of a stage. ``names``: of these kinds, else of all that run. ``lists``: where
    lists come from, each is read once. ``live``: what tells which runs planning takes, where it has
    been read."""

    def __init__(
        self,
        session: Session,
        *,
        names: Sequence[str] = (),
        lists: Callable[[str], Sequence[LiveResource]] | None = None,
        live: Sequence[LiveResource] | None = None,
    ) -> None:
        self._platform: Platform = session.platform
        self._stage = session.stage.name
        self._start = f"cicd apply {session.stage_argument}"
        self._names = tuple(names) or running_kinds(session.platform.kinds)
        self._kinds = session.platform.kinds
        self._resources = session.stage.resources
        self._wishes = [wish for wish in session.stage.resources if wish.key.kind in self._names]
        self._browse = lists or partial(browse, session)
        self._has_container = partial(has_container, session)
        self._lists: dict[str, Sequence[LiveResource]] = {}
        self._current: dict[Key, LiveResource | None] | None = None
        self._live = live
        self._standing: Mapping[Key, LiveResource] | None = None

    def find(self, names: Sequence[str], *, last: int = 1) -> list[Run]:
        """The runs that are meant, each once, in the order of their names; of a key its ``last``
        ones, newest first. Raises Usage for a name that fits nothing, CicdError where the stage has
        what is named and nothing of it was started.
        """
        found: dict[tuple[str, str], Run] = {}
        for name in names:
            for run in self._named(name, last):
                found.setdefault((run.live.key.kind, run.live.id), run)
        return list(found.values())

    def by_ids(self, ids: Sequence[str], names: Sequence[str] = ()) -> list[Run]:
        """The runs with these ids. Raises Usage for one that is not there, or is of none of the
        keys ``names``."""
        wishes = [wish for name in names for wish in self._wished(name)]
        found = []
        for id in ids:
            run = self._with_id(id)
            if run is None:
                raise Usage(
                    f"there is no run {id}", hint=f"cicd {plural(self._names[0])} lists them"
                )
            if names and not any(self._is_of(run.live, wish) for wish in wishes):
                raise Usage(f"{id} is not a run of {' or '.join(names)}")
            found.append(run)
        return found

    def is_one_key(self, name: str) -> bool:
        """Whether a name is one key of the stage, and not one run of it."""
        return not BACK.fullmatch(name) and len(self._wished(name)) == 1

    def key_of(self, live: LiveResource) -> Key | None:
        """The key whose run it is, by what its family shares."""
        return next((wish.key for wish in self._wishes if self._is_of(live, wish)), None)

    def history(self, wish: Resource) -> list[LiveResource]:
        """All there is of one key, what counts now first, then from the newest to the oldest."""
        found = [live for live in self._list(wish.key.kind) if self._is_of(live, wish)]
        found.sort(key=_age, reverse=True)
        if self._kinds[wish.key.kind].is_run:
            return self._standing_first(wish, self._own_by_tag(wish, found))
        current = self.current(wish)
        others = {live.id for live in self._matched().values() if live}
        # What planning gives to another key is no former version of this one, even if both have the
        # same names.
        older = [live for live in found if live.id not in others]
        return [current, *older] if current else older

    def current(self, wish: Resource) -> LiveResource | None:
        """What planning takes for a key; of runs the newest, where none has the inputs that the
        stage has now."""
        if self._kinds[wish.key.kind].is_run:
            return next(iter(self.history(wish)), None)
        return self._matched()[wish.key]

    def newer(self, wish: Resource) -> LiveResource | None:
        """The newest run of a key, where it is not the one that counts: it has other inputs."""
        found = self.history(wish) if self._kinds[wish.key.kind].is_run else []
        return next((run for run in found[1:2] if _age(run) > _age(found[0])), None)

    def is_outdated(self, wish: Resource) -> bool:
        """Whether a key has runs, and none with the inputs that the stage has now."""
        if not self._kinds[wish.key.kind].is_run or not self.history(wish):
            return False
        return wish.key not in self._planned()

    def _standing_first(self, wish: Resource, runs: list[LiveResource]) -> list[LiveResource]:
        """The runs of a key, the one that the stage stands for first."""
        counts = self._planned().get(wish.key) if len(runs) > 1 else None
        first = [run for run in runs if counts and run.id == counts.id]
        return [*first, *(run for run in runs if run not in first)]

    def _planned(self) -> Mapping[Key, LiveResource]:
        """The runs that planning takes; none where the login may not see what that needs."""
        if self._standing is None:
            kinds: dict[str, Kind] = dict(self._platform.kinds)
            desired = behind_runs(self._platform.complete(self._resources), kinds)
            try:
                live = self._platform.read(desired) if self._live is None else self._live
                self._standing = standing(desired, live, kinds)
            except Denied:
                self._standing = {}
        return self._standing

    def _matched(self) -> dict[Key, LiveResource | None]:
        """The services as planning gives them out: one live one to one key at most."""
        if self._current is None:
            kinds: dict[str, Kind] = dict(self._platform.kinds)
            wishes = [wish for wish in self._wishes if not kinds[wish.key.kind].is_run]
            names = dict.fromkeys(wish.key.kind for wish in wishes)
            live = [item for name in names for item in self._list(name)]
            matcher = Matcher(wishes, live, kinds)
            self._current = {wish.key: matcher.take(wish) for wish in wishes}
            # Only then, as it reads much more than a list of services.
            if live and not all(self._current.values()):
                # what points at it may tell, which only planning looks at
                pointers = [w for w in self._resources if kinds[w.key.kind].role == "pointer"]
                read = self._platform.read(self._platform.complete([*wishes, *pointers]))
                matcher = Matcher(wishes, read, kinds)
                self._current = {wish.key: matcher.take(wish) for wish in wishes}
        return self._current

    def _own_by_tag(self, wish: Resource, runs: list[LiveResource]) -> list[LiveResource]:
        """Those of the runs that were started for ``wish``, where another key shares its names."""
        rivals = [w for w in self._wishes if w.key.kind == wish.key.kind and w.key != wish.key]
        kind = self._kinds[wish.key.kind]
        if not any(_same(w.spec, wish.spec, kind) for w in rivals):
            return runs
        tracks = self._platform.track(runs[:MOST_TAGS_READ])
        return [
            run
            for run in runs
            if run.id in tracks and tracks[run.id].tags.get("cicd.key") == str(wish.key)
        ]

    def _named(self, name: str, last: int) -> list[Run]:
        back = BACK.fullmatch(name)
        base, first = (back[1], int(back[2])) if back else (name, 0)
        wishes = self._wished(base)
        if not wishes:
            run = None if back else self._with_id(name)
            if run is None:
                raise self._unknown(name)
            return [run]
        runs = [run for wish in wishes for run in self._some(wish, first, 1 if back else last)]
        if not runs:
            raise self._missing(wishes, first)
        return runs

    def _some(self, wish: Resource, first: int, count: int) -> list[Run]:
        chosen = self.history(wish)[first : first + count]
        return [Run(_back(wish.key, n), live) for n, live in enumerate(chosen, first)]

    def _wished(self, name: str) -> list[Resource]:
        exact = [wish for wish in self._wishes if name in {str(wish.key), wish.key.name}]
        if len(exact) > 1:
            hint = f"say {' or '.join(str(wish.key) for wish in exact)}"
            raise Usage(f"{name} is more than one", hint=hint)
        return exact or [
            wish
            for wish in self._wishes
            if fnmatchcase(str(wish.key), name) or fnmatchcase(wish.key.name, name)
        ]

    def _with_id(self, name: str) -> Run | None:
        """The run with that id, or ``kind/id``, whether the stage file knows it or not."""
        kind, _, id = name.rpartition("/")
        if not ID.fullmatch(id):
            return None
        for candidate in self._names:
            if kind in ("", candidate):
                key = Key(candidate, id)
                try:
                    live = self._platform.get(
                        LiveResource(key, id, {}, Status(State.UNKNOWN, "UNKNOWN"))
                    )
                except NotFound:
                    continue
                except Denied:
                    if self._has_container():
                        raise
                    return None
                except PlatformError as error:
                    if error.status != 400:  # an id of another shape
                        raise
                else:
                    return Run(key, live)
        return None

    def _is_of(self, live: LiveResource, wish: Resource) -> bool:
        kind = wish.key.kind
        return live.key.kind == kind and _same(live.spec, wish.spec, self._kinds[kind])

    def _list(self, kind: str) -> Sequence[LiveResource]:
        if kind not in self._lists:
            self._lists[kind] = self._browse(kind)
        return self._lists[kind]

    def _unknown(self, name: str) -> NoSuchRun:
        words = ["run" if self._kinds[name].is_run else name for name in self._names]
        what = " or ".join(dict.fromkeys(words)) or "run"
        hint = nearest(name, [wish.key for wish in self._wishes])
        return NoSuchRun(f"{self._stage} has no {what} {name}", hint=hint)

    def _missing(self, wishes: Sequence[Resource], back: int) -> CicdError:
        key = wishes[0].key
        count = len(self.history(wishes[0])) if len(wishes) == 1 else 0
        if count:
            told = f"{_back(key, back)} is not there: {key} has {count} so far"
            return Usage(told, hint=f"the oldest is {_back(key, count - 1)}")
        names = ", ".join(str(wish.key) for wish in wishes)
        return CicdError(f"{names} has not been started yet", hint=f"{self._start} starts it")


def nearest(name: str, keys: Sequence[Key]) -> str:
    """The key that may have been meant, else all there are."""
    known = [str(key) for key in keys]
    close = get_close_matches(name, [*known, *(key.name for key in keys)], n=1)
    return f"did you mean {close[0]}?" if close else f"it has: {', '.join(known) or 'none'}"


def _age(live: LiveResource) -> tuple[str, str]:
    return live.created_at, live.id


def _back(key: Key, count: int) -> Key:
    return Key(key.kind, f"{key.name}~{count}") if count else key


def _same(one: Spec, other: Spec, kind: Kind) -> bool:
    return all(one.get(name) == other.get(name) for name in kind.family)
