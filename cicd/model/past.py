"""What has been applied before, as far as anybody remembers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Made:
    """One thing that was made or changed. ``what``: in a word (``run``, ``version``, ``update``);
    ``status``: how it is by now, in the platform's own word. ``at`` and ``ended`` in ISO 8601."""

    key: str
    what: str
    id: str = ""
    status: str = ""
    at: str = ""
    ended: str = ""
    commit: str = ""
    is_bad: bool = False
    is_under_way: bool = False


@dataclass(frozen=True)
class Applied:
    """One apply, as far as its sources tell; empty is not known.

    ``at``: when it began, in ISO 8601. ``by``: who ran it, ``author``: who wrote its commit, which
    ``subject`` is about. ``result``: ``applied``, ``failed``, ``running`` or ``held``. ``sources``:
    who remembers it.
    """

    at: str
    commit: str = ""
    by: str = ""
    author: str = ""
    subject: str = ""
    approved_by: str = ""
    result: str = ""
    seconds: float | None = None
    link: str = ""
    made: tuple[Made, ...] = ()
    sources: tuple[str, ...] = ()
