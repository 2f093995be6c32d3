"""Checks of labels: each sort of thing has its own idea of what a key may be (facts of the API)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from cicd.errors import Problem
from cicd.platforms.aicore.dialect.draft import Draft

PREFIX = "ext.ai.sap.com/"
OURS = f"{PREFIX}cicd."
"""Labels of resource groups and generic secrets that begin so are kept by cicd itself."""


class _Keys(msgspec.Struct, frozen=True):
    """What a key may be after the prefix, in words too; ``longest`` counts the prefix."""

    form: re.Pattern[str]
    says: str
    longest: int
    has_ours: bool = False
    """Whether cicd itself keeps labels there."""


_ON_ARTIFACTS = _Keys(
    re.compile(r"[\w.-]+", re.ASCII), "letters, digits, dots, hyphens, underscores", 256
)
_ON_OTHERS = _Keys(
    re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"),
    "letters, digits, dots, hyphens, underscores, with a letter or digit at both ends",
    63,
    has_ours=True,
)

_Path = tuple[str | int, ...]


def check_labels(draft: Draft) -> Iterator[Problem]:
    """All problems with labels of artifacts, of the resource group and of generic secrets."""
    for index, artifact in enumerate(draft.file.artifacts):
        path: _Path = ("artifacts", index, "labels")
        yield from _check_keys(draft, path, artifact.labels or {}, _ON_ARTIFACTS)
    yield from _check_keys(draft, ("aicore", "labels"), draft.file.aicore.labels, _ON_OTHERS)
    for index, secret in enumerate(draft.file.secrets.generic):
        path = ("secrets", "generic", index, "labels")
        yield from _check_keys(draft, path, secret.labels or {}, _ON_OTHERS)
        for key, value in (secret.labels or {}).items():
            if not value:
                message = f'the label "{key}" is empty, which removes it: give it a value'
                yield draft.place(*path, key).problem(message, "bad-label")


def _check_keys(
    draft: Draft, path: _Path, labels: Mapping[str, object], keys: _Keys
) -> Iterator[Problem]:
    for key in labels:
        if problem := _key_problem(key, keys):
            message = f'the label "{key}" {problem}'
            yield draft.place(*path, key, key=True).problem(message, "bad-label")


def _key_problem(key: str, keys: _Keys) -> str:
    """What is wrong with the key of a label, empty when nothing is."""
    name = key.removeprefix(PREFIX)
    if name == key or not keys.form.fullmatch(name):
        cure = f' (did you mean "{PREFIX}{key}"?)' if keys.form.fullmatch(key) else ""
        return f"must be {PREFIX} and then {keys.says}{cure}"
    if len(key) > keys.longest:
        return f"is longer than {keys.longest} characters: shorten it"
    if keys.has_ours and key.startswith(OURS):
        return f"begins with {OURS}, which cicd keeps for itself: choose another"
    return ""
