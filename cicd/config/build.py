"""A checked draft becomes a Stage: what the stages of all platforms are made of."""

from __future__ import annotations

import glob
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cicd.config.dialect import Built, Carried
from cicd.config.digests import digest, slow_digest
from cicd.config.draft import Draft
from cicd.config.fields import values_of
from cicd.config.formats import seconds
from cicd.config.lifecycle_settings import lifecycle_of
from cicd.config.notice_settings import notices_of
from cicd.config.rules import files_in
from cicd.config.schema import AnySmokeTest as AnySmokeTestFile
from cicd.config.schema import Gate as GateFile
from cicd.config.schema import SmokeTest as SmokeTestFile
from cicd.config.sync_settings import sync_of
from cicd.config.tree import Path, hidden, leaves, plain
from cicd.config.watch import file_digests, files_digest, named_files, watched_files
from cicd.model import Gate, Limits, Options, Resource, SmokeTest, Stage
from cicd.values import Hidden, Key, Program, Ref, Secret

AnyDraft = Draft[Any, Any]
MOST_NAMED = 50
"""How many files of a run are told apart: what is kept with a run has a limit."""
DIGITS = 10
"""How many digits of a file's digest are kept: enough to see that it changed."""


def stage_of(draft: AnyDraft, built: Built) -> Stage:
    """The Stage of a draft without errors, with what its dialect has built."""
    file = draft.file
    return Stage(
        name=draft.name,
        file=draft.tree.place.file,
        root=str(draft.root),
        platform=file.platform,
        target=built.target,
        branch=file.branch,
        resources=tuple(built.resources),
        programs=built.programs,
        prune=file.prune,
        limits=Limits(file.limits.max_delete_percent, file.limits.max_delete),
        protect=frozenset(file.protect),
        local={**values_of(file.local), **built.local},
        settings=built.settings,
        commit=draft.override.commit if draft.override else draft.git.commit,
        digest=_stage_digest(draft, built.scope),
        project=draft.git.folder,
        lifecycle=lifecycle_of(file.lifecycle, draft.root),
        notify=notices_of(draft),
        sync=sync_of(file.sync),
        others=tuple(dict.fromkeys(_others(draft))),
    )


def _others(draft: AnyDraft) -> Iterator[str]:
    """The stages that something is taken from."""
    for _, node in leaves(draft.tree):
        if isinstance(node.value, Ref) and node.value.stage:
            yield node.value.stage


def _stage_digest(draft: AnyDraft, scope: Sequence[str]) -> str:
    content = plain(draft.tree, lambda node: plain_leaf(hidden(node.value, node), draft.name))
    return digest([draft.name, *scope, content])


def plain_leaf(value: Any, salt: str) -> Any:
    """A value as digests take it: what nobody may guess, slowly."""
    if isinstance(value, Hidden):
        return slow_digest(value.reveal(), salt)
    return str(value) if isinstance(value, Ref | Secret) else value


def _plain(value: Any, salt: str) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item, salt) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, salt) for item in value]
    return plain_leaf(value, salt)


