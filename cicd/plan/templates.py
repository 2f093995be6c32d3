"""Templates that come along with something: one line for each that is new, changed or gone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cicd.model import Change, Kind, Program, Spec, Stage

EMPTY = '""'


@dataclass(frozen=True)
class _Interface:
    """What is known of a template. Empty: not known, except for ``digest`` nothing is compared."""

    version: str
    parameters: Mapping[str, str | None]
    inputs: Collection[str]
    outputs: Collection[str]
    asks: Mapping[str, Collection[str]] = field(default_factory=dict)
    digest: str = ""


def describe(
    change: Change, stage: Stage, former: Stage | None, kinds: Mapping[str, Kind]
) -> tuple[str, ...]:
    """The lines for a change of what brings programs; none for anything else.

    ``former``: the stage as it was last applied, where that is known. It knows images, resource
    plans and the rest of a template; the platform tells no more than what it takes and gives.
    """
    part = kinds[change.key.kind].programs
    wanted = _part(change.desired.spec if change.desired else {}, part)
    if not wanted:
        return ()
    live = _part(change.live.spec if change.live else {}, part)
    here = {program.name: _of_program(program) for program in stage.programs}
    after = {name: here.get(name) or _of_platform(spec) for name, spec in wanted.items()}
    before = {name: _of_platform(spec) for name, spec in live.items() if name in wanted}
    if former and change.live:
        before |= {
            item.name: _of_program(item)
            for item in former.programs
            # one that is wanted and not live is new here, wherever it was applied before
            if item.name in live or item.name not in wanted
        }
    files = {program.name: program.file for program in stage.programs}
    return tuple(_lines(before, after, files, _what_is_made(kinds)))


def _what_is_made(kinds: Mapping[str, Kind]) -> str:
    """What programs take and give, in the word of the platform."""
    versions = {kind.version[1] for kind in kinds.values() if kind.version}
    content = (kind.name for kind in kinds.values() if kind.role == "content")
    return next((name for name in content if name not in versions), "file").replace("_", " ")


def _lines(
    before: Mapping[str, _Interface],
    after: Mapping[str, _Interface],
    files: Mapping[str, str],
    word: str,
) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if now is None:
            yield f"{name} is gone"
        elif was is None:
            yield f"{name} {now.version} is new: {'; '.join(_whole(now))}".removesuffix(": ")
        elif differences := list(_differences(was, now, word)):
            file = f" ({files[name]})" if name in files else ""
            yield f"{name}{file}: {'; '.join(differences)}"


def _whole(new: _Interface) -> Iterator[str]:
    """All that a new template takes and gives."""
    if new.parameters:
        told = (
            name if default is None else f"{name} (default {default or EMPTY})"
            for name, default in new.parameters.items()
        )
        yield f"parameters {', '.join(told)}"
    for word, names in (("takes", new.inputs), ("gives", new.outputs), *new.asks.items()):
        if names:
            yield f"{word} {', '.join(names)}"


def _differences(was: _Interface, now: _Interface, word: str) -> Iterator[str]:
    if was.version != now.version:
        yield f"version {was.version} → {now.version}"
    found = [
        *_parameters(was.parameters, now.parameters),
        *_names(f"input {word}", was.inputs, now.inputs),
        *_names(f"output {word}", was.outputs, now.outputs),
    ]
    if was.digest:
        for what, new in now.asks.items():
            if (old := was.asks.get(what, ())) != new:
                found.append(f"{what} {', '.join(old) or 'none'} → {', '.join(new) or 'none'}")
        if not found and was.version == now.version and was.digest != now.digest:
            found.append("takes and gives the same; something else in it changed")
    yield from found


def _parameters(was: Mapping[str, str | None], now: Mapping[str, str | None]) -> Iterator[str]:
    for name in dict.fromkeys([*was, *now]):
        if name not in now:
            yield f"parameter {name} removed"
        elif name not in was:
            default = now[name]
            told = "must be given" if default is None else f"default {default or EMPTY}"
            yield f"parameter {name} added ({told})"
        elif was[name] != now[name]:
            old, new = (
                "none" if text is None else text or EMPTY for text in (was[name], now[name])
            )
            yield f"parameter {name}: default {old} → {new}"


def _names(word: str, was: Collection[str], now: Collection[str]) -> Iterator[str]:
    for name in sorted({*was, *now}):
        if (name in was) != (name in now):
            yield f"{word} {name} {'added' if name in now else 'removed'}"


def _of_program(program: Program) -> _Interface:
    return _Interface(
        program.version,
        program.parameters,
        sorted(program.inputs),
        sorted(program.outputs),
        {word: list(dict.fromkeys(names)) for word, names in program.asks.items()},
        program.digest,
    )


def _of_platform(spec: Any) -> _Interface:
    told = spec if isinstance(spec, Mapping) else {}
    return _Interface(
        str(told.get("version", "")),
        told.get("parameters") or {},
        told.get("inputs") or (),
        told.get("outputs") or (),
    )


def _part(spec: Spec, part: str) -> Mapping[str, Any]:
    found = spec.get(part)
    return found if isinstance(found, Mapping) else {}
