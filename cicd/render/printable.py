"""Texts of others with nothing in them that a terminal obeys."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with every character escaped that could move the cursor, break the line or turn
    the writing direction: names and messages come from files and from the platform."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
