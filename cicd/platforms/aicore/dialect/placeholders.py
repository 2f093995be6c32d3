"""Placeholders (``{{…}}``) in templates: each must lead to something that is declared.

Argo refuses a name below one of its own roots that it cannot resolve, and leaves any other text
between braces as it is (validate.go, ``resolveAllVariables``), so that scripts may have braces of
their own. The renderer of serving templates leaves nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from typing import Literal

import msgspec

from cicd.config.tree import Node
from cicd.errors import Problem
from cicd.platforms.aicore.dialect.expressions import expression_slip

ROOTS = ("workflow", "inputs", "outputs", "steps", "tasks", "item", "pod")
"""What the name of a variable of Argo can begin with; the others have no dot, or no meaning."""
FILLER = "\ue000"
"""Stands for the characters of a placeholder where the text around it is read as YAML."""
_EXPRESSIONS = ("expression", "fromExpression")
"""Fields that are an expression without braces."""
_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_ELSEWHERE = ("cronworkflow", "request", "response")
"""Argo's own roots too, of what AI Core has not: conditions of schedules, and of HTTP."""
_QUOTED = re.compile(r"""(?<!\[)(?:'[^']*'|"[^"]*"|`[^`]*`)""")
_PATH = re.compile(
    r"""(?<![\w.$\#])(?>[A-Za-z_]\w*
        (?:\.[A-Za-z_]\w*|\[\s*(?:'[^']*'|"[^"]*")\s*\])+)(?!\s*(?:\(|\?\?))""",
    re.VERBOSE,
)
"""A name with at least one part; no function, and nothing that has a value for want of one."""
_INDEX = re.compile(r"""\[\s*['"](.*?)['"]\s*\]""")
_DECLARED = re.compile(
    r"(?:workflow\.parameters|workflow\.outputs\.\w+|steps|tasks"
    r"|(?:in|out)puts\.(?:parameters|artifacts))\."
)
"""Where a template gives the names itself."""
_PARTS = {root: {"parameters", "artifacts"} for root in ("inputs", "outputs")}
"""What is below a root, whether or not a template has one."""
_MAPS = (".parameters", ".artifacts", ".labels", ".annotations")
"""In an expression these are maps of what is declared, and no text."""
_LONGEST = 60
_RULE = "unresolved-placeholder"

_Verdict = tuple[str, Literal["error", "warning"]]


class Scope(msgspec.Struct, frozen=True):
    """What may stand in a placeholder: complete names, and prefixes after which anything may.

    ``is_strict``: nothing else may stand between braces, not even what is no variable of Argo.
    ``left``: prefixes of what Argo neither replaces nor refuses where it is not known.
    ``calculated``: names that may stand in an expression besides. ``early``: names that are there,
    but do not say yet what they are for.
    """

    known: frozenset[str]
    open: tuple[str, ...] = ()
    is_strict: bool = False
    left: tuple[str, ...] = ()
    calculated: frozenset[str] = frozenset()
    early: frozenset[str] = frozenset()

    def with_names(self, known: Collection[str], *more: str) -> Scope:
        """A scope that knows these names as well, and ``more`` prefixes."""
        return msgspec.structs.replace(
            self, known=self.known | set(known), open=(*self.open, *more)
        )

    def below(self, root: str) -> Iterator[str]:
        """All names that begin with it, open ones too."""
        return (name for name in (*self.known, *self.open) if name.startswith(f"{root}."))

    def has(self, name: str) -> bool:
        """Whether the name leads to something."""
        return name in self.known or name.startswith(self.open)


def check_placeholders(
    node: Node, scope: Scope, *, is_expression: bool = False
) -> Iterator[Problem]:
    """A problem for each placeholder in any text below a node that the scope does not explain."""
    if isinstance(node.value, dict):
        for key, child in node.value.items():
            yield from check_placeholders(child, scope, is_expression=key in _EXPRESSIONS)
    elif isinstance(node.value, list):
        for child in node.value:
            yield from check_placeholders(child, scope)
    elif isinstance(node.value, str):
        for match in _TAG.finditer(node.value) if "{{" in node.value else ():
            verdict = _judge(match[1].strip(), scope)
            yield from _found(node, match[0], match.start(), verdict)
        yield from _check_end(node, scope) if "{{" in node.value else ()
        if is_expression:
            bare = _TAG.sub("1", node.value)  # a tag is replaced before the expression is read
            yield from _found(node, node.value, 0, _judge(f"={bare}", scope))


