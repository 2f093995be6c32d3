"""What a stage has that others take from it, as its own plan tells. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cicd.model import Action, Change, Hidden, LiveResource, Plan, Ref, Resource
from cicd.plan.graph import leaves_at

_HADOOP = re.compile("s3[an]://")
"""What Hadoop alone calls S3."""
_STAYS = frozenset({Action.NO_OP, Action.UPDATE})


@dataclass(frozen=True)
class Given:
    """What there is for one reference. ``text``: what it stands for; empty where it is not known
    yet, and ``why`` not. ``id``: of what has it."""

    text: str | Hidden = ""
    id: str = ""
    why: str = ""


def given(plan: Plan, ref: Ref) -> Given:
    """What a stage has for a reference to it, if what is to have it stays as it is."""
    change = next((one for one in plan.changes if one.key == ref.key), None)
    if change is None:
        return Given(why="is not part of it")
    if change.live is None or change.action not in _STAYS:
        return Given(why=f"is not as it should be: {change.reason}")
    text = change.id if ref.output == "id" else change.live.outputs.get(ref.output, "")
    if not text:
        return Given(why=f"has no {ref.output}: it is {change.live.status.raw}")
    is_hidden = any(hidden and hidden in text for hidden in _hidden_texts(change, change.live))
    told = _HADOOP.sub("s3://", text, count=1) if _HADOOP.match(text) else text
    return Given(Hidden(told) if is_hidden else told, change.id)


def as_it_ran(desired: Iterable[Resource]) -> list[Resource]:
    """The same without runs that every apply starts again: what they have made last counts."""
    return [
        replace(wish, options=replace(wish.options, rerun="on_change"))
        if wish.options.rerun == "always"
        else wish
        for wish in desired
    ]


def _hidden_texts(change: Change, live: LiveResource) -> Iterable[str]:
    """The texts of the environment that are in something."""
    specs = [live.spec, *([change.desired.spec] if change.desired else [])]
    for spec in specs:
        yield from (leaf.reveal() for _, leaf in leaves_at(spec) if isinstance(leaf, Hidden))
