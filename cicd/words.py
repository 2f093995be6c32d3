"""Words of messages: how many of what, some of many, and texts of others made harmless. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def plural(noun: str) -> str:
    """The noun for many: ``deployments``, ``repositories``."""
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def singular(nouns: str) -> str:
    """One of them, as ``plural`` made many: ``deployment``, ``repository``."""
    return f"{nouns[:-3]}y" if nouns.endswith("ies") else nouns.removesuffix("s")


def count(number: int, noun: str) -> str:
    """``1 problem``, ``2 repositories``."""
    return f"{number} {noun if number == 1 else plural(noun)}"


def some(names: Sequence[str], most: int) -> str:
    """``a, b and 4 more``: at most so many by name."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def short_id(id: str) -> str:
    """The beginning of an id that only a machine can read; one that says something stays whole."""
    return id[:8] if all(char in "0123456789abcdef-" for char in id) else id


def printable(text: str) -> str:
    """The text with every character escaped that could move the cursor, break the line or turn
    the writing direction: names and messages come from files and from the platform."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def log_line(text: str) -> str:
    """A line of a log as it is shown: its tabs, as of tables and of stacks in Java, are spaces."""
    return printable(text.expandtabs())


def one_line(text: str, limit: int) -> str:
    """Text of others as one line, at most ``limit`` long before its characters are escaped."""
    text = text.strip()
    return printable(text if len(text) <= limit else f"{text[: limit - 1]}…")


def may_approve(who: str, link: str) -> str:
    """Who may approve something, and where: a URL or a file; empty where neither is known."""
    if not who:
        return link
    if link in who:
        return f"{who} may approve it"
    where = f": {link}" if "://" in link else f" in {link}"
    return f"{who} may approve it{where}"
