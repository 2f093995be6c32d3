"""Which live thing is the counterpart of a desired one: by identity, by content, or pinned."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

from cicd.errors import CicdError
from cicd.model import Key, Kind, LiveResource, Ref, Resource, Spec, State
from cicd.plan.diff import compared_fields, diff_specs, freeze, live_value
from cicd.plan.graph import Path, leaves_at, refs_in, texts_in, unknown_in, value_at

_PREFERENCE = {State.RUNNING: 0, State.PENDING: 1, State.UNKNOWN: 2}

_Table = dict[Hashable, list[LiveResource]]


def family(spec: Spec, kind: Kind) -> Hashable:
    """What a thing shares with its former versions; empty when nothing names it."""
    return tuple((name, freeze(spec[name])) for name in kind.family if name in spec)


class Matcher:
    """All live things, found in constant time, each given to one desired resource at most.

    Things matched by content are shared: two equal desired ones are one live one.
    """

    def __init__(
        self,
        desired: Sequence[Resource],
        live: Iterable[LiveResource],
        kinds: Mapping[str, Kind],
    ) -> None:
        self._kinds = kinds
        self._live = _preferred(live, kinds)
        self._by_id = {(item.key.kind, item.id): item for item in self.all()}
        self._keys = {str(resource.key) for resource in desired}
        self._known: dict[str, list[LiveResource]] = {}
        for item in self.all():
            if item.known_as:
                self._known.setdefault(item.known_as, []).append(item)
        self._tables: dict[Hashable, _Table] = {}
        self._families: dict[str, _Table] = {}
        self._users = _users(desired)
        self._takers: dict[Key, list[Resource]] = {}
        for resource in desired:
            for key in {ref.key for ref in refs_in(resource.spec)}:
                self._takers.setdefault(key, []).append(resource)
        self._wanted = {
            (resource.key.kind, freeze(list(_identity(resource.spec, kind).values())))
            for resource in desired
            if (kind := kinds[resource.key.kind]).succession
        }
        self._taken: set[tuple[str, str]] = {
            (resource.key.kind, resource.options.existing_id)
            for resource in desired
            if resource.options.existing_id
        }

    def all(self) -> Iterable[LiveResource]:
        """Every live thing once, kind by kind, the preferred first."""
        return (item for items in self._live.values() for item in items)

    def get(self, kind: str, id: str) -> LiveResource | None:
        """The live thing of this kind and id, taken or not."""
        return self._by_id.get((kind, id))

    def is_taken(self, live: LiveResource) -> bool:
        """Whether a desired resource has it as its counterpart."""
        return (live.key.kind, live.id) in self._taken

    def take(self, resource: Resource) -> LiveResource | None:
        """The live counterpart of a resource with all known Refs resolved, or None.

        What is known to be it comes before what merely looks like it, unless it has ended and the
        other has not. Raises CicdError when it is pinned to an id that is not there.
        """
        kind = self._kinds[resource.key.kind]
        if resource.options.existing_id:
            return self._pinned(resource.key, resource.options.existing_id)
        found = self.candidates(resource)
        # What is found by its content never changes, so any number of desired ones may share it.
        if not kind.identity:
            self._taken |= {(kind.name, live.id) for live in found[:1]}
            return found[0] if found else None
        known = next((live for live in self.known(resource) if not self.is_taken(live)), None)
        # What was renamed by hand is still known by its mark. What merely has the right name may be
        # somebody else's new thing.
        alike = next((live for live in found if self._is_free_for(live, resource.key)), None)
        is_over = known and known.status.has_ended and alike and not alike.status.has_ended
        chosen = alike if known is None or is_over else known
        if chosen:
            self._taken.add((kind.name, chosen.id))
        return chosen

    def known(self, resource: Resource) -> list[LiveResource]:
        """What is known to be of this key, also when somebody has made it look like another."""
        return self._known.get(str(resource.key), [])

    def is_reserved(self, live: LiveResource, key: Key) -> bool:
        """Whether it is known to be of another key that the stage wants."""
        return live.known_as in self._keys and live.known_as != str(key)

    def _is_free_for(self, live: LiveResource, key: Key) -> bool:
        return not self.is_taken(live) and not self.is_reserved(live, key)

    def predecessor(
        self, resource: Resource, is_ours: Callable[[LiveResource], bool]
    ) -> LiveResource | None:
        """What a resource without a counterpart replaces: the same but for the ``succession`` of
        its kind, nothing that the stage wants as it is, and ours; or None."""
        kind = self._kinds[resource.key.kind]
        same = [name for name in kind.identity if name not in kind.succession]
        if not kind.succession or resource.options.existing_id:
            return None
        for live in self._live.get(kind.name, ()):
            if any(live.spec.get(name) != resource.spec.get(name) for name in same):
                continue
            # One that another desired resource will take as it is must not be replaced by this one
            # before.
            identity = freeze(list(_identity(live.spec, kind).values()))
            is_free = (kind.name, identity) not in self._wanted
            if is_free and self._is_free_for(live, resource.key) and is_ours(live):
                self._taken.add((kind.name, live.id))
                return live
        return None

    def candidates(self, resource: Resource) -> list[LiveResource]:
        """Every live thing with the identity of ``resource``, the preferred first, taken or not."""
        kind = self._kinds[resource.key.kind]
        wanted = _identity(resource.spec, kind)
        # With an id in it that is known only after apply, it surely equals nothing that is there.
        if not wanted or any(True for _ in unknown_in(wanted)):
            return []
        names = tuple(wanted)
        # Made when first asked for. To compare each desired thing with each live one would take
        # time that grows with the square of their number.
        table = self._tables.get((kind.name, names))
        if table is None:
            table = self._tables[kind.name, names] = {}
            for live in self._live.get(kind.name, ()):
                values = freeze([live_value(live.spec, name, kind) for name in names])
                table.setdefault(values, []).append(live)
        found = table.get(freeze(list(wanted.values())), [])
        if kind.identity or not kind.partial:
            return list(found)
        return [live for live in found if not diff_specs(live.spec, resource.spec, kind)]

    def relatives(self, kind: str, spec: Spec) -> list[LiveResource]:
        """Live things of this kind that are the same thing in another version."""
        if kind not in self._families:
            table = self._families[kind] = {}
            for live in self._live.get(kind, ()):
                table.setdefault(family(live.spec, self._kinds[kind]), []).append(live)
        shared = family(spec, self._kinds[kind])
        return self._families[kind].get(shared, []) if shared else []

    def former(self, resource: Resource) -> LiveResource | None:
        """What a resource that is matched by content replaces: the one that the live counterpart
        of its user (service, run in use, newest run) has, else the newest of the same names."""
        kind = resource.key.kind
        for user, path in self._users.get(resource.key, ()):
            pinned = self._by_id.get((user.key.kind, user.options.existing_id or ""))
            if self._kinds[user.key.kind].identity:
                users = [pinned] if pinned else self.former_versions(user)
            else:  # of content that takes it in, that which stands for it now
                former = self.former(user)
                users = [former] if former else []
            for live in users:
                used = self._by_id.get((kind, str(value_at(live.spec, path))))
                if used and (pinned or not self.is_taken(live)):
                    return used
        # things matched by content are kept oldest first
        return next(reversed(self.relatives(kind, resource.spec)), None)

    def former_versions(self, resource: Resource) -> list[LiveResource]:
        """Live versions of the same thing; of runs the one first whose result is in use, where that
        is known, then the newest."""
        found = self.relatives(resource.key.kind, resource.spec)
        if not self._kinds[resource.key.kind].is_run or len(found) < 2:
            return found
        used = self._in_use(resource.key)
        return sorted(found, key=lambda live: used.isdisjoint(live.outputs.values()))

    def _in_use(self, run: Key) -> set[str]:
        """What the services that take the results of a run take in now, by id."""
        return {
            text
            for content in self._takers.get(run, ())
            for user, path in self._users.get(content.key, ())
            if not self._kinds[user.key.kind].is_run
            for live in self.relatives(user.key.kind, user.spec)
            if not live.status.has_ended
            if (taken := self._by_id.get((content.key.kind, str(value_at(live.spec, path)))))
            for text in texts_in(taken.spec)
        }

    def _pinned(self, key: Key, pinned_id: str) -> LiveResource:
        live = self._by_id.get((key.kind, pinned_id))
        if live is None:
            raise CicdError(
                f"{key} is pinned to the existing {key.kind} {pinned_id}, which does not exist",
                hint="correct the id in the stage file, or remove it to create a new one",
            )
        return live


def _preferred(
    live: Iterable[LiveResource], kinds: Mapping[str, Kind]
) -> dict[str, list[LiveResource]]:
    """Live things by kind, each once, in the order in which they are to be chosen."""
    by_kind: dict[str, dict[str, LiveResource]] = {}
    for item in live:
        by_kind.setdefault(item.key.kind, {})[item.id] = item
    return {
        name: _in_preference(by_kind[name].values(), kinds[name])
        for name in sorted(by_kind)
        if name in kinds
    }


def _in_preference(live: Iterable[LiveResource], kind: Kind) -> list[LiveResource]:
    """By content: oldest first. Runs: newest first. Others: the liveliest, then the newest."""
    # Of equal contents the oldest, so that two applies that made one each agree on the same from
    # now on; of runs and services the newest, as it is what people look at. The id decides within
    # one second.
    by_age = sorted(live, key=lambda item: (item.created_at, item.id), reverse=bool(kind.identity))
    if kind.is_run or not kind.identity:
        return by_age
    return sorted(by_age, key=lambda item: _PREFERENCE.get(item.status.state, len(_PREFERENCE)))


def _identity(spec: Spec, kind: Kind) -> dict[str, object]:
    """The fields that find the counterpart; empty when one of them is missing."""
    if kind.identity:
        has_all = all(name in spec for name in kind.identity)
        return {name: spec[name] for name in kind.identity} if has_all else {}
    return {name: spec[name] for name in compared_fields(spec, kind) if name not in kind.partial}


def _users(desired: Iterable[Resource]) -> dict[Key, list[tuple[Resource, Path]]]:
    """Key -> the resources that hold its id, and where in them, also inside lists."""
    users: dict[Key, list[tuple[Resource, Path]]] = {}
    for resource in desired:
        for path, leaf in leaves_at(resource.spec):
            if isinstance(leaf, Ref) and leaf.output == "id" and not leaf.stage:
                users.setdefault(leaf.key, []).append((resource, path))
    return users
