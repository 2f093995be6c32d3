"""Pure: what Refs stand for, and whether live content is what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cicd.errors import CicdError
from cicd.model import Change, Key, Kind, LiveResource, Ref, Resource, Spec


def resolved(desired: Resource, done: Mapping[Key, LiveResource]) -> Resource:
    """The same resource with every Ref replaced. Raises CicdError naming what lacks."""
    return replace(desired, spec=_resolve(desired.spec, done))


def _resolve(value: Any, done: Mapping[Key, LiveResource]) -> Any:
    match value:
        case Ref():
            return _output(value, done)
        case Mapping():
            return {key: _resolve(item, done) for key, item in value.items()}
        case list() | tuple():
            return [_resolve(item, done) for item in value]
        case _:
            return value


def _output(ref: Ref, done: Mapping[Key, LiveResource]) -> str:
    live = None if ref.stage else done.get(ref.key)
    if live is None:
        raise CicdError(f"needs {ref.output} of {ref.key}, which is not part of this plan")
    if ref.output in live.outputs:
        return live.outputs[ref.output]
    if ref.output == "id":
        return live.id
    sort, dot, name = ref.output.partition(".")
    if not dot:
        known = ", ".join(sorted(live.outputs.keys() - {"id"}))
        raise CicdError(f"{ref.key} has no {ref.output}{f': it has {known}' if known else ''}")
    prefix = f"{sort}."
    names = sorted(key.removeprefix(prefix) for key in live.outputs if key.startswith(prefix))
    listed = ", ".join(f'"{known}"' for known in names) or "none"
    word = sort.removesuffix("s")
    raise CicdError(f'{ref.key} finished without {word} "{name}": it has {listed}')


def refs(value: Any) -> Iterator[Ref]:
    """Every Ref in a spec."""
    match value:
        case Ref():
            yield value
        case Mapping():
            for item in value.values():
                yield from refs(item)
        case list() | tuple():
            for item in value:
                yield from refs(item)


def needed_outputs(changes: Iterable[Change]) -> dict[Key, frozenset[str]]:
    """Which outputs besides the id the changes still to be made ask of each other."""
    needed: dict[Key, frozenset[str]] = {}
    for change in changes:
        for ref in refs(change.desired.spec) if change.desired else ():
            if ref.output != "id" and not ref.stage:
                needed[ref.key] = needed.get(ref.key, frozenset()) | {ref.output}
    return needed


def changed_fields(change: Change) -> frozenset[str]:
    """The top-level spec fields a change is about; ``status`` is not one."""
    names = {re.split(r"[.\[]", field.path, maxsplit=1)[0] for field in change.fields}
    return frozenset(names - {"status"})


@dataclass(frozen=True)
class Difference:
    """A field that does not read back as asked; prints as such."""

    field: str
    wanted: Any
    found: Any

    def __str__(self) -> str:
        return f'{self.field} is "{said(self.found)}" where "{said(self.wanted)}" was asked for'


def said(value: Any) -> str:
    """A value in a sentence: of a map ``main 3, trial 1``."""
    if not isinstance(value, Mapping):
        return str(value)
    parts = {name: f"{one:g}" if isinstance(one, float) else one for name, one in value.items()}
    return ", ".join(f"{name} {one}" for name, one in parts.items())


def differences(
    kind: Kind, desired: Spec, live: Spec, fields: Iterable[str]
) -> tuple[Difference, ...]:
    """Which of these fields differ. One that is missing on either side is not compared."""
    return tuple(
        Difference(field, desired[field], live[field])
        for field in sorted(fields)
        if field in desired and field in live and field not in kind.write_only | kind.computed
        if not _agrees(desired[field], live[field], is_partial=field in kind.partial)
    )


def _agrees(wanted: Any, found: Any, *, is_partial: bool) -> bool:
    if is_partial and isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return all(key in found and found[key] == value for key, value in wanted.items())
    return bool(wanted == found)
