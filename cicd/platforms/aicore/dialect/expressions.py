"""Slips that keep an expression from being read at all, whatever its names stand for.

Source: expr-lang, docs/language-definition.md.
"""

from __future__ import annotations

import re

_TEXT = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`""", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_WORDS = "and|or|in|matches|contains|startsWith|endsWith"
_TOO_EARLY = re.compile(rf"(?:[-+*/%^|&=<>!?:,]|(?<!\d)\.|\b(?:not|let|{_WORDS}))$")
_TOO_LATE = re.compile(rf"(?:[*/%^|&=<>?,]|:(?!:)|\.(?!\d)|!=|(?:{_WORDS})\b(?!\s*\())")


def expression_slip(expression: str) -> str:
    """What is wrong, empty where nothing is; names and types are not looked at."""
    text = _COMMENT.sub(" ", _TEXT.sub("''", expression)).strip()
    if not text:
        return "it is empty"
    if quote := re.search("['\"`]", text.replace("''", "")):
        return f"a text in it has no end: {quote[0]} is missing"
    opened: list[str] = []
    for bracket in re.findall(r"[()\[\]{}]", text):
        if bracket not in _PAIRS:
            opened.append(bracket)
        elif not opened or opened.pop() != _PAIRS[bracket]:
            return f'its "{bracket}" closes nothing'
    if opened:
        return f'its "{opened[-1]}" is not closed'
    if _TOO_EARLY.search(text):
        return "it ends too early: a value is missing"
    return "it has no value in front" if _TOO_LATE.match(text) else ""
