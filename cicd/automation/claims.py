"""Which stage of the project names what is live, and by which key; the rest is unmanaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cicd.automation.session import Session
from cicd.config import stage_files
from cicd.errors import CicdError
from cicd.model import Action, Key, LiveResource, Plan, Stage, identity
from cicd.plan.unmanaged import Id, count, id_of, is_state, named, running, within_reach
from cicd.render.listing import tell_unmanaged

MOST_TAGS_READ = 100
"""Runs whose tags are asked for where their names tell nothing."""


@dataclass(frozen=True)
class Claim:
    """The stage and the key of something live."""

    stage: str
    key: Key

    def seen_from(self, stage: str) -> str:
        """``execution/train``, and whose where it is of another stage."""
        return str(self.key) if self.stage == stage else f"{self.key} ({self.stage})"


@dataclass
class Claims:
    """Who names what. ``unread``: the stage files that could not be read, and so name nothing."""

    of: dict[Id, Claim] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def add(self, session: Session, stage: Stage, live: Sequence[LiveResource]) -> None:
        """What one stage names of ``live``, as far as nobody else has named it before; of
        another platform it names nothing."""
        if stage.platform != session.stage.platform:
            return
        self.stages[stage.name] = stage
        reach = within_reach(live, session.stage.target, stage.target, session.platform.kinds)
        near = [seen_by(stage, item) for item in reach]
        kinds = session.platform.kinds
        for id, key in named(stage.resources, near, kinds).items():
            self.of.setdefault(id, Claim(stage.name, key))
        keys = {wish.key for wish in stage.resources}
        for item in near:
            # content that is made of what a run has put out cannot be told from the stage file; a
            # second service of one key is nobody's all the same
            is_own = item.owner == stage.identity and item.key in keys
            if is_own and not kinds[item.key.kind].runs:
                self.of.setdefault(id_of(item), Claim(stage.name, item.key))

    def add_tagged(self, id: str, tags: Mapping[str, str]) -> None:
        """A run with the tags of a stage of this project and a key that are still there."""
        owner = identity(tags.get("cicd.project", ""), tags.get("cicd.stage", ""))
        for stage in self.stages.values():
            for wish in stage.resources if stage.identity == owner else ():
                if str(wish.key) == tags.get("cicd.key"):
                    self.of[wish.key.kind, id] = Claim(stage.name, wish.key)


def seen_by(stage: Stage, live: LiveResource) -> LiveResource:
    """Something live as this stage knows it, whichever stage has read it: what is remembered as its
    own is its own, whatever it looks like by now."""
    is_own = live.owner == stage.identity
    if not live.applied or (is_own and live.known_as):
        return live
    keys = (
        str(wish.key)
        for wish in stage.resources
        if is_own and wish.key.kind == live.key.kind
        if all(wish.spec.get(name) == value for name, value in live.applied.items())
    )
    return replace(live, known_as=next(keys, ""))


def find_claims(session: Session, live: Sequence[LiveResource]) -> Claims:
    """Who names what of ``live``: by its names, its content, and of runs by their tags."""
    claims = Claims()
    claims.add(session, session.stage, live)
    for stage in other_stages(session, claims):
        claims.add(session, stage, live)
    runs = [item for item in live if session.platform.kinds[item.key.kind].is_run]
    unknown = [item for item in runs if id_of(item) not in claims.of]
    # Each ten of them cost a request, and there may be thousands that nobody ever looks at.
    newest = sorted(unknown, key=lambda item: item.created_at, reverse=True)[:MOST_TAGS_READ]
    for id, track in session.platform.track(newest).items() if newest else ():
        claims.add_tagged(id, track.tags)
    return claims


def find_unclaimed(session: Session) -> tuple[list[LiveResource], list[str]]:
    """What runs now and no stage names, of what was read last; and the stage files that could not
    be read. Asks the platform for nothing; reads other stage files only where it matters."""
    kinds = session.platform.kinds
    suspects = running(session.live, kinds)
    if not suspects:
        return [], []
    # what is pointed at tells too; ended runs and what is matched by content do not
    states = [live for live in session.live if is_state(live, kinds)]
    near = [*suspects, *states]
    claims = Claims()
    claims.add(session, session.stage, near)
    if all(id_of(live) in claims.of for live in suspects):
        return [], []
    for stage in other_stages(session, claims):
        claims.add(session, stage, near)
    return [live for live in suspects if id_of(live) not in claims.of], claims.unread


def tell_unclaimed(session: Session, plan: Plan | None = None) -> list[str]:
    """That something runs which no stage names, as one hint; nothing where nothing does. Without
    what ``plan`` deletes."""
    unclaimed, unread = find_unclaimed(session)
    deleted = {
        (change.key.kind, change.id)
        for change in (plan.changes if plan else ())
        if change.action is Action.DELETE
    }
    stays = [live for live in unclaimed if id_of(live) not in deleted]
    hint = tell_unmanaged(count(stays), session.stage_argument, unread)
    return [hint] if hint else []


def other_stages(session: Session, claims: Claims) -> Iterator[Stage]:
    """The other stages of the project, as far as they can be read; ``claims`` learns of the rest.

    Variables that were handed in are this stage's: one that another stage does not have is left out
    there.
    """
    loaders = [session.loader]
    if session.loader.variables:
        loaders.append(session.loader.without_variables())
    own = (session.root / session.stage.file).resolve()
    for file in stage_files(session.root):
        if (session.root / file).resolve() == own:
            continue
        for loader in loaders:
            try:
                _, stage = loader.load(str(session.root / file), needs_secrets=False)
            except CicdError:
                continue
            yield stage
            break
        else:
            claims.unread.append(file)
