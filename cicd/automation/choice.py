"""What a plan is to be about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


def texts(given: Iterable[object]) -> tuple[str, ...]:
    """Keys or globs that somebody has handed in; a text by itself is one, not its letters."""
    return (given,) if isinstance(given, str) else tuple(map(str, given))


@dataclass(frozen=True)
class Choice:
    """Which keys a plan is about, and what is done again. All texts are keys (``execution/train``)
    or globs of them; see ``cicd.plan.selection``."""

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    rerun: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    refresh_secrets: bool = False

    @classmethod
    def of(
        cls,
        *,
        select: Iterable[object] = (),
        exclude: Iterable[object] = (),
        rerun: Iterable[object] = (),
        replace: Iterable[object] = (),
        refresh_secrets: bool = False,
    ) -> Choice:
        """One of any collections of texts; a text by itself is one of them."""
        return cls(texts(select), texts(exclude), texts(rerun), texts(replace), refresh_secrets)

    @classmethod
    def saved_in(cls, document: Mapping[str, Any]) -> Choice:
        """The one that a saved plan was made with."""
        from cicd.plan.bound import saved_options

        return cls(**saved_options(document))  # type: ignore[arg-type]

    def options(self) -> dict[str, Any]:
        """By the names that planning has for them."""
        from cicd.plan.bound import FLAGS, OPTIONS

        return {name: getattr(self, name) for name in (*OPTIONS, *FLAGS)}


ALL = Choice()
"""All of the stage, and nothing again that is as it should be."""