def _check_end(node: Node, scope: Scope) -> Iterator[Problem]:
    """A placeholder that does not end is one for Argo where it begins like a variable."""
    end = max((match.end() for match in _TAG.finditer(node.value)), default=0)
    start = node.value.find("{{", end)
    name = node.value[start + 2 :].lstrip()
    root, dot, _ = name.partition(".")
    if start >= 0 and dot and root in ROOTS and not name.startswith(scope.left):
        verdict: _Verdict = ('it has no end: write "}}" behind its name', "error")
        yield from _found(node, node.value[start:], start, verdict)


def _found(node: Node, text: str, offset: int, verdict: _Verdict | None) -> Iterator[Problem]:
    if verdict:
        shown = " ".join(text.split())
        shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
        message = f"{shown} is used, but {verdict[0]}"
        yield node.place_of_offset(offset).problem(message, _RULE, verdict[1])


def _judge(text: str, scope: Scope) -> _Verdict | None:
    """What is wrong with the inside of a placeholder, None when nothing is."""
    if text.startswith("=") and not scope.is_strict:
        if slip := expression_slip(text[1:]):
            return slip, "error"
        unknown = (name for name in _paths(text) if not _is_reachable(name, scope))
        wrong = (name for name in unknown if _is_argos(name, scope))
        return next(((_undeclared(name, scope), "error") for name in wrong), None)
    if text in scope.early:
        return "it tells how the workflow ended only in the template of onExit or a hook", "warning"
    if scope.has(text) or "{{" in text:  # Argo fills in the inner one of two first
        return None
    if text.partition(".")[0] in ROOTS and "." in text and not text.startswith(scope.left):
        return _undeclared(text, scope), "error"
    hint = _hint(text, scope)
    if scope.is_strict or _is_argos(text, scope):
        return f"nothing replaces it{hint or ': correct it or take it out'}", "error"
    return f"nothing replaces it, so it stays as it is{hint}", "warning"


def _is_argos(name: str, scope: Scope) -> bool:
    """Whether a name is below a root of Argo, or a slip of one that is: ``input.parameters.x`` is,
    ``input.name`` in somebody's own language of templates is not."""
    root, dot, rest = name.partition(".")
    if root in ROOTS or (dot and any(scope.below(root))):
        return bool(dot) and not name.startswith(scope.left)
    if not dot or root in _ELSEWHERE:
        return False
    part = rest.partition(".")[0].lower()
    for meant in difflib.get_close_matches(root.lower(), ROOTS, 3, 0.75):
        below = {known.split(".")[1].lower() for known in scope.below(meant)}
        if difflib.get_close_matches(part, below | _PARTS.get(meant, set()), 1, 0.75):
            return True
    return False


def _paths(expression: str) -> Iterator[str]:
    """All names of variables in an expression: ``steps['a'].outputs`` is ``steps.a.outputs``."""
    for match in _PATH.finditer(_QUOTED.sub("''", expression)):
        yield _INDEX.sub(r".\1", match[0])


def _is_reachable(name: str, scope: Scope) -> bool:
    """Whether a name in an expression is a variable, a part of one, or a map of some."""
    parts = name.split(".")
    starts = [".".join(parts[:end]) for end in range(2, len(parts))]
    is_map = any(known.startswith(f"{name}.") for known in (*scope.known, *scope.open))
    is_part = any(scope.has(start) for start in starts if not start.endswith(_MAPS))
    return is_map or is_part or scope.has(name) or name in scope.calculated


def _undeclared(name: str, scope: Scope) -> str:
    if name in scope.calculated:
        return "Argo does not know it here: only what comes before, or belongs here, is known"
    is_declarable = name.startswith("inputs.") if scope.is_strict else True
    if is_declarable and _DECLARED.match(name):
        return f"{name} is not declared{_hint(name, scope) or ': declare it'}"
    return f"nothing replaces it{_hint(name, scope) or ': correct it or take it out'}"


def _hint(name: str, scope: Scope) -> str:
    """`` (did you mean "x"?)`` for the closest known name; where only its end is wrong, the end."""
    start, _, rest = name.rpartition(".")
    if not start:
        longer = [known for known in scope.known if known.endswith(f".{name}")]
        return f' (did you mean "{min(longer)}"?)' if longer else ""
    parent = start
    while start and not any(known.startswith(f"{start}.") for known in scope.known):
        start, _, part = start.rpartition(".")
        rest = f"{part}.{rest}"
    prefix = f"{start}." if start else ""
    found = [known.removeprefix(prefix) for known in scope.known if known.startswith(prefix)]
    by_lower = {end.lower(): end for end in sorted(found)}
    close = difflib.get_close_matches(rest.lower(), by_lower, n=1, cutoff=0.6)
    shown = "" if start == parent else prefix
    return f' (did you mean "{shown}{by_lower[close[0]]}"?)' if close else ""
