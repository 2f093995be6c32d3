"""Slips that keep an expression from being read at all, whatever its variables stand for.

Source: expr-lang, docs/language-definition.md.
"""

from __future__ import annotations

import re

from cicd.config.tree import did_you_mean
from cicd.platforms.aicore.dialect.expression_functions import FUNCTIONS, SPRIG

_TEXT = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`""", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_WORDS = "and|or|in|matches|contains|startsWith|endsWith"
_TOO_EARLY = re.compile(rf"(?:[-+*/%^|&=<>!?:,]|(?<!\d)\.|\b(?:not|let|{_WORDS}))$")
_TOO_LATE = re.compile(rf"(?:[*/%^|&=<>?,]|:(?!:)|\.(?!\d)|!=|(?:{_WORDS})\b(?!\s*\())")


_CALL = re.compile(r"(?<![\w.$#])(?:(sprig)\s*\.\s*)?([A-Za-z_]\w*)\s*\(")
_NO_CALLS = {*_WORDS.split("|"), "not", "let", "if", "else"}
_LET = re.compile(r"\blet\s+\w+\s*=(?!=)")
_LONE_EQUALS = re.compile(r"(?<![=!<>])=(?!=)")


def expression_slip(expression: str) -> str:
    """What is wrong, empty where nothing is; names of variables and types are not looked at."""
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
    if _TOO_LATE.match(text):
        return "it has no value in front"
    if _LONE_EQUALS.search(_LET.sub("", text)):
        return 'it has "=", which compares nothing: write =='
    return _unknown_function(text)


def _unknown_function(text: str) -> str:
    """Which function it calls that there is not."""
    for of_sprig, name in _CALL.findall(text):
        known = SPRIG if of_sprig else FUNCTIONS
        if name not in known and (of_sprig or name not in _NO_CALLS):
            hint = did_you_mean(name, known)
            if name in SPRIG:
                hint = f' (did you mean "sprig.{name}"?)'
            return f"there is no function {of_sprig and 'sprig.'}{name}(){hint}"
    return ""