def inputs_of(
    draft: AnyDraft,
    salt: str,
    spec: Mapping[str, Any],
    watch: Sequence[str] = (),
    sources: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What decides whether a run must be repeated: its ``spec``, watched files, and ``sources``
    (file -> digest), such as its program.

    ``inputs`` is one digest of all of it; ``files`` the beginning of that of each file, to name
    those that changed; of very many files, one for all that a glob finds.
    """
    # who approves a change must not change by that what is approved
    approval = draft.root / path if (path := _approval_file(draft)) else None
    globs = {
        glob: [file for file in watched_files(draft.root, glob) if file != approval]
        for glob in watch
    }
    paths = sorted({path for found in globs.values() for path in found})
    digests = file_digests(draft.root, paths)
    shown = _plain(spec, salt)
    watched = files_digest(digests) if digests else ""
    named = digests
    if len(digests) > MOST_NAMED:
        named = {
            glob: files_digest({name: digests[name] for name in _names(draft, found)})
            for glob, found in globs.items()
        }
    more = sources or {}
    named = {**named, **more}
    return {
        "inputs": digest([shown, " ".join(more.values()), watched]),
        "files": {_text(name): text[:DIGITS] for name, text in sorted(named.items())},
    }


def _approval_file(draft: AnyDraft) -> str:
    lifecycle = draft.file.lifecycle
    return (lifecycle and lifecycle.approval and lifecycle.approval.file) or ""


def _names(draft: AnyDraft, paths: list[pathlib.Path]) -> list[str]:
    return [path.relative_to(draft.root).as_posix() for path in paths]


def _text(name: str) -> str:
    """The name of a file as text, whatever bytes it has."""
    return name.encode(errors="backslashreplace").decode()


def gates_of(gates: Sequence[GateFile]) -> tuple[Gate, ...]:
    """The bounds on a run's metrics."""
    return tuple(Gate(gate.metric, gate.min, gate.max) for gate in gates)


HOW = frozenset({"key", "rerun", "watch", "timeout", "require", "smoke_test", "on_failure"})
"""Fields that items of all platforms may have, and that no platform is told: they say how apply
treats what is made of them."""


def resources_of(draft: AnyDraft, sections: Mapping[str, Carried]) -> Iterator[Resource]:
    """A resource for each item of these sections (see ``resource_of``), in their order."""
    for name, section in sections.items():
        for path, item in () if section.is_map else draft.items(name):
            yield resource_of(draft, sections, path, item)


def resource_of(
    draft: AnyDraft,
    sections: Mapping[str, Carried],
    path: Path,
    item: Any,
    spec: Mapping[str, Any] | None = None,
) -> Resource:
    """What the item of a section that is written at ``path`` asks for. ``spec``: where that is not
    just its fields, as ``spec_of`` gives them. What has a ``rerun`` is a run, and gets ``inputs``:
    of its spec, of the files that it names, and of those that it watches: it can have no field
    ``inputs`` or ``files`` of its own."""
    section = sections[str(path[0])]
    key = Key(section.kind, item.key)
    spec = spec_of(draft, sections, path, item) if spec is None else spec
    if hasattr(item, "rerun"):
        files = [glob.escape(name) for _, name in files_in(values_of(item), section)]
        watch = [*getattr(item, "watch", ()), *files]
        spec = {**spec, **inputs_of(draft, f"{draft.name} {key}", spec, watch)}
    return Resource(key, spec, options_of(draft, path, item), source=str(draft.place(*path)))


def spec_of(
    draft: AnyDraft, sections: Mapping[str, Carried], path: Path, item: Any
) -> dict[str, Any]:
    """The fields of an item by their names in the file, without those that are not set: texts of
    the environment are hidden, and a key of another section is a Ref. ``name``, its key where it
    has none of its own, stays plain."""
    values: Any = {name: value for name, value in values_of(item, HOW).items() if value is not None}
    for field, other in sections[str(path[0])].needs.items():
        values = _referring(values, field, sections[other].kind)
    return {**draft.hidden(values, *path), "name": values.get("name", item.key)}


def _referring(value: Any, field: Sequence[str], kind: str) -> Any:
    """The same values with the keys that stand at that path as references."""
    if isinstance(value, str):
        return value if field else Ref(Key(kind, value))
    if isinstance(value, list):
        return [_referring(item, field, kind) for item in value]
    if isinstance(value, Mapping):
        is_way = {name: not field or name == field[0] for name in value}
        return {
            name: _referring(item, field[1:], kind) if is_way[name] else item
            for name, item in value.items()
        }
    return value


def options_of(draft: AnyDraft, path: Path, item: Any) -> Options:
    """How apply treats what is made of an item, by those of the fields for that which it has."""
    has = {name: getattr(item, name) for name in HOW if hasattr(item, name)}
    told: dict[str, Any] = {name: has[name] for name in ("rerun", "on_failure") if name in has}
    if "timeout" in has:
        told["timeout"] = float(seconds(has["timeout"]))
    if test := has.get("smoke_test"):
        told["smoke_test"] = smoke_test_of(draft, (*path, "smoke_test"), test)
    return Options(require=gates_of(has.get("require", ())), **told)


def programs_of(draft: AnyDraft, sections: Mapping[str, Carried]) -> tuple[Program, ...]:
    """The files that items of these sections name, as what runs start."""
    found: dict[tuple[str | int, ...], Program] = {}
    for name, section in sections.items():
        for _, item in () if section.is_map else draft.items(name):
            for at, file in files_in(values_of(item), section):
                digests = file_digests(draft.root, named_files(draft.root, file))
                called = {str(at[0]): file} if len(at) == 1 else {}
                found[*at, file] = Program(file, file, "", files_digest(digests), called=called)
    return tuple(found.values())


def _any_body(draft: AnyDraft, path: Path, item: AnySmokeTestFile) -> dict[str, Any]:
    body = draft.hidden(item.body, *path, "body")
    return {"body": body, "content_type": item.content_type, "variant": item.variant}


def smoke_test_of(draft: AnyDraft, path: Path, item: SmokeTestFile) -> SmokeTest:
    """The smoke test that is written at ``path``."""
    return SmokeTest(
        path=draft.hidden(item.path or "", *path, "path"),
        method=item.method,
        json=draft.hidden(item.json_body, *path, "json"),
        headers=draft.hidden(item.headers, *path, "headers"),
        expect_status=item.expect.status,
        expect_contains=draft.hidden(item.expect.contains, *path, "expect", "contains"),
        timeout=float(seconds(item.timeout)),
        **(_any_body(draft, path, item) if isinstance(item, AnySmokeTestFile) else {}),
    )
