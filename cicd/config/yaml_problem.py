"""What a YAML parser found wrong, told where it began: a quote or a bracket that nobody closed is
noticed long after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.tokens import (
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    ScalarToken,
)

from cicd.errors import Problem

QUOTED = "while scanning a quoted scalar"
OVER = ("end of stream", "document separator", "<stream end>", "<document start>")


def syntax_problem(error: MarkedYAMLError, text: str, name: str) -> Problem:
    """One finding in the file called ``name`` that holds this text."""
    mark = error.problem_mark or error.context_mark
    message = " ".join(str(error.problem or error.context or "not valid YAML").split())
    tokens = _tokens_before(text, mark)
    is_over = any(word in message for word in OVER)
    if is_over and str(error.context) == QUOTED and error.context_mark:
        mark, message = error.context_mark, "the quote that begins here is never closed"
    elif bracket := _open_bracket(tokens):
        if is_over:
            mark = bracket.start_mark
            message = f"the {text[mark.index]} that begins here is never closed"
        elif bracket.start_mark.line < error.problem_mark.line:
            message += f"; is the one in line {bracket.start_mark.line + 1} closed?"
    elif "expected <block end>" in message and (quoted := _quoted_before(tokens, mark)):
        if quoted.start_mark.line < quoted.end_mark.line:
            mark = quoted.start_mark
            message = f"the quote that begins here ends in line {quoted.end_mark.line + 1} only"
        else:
            message = "text goes on behind its closing quote: put it in the other sort of quotes"
    elif "'\\t'" in message:
        message = "a tab cannot indent YAML: use spaces"
    elif "undefined alias" in message:
        message += ": put quotes around text that starts with *"
    if mark is None:
        return Problem(name, 0, 0, message, "syntax")
    return Problem(name, mark.line + 1, mark.column + 1, f"not valid YAML: {message}", "syntax")


def _tokens_before(text: str, mark: Any) -> list[Any]:
    """What the scanner made of the text up to a mark."""
    found: list[Any] = []
    with suppress(MarkedYAMLError):
        for token in YAML(typ="safe", pure=True).scan(text):
            if mark is None or token.start_mark.index >= mark.index:
                break
            found.append(token)
    return found


def _open_bracket(tokens: Iterable[Any]) -> Any:
    """The innermost [ or { that is not closed; None where all are."""
    is_open = []
    for token in tokens:
        if isinstance(token, FlowSequenceStartToken | FlowMappingStartToken):
            is_open.append(token)
        elif isinstance(token, FlowSequenceEndToken | FlowMappingEndToken) and is_open:
            is_open.pop()
    return is_open[-1] if is_open else None


def _quoted_before(tokens: Sequence[Any], mark: Any) -> Any:
    """The text in quotes that ends in the line of a mark and just before it; else None."""
    for last in tokens[-1:]:
        if isinstance(last, ScalarToken) and not last.plain and last.end_mark.line == mark.line:
            return last
    return None
