"""What differs between a live and a desired spec, field by field. The only user of deepdiff."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from cicd.model import FieldChange, Hidden, Kind, Secret, Spec, same_inputs


def freeze(value: Any) -> Hashable:
    """A hashable stand-in: equal exactly when two values mean the same (True is not 1)."""
    if type(value) is str:  # nearly all are
        return value
    if isinstance(value, Mapping):
        return ("map", frozenset((str(name), freeze(item)) for name, item in value.items()))
    if isinstance(value, list | tuple):
        return ("list", tuple(freeze(item) for item in value))
    if isinstance(value, bool):
        return ("bool", value)
    return value  # type: ignore[no-any-return]


def compared_fields(spec: Spec, kind: Kind) -> list[str]:
    """The fields of a desired spec that are compared with live, sorted."""
    return sorted(name for name in spec if name not in kind.computed | kind.write_only)


def live_value(spec: Spec, name: str, kind: Kind) -> Any:
    """A field as the platform has it; where it says nothing, what it fills in by itself."""
    return spec.get(name, kind.defaults.get(name))


def diff_specs(live: Spec, desired: Spec, kind: Kind) -> tuple[FieldChange, ...]:
    """Every field where ``live`` is not as ``desired``, sorted by path.

    Only what ``desired`` names is compared. An unresolved Ref differs from any live value.
    ``reason`` is set where the kind says that the field cannot be changed in place.
    """
    found: list[FieldChange] = []
    for name in compared_fields(desired, kind):
        after = desired[name]
        before = live_value(live, name, kind)
        if before is None and isinstance(after, Mapping | list | tuple):
            before = type(after)() if isinstance(after, list | tuple) else {}
        if name in kind.partial and isinstance(before, Mapping) and isinstance(after, Mapping):
            # Others may add entries to such a map, and they are not ours to take away.
            before = {key: value for key, value in before.items() if key in after}
        if freeze(before) != freeze(after):
            found += _field_changes(name, before, after, kind.immutable.get(name, ""))
    return tuple(found)


def inline_changes(live: Spec, desired: Spec, kind: Kind) -> tuple[FieldChange, ...]:
    """What differs in a run whose spec is all that it takes in; empty for any other. The digests of
    it are compared by themselves."""
    if not kind.inline:
        return ()
    digests = {"inputs", "files"}
    own = {name: value for name, value in desired.items() if name not in digests}
    return diff_specs(live, own, kind)


def does_the_same(live: Spec, desired: Spec, kind: Kind) -> bool:
    """Whether two runs of one kind and identity take in the same."""
    return same_inputs(live, desired) and not inline_changes(live, desired, kind)


def undeclared(live: Spec, desired: Spec, kind: Kind) -> list[str]:
    """A remark for every entry of a partial map that is live and not declared (any more)."""
    return [
        f"{name}.{entry} is live and not declared here: it was removed, or is another's"
        for name in compared_fields(desired, kind)
        if name in kind.partial and isinstance(live.get(name), Mapping)
        for entry in sorted(live[name].keys() - desired[name].keys())
    ]


def _field_changes(name: str, before: Any, after: Any, reason: str) -> list[FieldChange]:
    nested = (isinstance(before, Mapping) and isinstance(after, Mapping)) or (
        isinstance(before, list | tuple) and isinstance(after, list | tuple)
    )
    if not nested:
        return [FieldChange(name, as_secret_as(after, before), after, reason)]
    return [
        FieldChange(".".join([name, *map(str, path)]), as_secret_as(becomes, was), becomes, reason)
        for path, was, becomes in _deep_diff(before, after)
    ]


def as_secret_as(after: Any, before: Any) -> Any:
    """What stood where a secret goes was one too, though the platform tells it in clear."""
    if isinstance(after, Secret) and isinstance(before, str):
        return Hidden(before)
    if isinstance(after, Mapping) and isinstance(before, Mapping):
        return {key: as_secret_as(after.get(key), value) for key, value in before.items()}
    if isinstance(after, list | tuple) and isinstance(before, list | tuple):
        secret = next((item for item in after if isinstance(item, Secret)), None)
        return [as_secret_as(secret, item) for item in before] if secret else before
    return before


def _deep_diff(before: Any, after: Any) -> list[tuple[list[Any], Any, Any]]:
    """(path, before, after) of each difference inside two maps or two lists."""
    if (found := _shallow_diff(before, after)) is not None:
        return found
    from deepdiff import DeepDiff  # 150 ms to import, and most plans never need it
    from deepdiff.helper import notpresent

    leaves = _Leaves()
    tree = DeepDiff(
        leaves.hide(before), leaves.hide(after), view="tree", threshold_to_diff_deeper=0
    )
    differing = [
        (
            level.path(output_format="list"),
            None if level.t1 is notpresent else leaves.show(level.t1),
            None if level.t2 is notpresent else leaves.show(level.t2),
        )
        for levels in tree.values()
        for level in levels
    ]
    return sorted(differing, key=lambda item: [str(step) for step in item[0]])


def _shallow_diff(before: Any, after: Any) -> list[tuple[list[Any], Any, Any]] | None:
    """The same for maps whose entries differ as a whole; None where a difference lies deeper."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return None
    differing = [
        name
        for name in sorted(before.keys() | after.keys(), key=str)
        if (name in before) != (name in after) or freeze(before[name]) != freeze(after[name])
    ]
    sides = [(before.get(name), after.get(name)) for name in differing]
    if any(_is_nested(was) and _is_nested(becomes) for was, becomes in sides):
        return None
    return [([name], *side) for name, side in zip(differing, sides, strict=True)]


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


class _Leaves:
    """Swaps every leaf for a number and back, equal leaves for the same one.

    deepdiff looks inside objects (a Secret's value would show), computes text diffs of long
    strings and has its own idea of equal types; with numbers it does none of that.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._leaves: list[Any] = []

    def hide(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(name): self.hide(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide(item) for item in value]
        number = self._numbers.setdefault(freeze(value), len(self._leaves))
        if number == len(self._leaves):
            self._leaves.append(value)
        if isinstance(value, Secret):
            self._leaves[number] = value  # it may equal a plain text, which then shows as little
        return number

    def show(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.show(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.show(item) for item in value]
        return self._leaves[value]
