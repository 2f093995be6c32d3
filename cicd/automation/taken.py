"""What a stage takes from others (``${stages.NAME.…}``): looked up where they are, as it is now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from cicd.config.digests import slow_digest
from cicd.errors import CicdError, Refused
from cicd.model import Action, Hidden, Plan, Ref, Resource
from cicd.plan.given import Given, given
from cicd.plan.graph import answered, unknown_in

Ask = Callable[[str], Plan]
"""The name of another stage -> what applying it would do now."""


@dataclass(frozen=True)
class Taken:
    """What there is for each reference of a stage to others. ``ahead``: those of them that the same
    command applies before it, so that what they do not have yet they will have."""

    found: Mapping[Ref, Given] = field(default_factory=dict)
    ahead: Collection[str] = ()

    def put_into(self, resources: Iterable[Resource]) -> tuple[Resource, ...]:
        """The resources with what is known in the place of the references."""

        def answer(ref: Ref) -> str | Hidden | None:
            return (self.found[ref].text or None) if ref in self.found else None

        return tuple(replace(wish, spec=answered(wish.spec, answer)) for wish in resources)

    def digests(self, salt: str) -> dict[str, str]:
        """What is known, and of which run or thing it is: slow hashes."""
        known = {}
        for ref, one in self.found.items():
            if one.text:
                known[ref.name] = one.text.reveal() if isinstance(one.text, Hidden) else one.text
                known[Ref(ref.key, "id", ref.stage).name] = one.id
        return {name: slow_digest(text, f"{salt} {name}") for name, text in sorted(known.items())}

    def lacking(self, plan: Plan) -> list[Ref]:
        """What the changes of a plan take that others have not made yet."""
        wishes = [
            change.desired
            for change in plan.changes
            if change.desired and change.action not in {Action.NO_OP, Action.DELETE}
        ]
        asked = (ref for refs in references(wishes).values() for ref in refs)
        return [ref for ref in asked if ref in self.found and ref.stage not in self.ahead]

    def check(self, plan: Plan, command: Callable[[Plan], str]) -> None:
        """Refuse a plan for whose changes others have not made yet what they take. ``command``: the
        command line that cures it."""
        if lacking := self.lacking(plan):
            told = (f"{ref.key} of stage {ref.stage} {self.found[ref].why}" for ref in lacking)
            raise Refused("; ".join(dict.fromkeys(told)), hint=f"first: {command(plan)}")


def references(resources: Iterable[Resource]) -> dict[str, list[Ref]]:
    """Stage -> the references to it."""
    found: dict[str, list[Ref]] = {}
    for wish in resources:
        for ref in unknown_in(wish.spec):
            if ref.stage and ref not in found.setdefault(ref.stage, []):
                found[ref.stage].append(ref)
    return found


def look_up(
    resources: Iterable[Resource], ask: Ask, ahead: Mapping[str, Plan], *, is_strict: bool
) -> Taken:
    """What there is now for all that a stage takes from others. ``ahead``: the plans of those that
    are applied before it. ``is_strict``: raises what stands against looking; else it is not known
    then."""
    found: dict[Ref, Given] = {}
    for name, refs in references(resources).items():
        try:
            plan = ahead[name] if name in ahead else ask(name)
        except CicdError as error:
            if is_strict:
                raise
            found |= {ref: Given(why=f"is unknown: {error}") for ref in refs}
            continue
        found |= {ref: given(plan, ref) for ref in refs}
    return Taken(found, frozenset(ahead))
