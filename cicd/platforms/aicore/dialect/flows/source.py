"""Reads a Metaflow flow without running it: its class, its steps, what is written around them."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cicd.config.tree import Place
from cicd.errors import InvalidStage

_DIGITS = 12


@dataclass(frozen=True)
class Decorator:
    """``@kubernetes(image=…)`` as written; ``name`` is its last word."""

    name: str
    text: str
    line: int


@dataclass(frozen=True)
class Step:
    """One method with ``@step``. ``code`` is its text without the decorators."""

    name: str
    line: int
    code: str
    decorators: tuple[Decorator, ...]


@dataclass(frozen=True)
class Parameter:
    """``epochs = Parameter("epochs", default=3)``; ``sort`` is the word before the bracket."""

    name: str
    sort: str
    line: int


@dataclass(frozen=True)
class FlowSource:
    """A flow file. ``rest`` is its text without the steps."""

    file: str
    class_name: str
    line: int
    decorators: tuple[Decorator, ...]
    steps: Mapping[str, Step]
    parameters: tuple[Parameter, ...]
    rest: str
    others: Mapping[str, str] = field(default_factory=dict)
    """Every other Python file that belongs to it, with its digest."""

    @property
    def executable_id(self) -> str:
        """The class name in lower case, with hyphens: what AI Core calls it."""
        return self.class_name.lower().replace("_", "-").strip("-")


def read_flow(root: Path, file: str, place: Place) -> FlowSource:
    """The flow in ``file`` below ``root``; ``place`` is where the stage file names it.

    Raises InvalidStage for a file that is missing, no Python, or holds no flow.
    """
    path = root / file
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except OSError as error:
        reason = f"{file} cannot be read: {error.strerror or type(error).__name__}"
        raise InvalidStage([place.problem(reason, "bad-flow")]) from None
    except SyntaxError as error:
        where = Place(file, error.lineno or 0, error.offset or 0)
        raise InvalidStage([where.problem(f"this is no Python: {error.msg}", "bad-flow")]) from None
    except ValueError:  # not UTF-8, or a NUL in it
        message = f"{file} is no Python text: save it as UTF-8"
        raise InvalidStage([place.problem(message, "bad-flow")]) from None
    flows = [node for node in tree.body if isinstance(node, ast.ClassDef) and _is_flow(node)]
    if len(flows) != 1:
        has = "no class" if not flows else f"{len(flows)} classes"
        message = f"it has {has} derived from FlowSpec, and must have one"
        raise InvalidStage([Place(file).problem(message, "bad-flow")])
    return _read_class(file, text, flows[0], _others(root, path))


def _is_flow(node: ast.ClassDef) -> bool:
    return any(_last_name(base) == "FlowSpec" for base in node.bases)


def _read_class(file: str, text: str, node: ast.ClassDef, others: Mapping[str, str]) -> FlowSource:
    lines = text.splitlines()
    steps: dict[str, Step] = {}
    taken: set[int] = set()
    for item in node.body:
        if not isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        decorators = _decorators(item, text)
        if any(decorator.name == "step" for decorator in decorators):
            code = _text(lines, item.lineno, item.end_lineno or item.lineno)
            steps[item.name] = Step(item.name, item.lineno, code, decorators)
            first = min([item.lineno, *(d.line for d in decorators)])
            taken |= set(range(first, (item.end_lineno or first) + 1))
    rest = [line.rstrip() for number, line in enumerate(lines, 1) if number not in taken]
    return FlowSource(
        file=file,
        class_name=node.name,
        line=node.lineno,
        decorators=_decorators(node, text),
        steps=steps,
        parameters=tuple(_parameters(node)),
        rest="\n".join(line for line in rest if line),
        others=others,
    )


def _decorators(
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, text: str
) -> tuple[Decorator, ...]:
    return tuple(
        Decorator(_last_name(item), ast.get_source_segment(text, item) or "", item.lineno)
        for item in node.decorator_list
    )


def _last_name(node: ast.expr) -> str:
    """``kubernetes`` of ``metaflow.kubernetes(image=…)``."""
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _parameters(node: ast.ClassDef) -> Iterator[Parameter]:
    for item in node.body:
        value = item.value if isinstance(item, ast.Assign | ast.AnnAssign) else None
        sort = _last_name(value) if isinstance(value, ast.Call) else ""
        if not isinstance(value, ast.Call) or sort not in {"Parameter", "IncludeFile", "Config"}:
            continue
        named = {keyword.arg: keyword.value for keyword in value.keywords}
        name = value.args[0] if value.args else named.get("name")
        yield Parameter(
            name=str(name.value) if isinstance(name, ast.Constant) else "",
            sort=sort,
            line=item.lineno,
        )


def _text(lines: list[str], first: int, last: int) -> str:
    return "\n".join(line.rstrip() for line in lines[first - 1 : last])


def _others(root: Path, flow: Path) -> dict[str, str]:
    """What Metaflow packs along with the flow: all Python files beside and below it."""
    found = {}
    for path in sorted(flow.parent.rglob("*.py")):
        below = path.relative_to(flow.parent).parts
        is_hidden = any(part.startswith(".") or part == "__pycache__" for part in below)
        if path != flow and not is_hidden and _is_inside(path, root):
            found[path.relative_to(root).as_posix()] = digest(_content(path))
    return found


def _is_inside(path: Path, root: Path) -> bool:
    return path.is_file() and path.resolve().is_relative_to(root.resolve())


def _content(path: Path) -> str:
    # the line endings of a checkout do not count
    return path.read_bytes().replace(b"\r\n", b"\n").decode("utf-8", "surrogateescape")


def digest(text: str) -> str:
    """A short fingerprint: enough to see that something has changed."""
    raw = text.encode("utf-8", "surrogateescape")
    return hashlib.sha256(raw).hexdigest()[:_DIGITS]
