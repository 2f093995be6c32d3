"""What ``cicd init`` writes: a folder for each platform, of the platform's name.

It holds the files of a new project. They are written as they are, but for markers such as
``@NAME@``, which the answers of a person fill, and for the ending ``.in``, which keeps programs of
the project from being taken for ours. Of ``stages/dev.yaml``, ``tst.yaml`` and ``prd.yaml`` those
are written that are asked for.

The folder is also a module, and what stands in its ``__init__.py`` is no file of the project: see
``Scaffold``. Markers that every scaffold has are those of ``cicd.scaffold.facts``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from cicd.errors import Usage

_MARKER = re.compile(r"@([A-Z_]+)@")
Markers = Mapping[str, str]
"""What stands for ``@MARKER@``."""


@dataclass(frozen=True)
class Question:
    """One thing that a project is made from, and an option of ``cicd init``.

    ``name``: that of the option, with ``_``. ``fill``: an answer -> the markers that it fills;
    raises Usage for one that will not do. ``defaults``: texts with markers; the first that will do
    answers for a person who does not, and one with a marker that is empty does not. ``asks``: what
    a person is asked on a terminal; empty where only the option answers. ``help``, ``metavar``: of
    the option.
    """

    name: str
    fill: Callable[[str], Markers]
    defaults: Sequence[str]
    asks: str = ""
    help: str = ""
    metavar: str | None = None

    @property
    def option(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    def default(self, known: Markers) -> str:
        """The answer of who gives none; ``known``: what has been filled before."""
        for text in self.defaults:
            answer = render(text, known)
            if all(known.get(name) for name in _MARKER.findall(text)) and self._fits(answer):
                return answer
        return render(self.defaults[-1], known)

    def _fits(self, answer: str) -> bool:
        try:
            self.fill(answer)
        except Usage:
            return False
        return True


class Scaffold(Protocol):
    """What the module of a platform's folder says.

    ``QUESTIONS``: in the order in which they are asked; that for the stages comes by itself.
    ``STEPS``: the commands to go on with, with markers. ``EXTRA``: of the package, as pip takes it;
    ``SECRETS``, ``SETTINGS``: the variables in which a pipeline gets the login: those it needs, and
    others that it may need.
    """

    __name__: str
    QUESTIONS: Sequence[Question]
    STEPS: Sequence[str]
    EXTRA: str
    SECRETS: Sequence[str]
    SETTINGS: Sequence[str]


def render(text: str, known: Markers) -> str:
    """``text`` with its markers replaced; any other ``@WORD@`` stays."""
    return _MARKER.sub(lambda found: known.get(found[1], found[0]), text)
