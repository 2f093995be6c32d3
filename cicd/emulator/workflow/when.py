"""``when``: its tags are replaced as they are, then what there is is read as govaluate reads it.

A value with a blank, a dot or a hyphen in it so becomes part of the condition, unless it stands in
quotes. Argo does the same (``shouldExecute`` in workflow/controller/steps.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cicd.emulator.workflow.expr.conditions import BadCondition
from cicd.emulator.workflow.expr.expressions import substitute
from cicd.emulator.workflow.expr.formatting import printed
from cicd.emulator.workflow.expr.govaluate import read

PART = re.compile(r"(?P<tag>\{\{.*?\}\})|(?P<quote>['\"])", re.DOTALL)
_FOREIGN = {
    r"(?<![=!<>])=(?![=~])": "== compares",
    r"\band\b": "&& is and",
    r"\bor\b": "|| is or",
    r"\bnot\b": "! is not",
}
"""Operators of other languages, and what stands for them."""
_QUOTED = re.compile(r"\{\{.*?\}\}|'[^']*'|\"[^\"]*\"", re.DOTALL)
_OPEN = {"Unclosed string": "a quote", "Unbalanced parenthesis": "a bracket"}
_FITS = re.compile(r"-?\d+(?:\.\d+)?|true|false")
"""Values around which no quotes are missing."""
LONGEST = 60
"""Characters of a value that a message shows."""


def is_wanted(when: str, scope: Mapping[str, str]) -> bool:
    """Whether ``when`` holds. Raises BadCondition or Unresolved."""
    text = substitute(when, scope)
    try:
        return decide(text)
    except BadCondition as error:
        raise BadCondition(f"{error}{_hint(when, text, scope, str(error))}") from None


def decide(text: str) -> bool:
    """The same of a text without tags; an empty one holds. Raises BadCondition in Argo's words."""
    if not text:
        return True
    try:
        stage = read(text)
    except BadCondition as error:
        raise BadCondition(f"Invalid 'when' expression '{text}': {error}") from None
    try:
        value = stage()
    except BadCondition as error:
        # spelled as Argo spells it, for whoever looks for it
        raise BadCondition(f"Failed to evaluate 'when' expresion '{text}': {error}") from None
    except RecursionError:
        raise BadCondition(f"Invalid 'when' expression '{text}': too many operators") from None
    if not isinstance(value, bool):
        raise BadCondition(f"Expected boolean evaluation for '{text}'. Got {printed(value)}")
    return value


def unquoted(when: str) -> Iterator[re.Match[str]]:
    """The tags that stand outside of quotes."""
    is_quoted = False
    for match in PART.finditer(when):
        if match["quote"]:
            is_quoted = not is_quoted
        elif not is_quoted:
            yield match


def _hint(when: str, text: str, scope: Mapping[str, str], error: str) -> str:
    """Which quotes are missing, or what else the author has to write."""
    if error.startswith("Expected boolean"):
        is_one = "'" not in when + text and not re.search(r"\s", text.strip())
        example = f"'{when}' == '{text}'" if is_one else "a == b"
        return f" (only true and false are a condition of their own: compare it, {example})"
    if cure := next((what for sign, what in _OPEN.items() if sign in error), ""):
        return f" ({cure} is missing)"
    plain = _QUOTED.sub("''", when)
    if cures := [cure for slip, cure in _FOREIGN.items() if re.search(slip, plain)]:
        return f" ({', '.join(cures)})"
    tags = dict.fromkeys(match[0] for match in unquoted(when))
    bare = [tag for tag in tags if not _FITS.fullmatch(substitute(tag, scope))]
    if bare:
        values = (f"'{tag}', which is {_short(substitute(tag, scope))!r}" for tag in bare)
        return f" (put quotes around {' and '.join(values)}, and around the text beside it)"
    if error.endswith("it is not a number"):
        return " (one side is a text, the other a number: quotes around both or around none)"
    return " (put quotes around every text that is not one word of letters, digits and _)"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
