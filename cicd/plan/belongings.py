"""What lives in a container, and whether all of it is one stage's. Asked before it is deleted, as
everything in it goes with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cicd.model import Action, Change, Kind, LiveResource, Stage, State, made_by
from cicd.plan.graph import texts_in
from cicd.plan.guards import is_protected
from cicd.plan.match import Matcher, family
from cicd.plan.versions import Found
from cicd.words import some

_MOST_NAMED = 3


class Belongings:
    """What of the things in a container is the stage's: ``found``, all that its keys have live;
    ``deleted``, what of it is to be deleted."""

    def __init__(
        self,
        stage: Stage,
        found: Found,
        deleted: Found,
        matcher: Matcher,
        kinds: Mapping[str, Kind],
    ) -> None:
        self._stage = stage
        self._found = found
        self._deleted = {_id(live): live for lives in deleted.values() for live in lives}
        self._matcher = matcher
        self._kinds = kinds

    def why_kept(self, container: LiveResource) -> str:
        """Why the container must stay; empty when it may go."""
        owner, status = container.owner, container.status
        if owner != self._stage.identity:
            whose = f"it is of stage {owner}" if owner else "cicd did not make it"
            return f"kept: {whose}"
        if status.state is not State.SUCCEEDED:
            return f"kept: it is {status.raw}, so nobody can tell what it holds"
        ours = self._ours()
        inside = [live for live in self._matcher.all() if is_inside(live, self._kinds)]
        if held := [live for live in inside if _id(live) not in ours]:
            return f"kept: it holds {_some(held)} of others"
        if held := [live for live in inside if self._is_protected(live)]:
            return f"kept: it holds {_some(held)}, which is protected"
        return ""

    def _ours(self) -> set[tuple[str, str]]:
        """What is to be deleted, and the content that belongs to it: what it runs or has made, and
        what that takes in.

        Not only by the runs: an earlier destroy may have deleted them and no more than that.
        """
        ours = set(self._deleted)
        wanted: dict[str, set[str]] = {}
        versions = {kind.version[1] for kind in self._kinds.values() if kind.version}
        for live in self._deleted.values():
            self._want(wanted, live)
        # what takes in others comes after them in the order of the kinds
        for kind in reversed([*self._kinds.values()]):
            if kind.identity:
                continue
            ids = wanted.setdefault(kind.name, set())
            if kind.name not in versions:
                ids |= {live.id for live in self._all(kind.name) if self._is_output(live)}
            found = self._with_former(kind, ids)
            for live in found:
                self._want(wanted, live)
            ours |= {_id(live) for live in found}
        return ours

    def _want(self, wanted: dict[str, set[str]], live: LiveResource) -> None:
        """Add what this one runs, takes in and has made, by kind."""
        found = [*taken_in(live, self._kinds[live.key.kind]), *made_by(live, self._kinds)]
        for kind, id in found:
            wanted.setdefault(kind, set()).add(id)

    def _with_former(self, kind: Kind, ids: set[str]) -> list[LiveResource]:
        """The things of this kind with these ids, those that the stage declares, and all that are
        another version of one of them."""
        named = {
            live.id for key, lives in self._found.items() if key.kind == kind.name for live in lives
        }
        wanted = ids | named
        first = [live for live in self._all(kind.name) if live.id in wanted]
        specs = [wish.spec for wish in self._stage.resources if wish.key.kind == kind.name]
        specs += [live.spec for live in first]
        families = {family(spec, kind): spec for spec in specs}.values()
        return [
            *first,
            *(live for spec in families for live in self._matcher.relatives(kind.name, spec)),
        ]

    def _is_output(self, content: LiveResource) -> bool:
        """Whether a program that the stage runs makes things of this name."""
        return any(
            program.puts_out(content.spec)
            for program in self._stage.programs
            if any(program.is_called_by(wish.spec) for wish in self._stage.resources)
        )

    def _all(self, kind: str) -> list[LiveResource]:
        return [live for live in self._matcher.all() if live.key.kind == kind]

    def _is_content(self, live: LiveResource) -> bool:
        return not self._kinds[live.key.kind].identity

    def _is_protected(self, live: LiveResource) -> bool:
        """A protected run makes the whole destroy refused; of content nothing else would tell."""
        if not self._stage.protect or not self._is_content(live):
            return False
        keys = [
            key for key, lives in self._found.items() if _id(live) in {_id(item) for item in lives}
        ]
        return any(
            is_protected(Change(key, Action.DELETE, "", live=live), self._stage, self._kinds)
            for key in keys or [live.key]
        )


def taken_in(live: LiveResource, kind: Kind) -> Iterator[tuple[str, str]]:
    """Kind and id (or name) of each thing that one runs or takes in."""
    for name, other in kind.holds.items():
        yield from ((other, text) for text in texts_in(live.spec.get(name)))


def is_inside(live: LiveResource, kinds: Mapping[str, Kind]) -> bool:
    """Whether it is in a container, and goes with it."""
    kind = kinds[live.key.kind]
    return not (kind.contains or kind.role == "pointer" or kind.serves_all(live.spec))


def _id(live: LiveResource) -> tuple[str, str]:
    return live.key.kind, live.id


def _some(held: Iterable[LiveResource]) -> str:
    """``execution train (e1), artifact data (a7) and 4 more``."""
    names = [
        f"{live.key.kind} {live.key.name}" + (f" ({live.id})" if live.id != live.key.name else "")
        for live in held
    ]
    return some(names, _MOST_NAMED)
