"""A checked draft becomes a Stage: what the stages of all platforms are made of."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from cicd.config.dialect import Built
from cicd.config.digests import digest, slow_digest
from cicd.config.draft import Draft
from cicd.config.fields import values_of
from cicd.config.formats import seconds
from cicd.config.schema import AnySmokeTest as AnySmokeTestFile
from cicd.config.schema import Gate as GateFile
from cicd.config.schema import SmokeTest as SmokeTestFile
from cicd.config.tree import Path, hidden, plain
from cicd.config.watch import file_digests, files_digest, watched_files
from cicd.model import Gate, Limits, SmokeTest, Stage
from cicd.values import Hidden, Ref, Secret

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
        commit=draft.override.commit if draft.override else draft.git.commit,
        digest=_stage_digest(draft, built.scope),
        project=draft.git.folder,
    )


def _stage_digest(draft: AnyDraft, scope: Sequence[str]) -> str:
    content = plain(draft.tree, lambda node: plain_leaf(hidden(node.value, node), draft.name))
    return digest([draft.name, *scope, content])


def plain_leaf(value: Any, salt: str) -> Any:
    """A value as digests take it: what nobody may guess, slowly."""
    if isinstance(value, Hidden):
        return slow_digest(value.reveal(), salt)
    return str(value) if isinstance(value, Ref | Secret) else value


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
    globs = {glob: watched_files(draft.root, glob) for glob in watch}
    paths = sorted({path for found in globs.values() for path in found})
    digests = file_digests(draft.root, paths)
    shown = {
        key: {name: plain_leaf(leaf, salt) for name, leaf in value.items()}
        if isinstance(value, dict)
        else value
        for key, value in spec.items()
    }
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


def _names(draft: AnyDraft, paths: list[pathlib.Path]) -> list[str]:
    return [path.relative_to(draft.root).as_posix() for path in paths]


def _text(name: str) -> str:
    """The name of a file as text, whatever bytes it has."""
    return name.encode(errors="backslashreplace").decode()


def gates_of(gates: Sequence[GateFile]) -> tuple[Gate, ...]:
    """The bounds on a run's metrics."""
    return tuple(Gate(gate.metric, gate.min, gate.max) for gate in gates)


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
