"""Globs on keys, as --select, --exclude, --rerun, --replace and protect have them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from cicd.errors import Usage
from cicd.model import Key
from cicd.plan.graph import Edges, reachable
from cicd.words import some

_MOST_NAMED = 5


def matches(key: Key, patterns: Iterable[str]) -> bool:
    """Whether ``deployment/serve`` fits one of the globs (``*`` also spans the slash)."""
    text = str(key)
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def is_chosen(key: Key, select: Collection[str], exclude: Collection[str]) -> bool:
    """Whether a key itself is selected; no --select selects everything, --exclude wins."""
    return (not select or matches(key, select)) and not matches(key, exclude)


def choose(
    edges: Edges, select: Collection[str], exclude: Collection[str], pointers: Edges
) -> set[Key]:
    """The selected keys and all that they need, without the excluded ones.

    ``pointers``: key -> the keys whose url it holds. It goes with them: what is left behind
    would point at a service that has been replaced and deleted.
    """
    if not select and not exclude:
        return set(edges)
    wanted = reachable(edges, (key for key in edges if not select or matches(key, select)))
    wanted = reachable(edges, wanted | {key for key, at in pointers.items() if at & wanted})
    return {key for key in wanted if not matches(key, exclude)}


def explain_choice(
    keys: Sequence[Key], chosen: Collection[Key], select: Collection[str]
) -> list[str]:
    """What a selection among ``keys`` pulled in and what it left out, in words."""
    pulled = [str(key) for key in keys if key in chosen and select and not matches(key, select)]
    left = [str(key) for key in keys if key not in chosen]
    lines = []
    if pulled:
        lines.append(f"--select pulled in what the selected ones need: {some(pulled, _MOST_NAMED)}")
    if left:
        lines.append(
            f"{len(left)} of {len(keys)} resources are not selected: {some(left, _MOST_NAMED)}"
        )
    return lines


def check_patterns(
    option: str, patterns: Collection[str], keys: Iterable[Key], stage_name: str
) -> None:
    """Raises Usage for a glob that fits none of ``keys``: most likely a typing error."""
    known = list(dict.fromkeys(map(str, keys))) if patterns else []
    for pattern in patterns:
        if not any(fnmatchcase(text, pattern) for text in known):
            close = [text for text in known if text.endswith(f"/{pattern}")]
            close = close or get_close_matches(pattern, known, n=1)
            has = some(known, _MOST_NAMED) or "nothing that it could fit"
            hint = f"did you mean {' or '.join(close)}?" if close else f"it has {has}"
            raise Usage(f"{option} {pattern} fits nothing in stage {stage_name}", hint=hint)
