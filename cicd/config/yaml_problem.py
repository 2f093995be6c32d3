"""What libyaml found wrong, told where it began: a quote or a bracket that nobody closed is noticed
long after it.

libyaml's words are those of its scanner.c and parser.c (0.2.5) and of PyYAML's composer (6.0).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from yaml.error import MarkedYAMLError
from yaml.tokens import (
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    ScalarToken,
)

from cicd.config.yaml_nodes import scan
from cicd.errors import Problem

_QUOTED = "while scanning a quoted scalar"
_NO_KEY = "did not find expected key"
_SAID = {
    _NO_KEY: "no key is possible here: check the indentation",
    "did not find expected '-' indicator": "a list stands above, so - must come here: check the "
    "indentation",
    "could not find expected ':'": "this key has no ':'",
    "mapping values are not allowed in this context": "no ':' is possible here: put quotes around "
    "text that holds one, or check the indentation",
    "did not find expected node content": "a value, or the end of a [list] or {map}, is missing",
    "found invalid Unicode character escape code": "half a surrogate pair, and what is beyond "
    "Unicode, is not text: remove the escape",
}
"""libyaml's words -> ours, where we have better ones."""
_INDICATORS = {"alias": "*", "anchor": "&", "tag": "!"}


def syntax_problem(error: MarkedYAMLError, text: str, name: str) -> Problem:
    """One finding in the file called ``name`` that holds this text."""
    said = str(error.problem or error.context or "")
    if "nesting" in said:  # libyaml stops at 1,000 levels
        return Problem(name, 0, 0, "nested too deeply: flatten it", "too-complex")
    mark, message = _begin(error, said, text)
    if mark is None:
        return Problem(name, 0, 0, f"not valid YAML: {message}", "syntax")
    return Problem(name, mark.line + 1, mark.column + 1, f"not valid YAML: {message}", "syntax")


def _begin(error: MarkedYAMLError, said: str, text: str) -> tuple[Any, str]:
    """Where it began, and what is wrong there."""
    mark: Any = error.problem_mark or error.context_mark
    if str(error.context) == _QUOTED and said.startswith("found unexpected"):
        return error.context_mark, "the quote that begins here is never closed"
    if said == "could not find expected ':'" and error.context_mark:
        return error.context_mark, _SAID[said]
    tokens = _tokens_before(text, mark)
    bracket = _open_bracket(tokens)
    if bracket and not text[mark.index :].strip():
        mark = bracket.start_mark
        return mark, f"the {text[mark.index]} that begins here is never closed"
    message = _words(error, said, text[mark.index : mark.index + 60] if mark else "")
    if bracket and bracket.start_mark.line < mark.line:
        return mark, f"{message}; is the one in line {bracket.start_mark.line + 1} closed?"
    quoted = _quoted_before(tokens, mark) if said == _NO_KEY else None
    if quoted and quoted.start_mark.line < quoted.end_mark.line:
        line = quoted.end_mark.line + 1
        return quoted.start_mark, f"the quote that begins here ends in line {line} only"
    if quoted:
        return mark, "text goes on behind its closing quote: put it in the other sort of quotes"
    return mark, message


def _words(error: MarkedYAMLError, said: str, at: str) -> str:
    """What is wrong and what to do; ``at``: the text from the place on."""
    if said == "found character that cannot start any token":
        if at.startswith("\t"):
            return "a tab cannot indent YAML: use spaces"
        return f"{at[:1]} cannot start text without quotes: put quotes around it"
    if said == "found undefined alias":
        name = re.match(r"\*([^\s,\]}]*)", at)
        shown = f" '{name[1][:40]}'" if name else ""
        return f"{said}{shown}: put quotes around text that starts with *"
    indicator = _INDICATORS.get(str(error.context).rpartition(" ")[2])
    if indicator:
        return f"{said}: put quotes around text that starts with {indicator}"
    return _SAID.get(said, said)


def _tokens_before(text: str, mark: Any) -> list[Any]:
    """What the scanner made of the text up to a mark."""
    found: list[Any] = []
    with suppress(MarkedYAMLError):
        for token in scan(text):
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
