"""Two stage files as trees -> what of the first belongs into the second, and where. Pure.

Carried over is what a team tries out on one stage and then wants on the next: executables and
their scenario, parameters, inputs, artifacts, when schedules run, the Git revision, and the
variables that these use. What makes a stage that stage stays: resource group, branch, limits,
protection, prune, destinations, ttl, secrets, endpoints.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from cicd.config.edit import Item, Step, with_value
from cicd.config.files import scalar
from cicd.config.inherit import identity_of
from cicd.config.tree import Node, Path, Place
from cicd.config.yaml_text import Verbatim
from cicd.errors import Refused, Usage

_RUN = (
    ("configuration", "scenario_id"),
    ("configuration", "executable_id"),
    ("configuration", "parameter_bindings"),
    ("configuration", "input_artifact_bindings"),
)
FIELDS: Mapping[str, Sequence[tuple[str, ...]]] = {
    "artifacts": (("kind",), ("url",), ("scenario_id",), ("description",), ("labels",)),
    "executions": _RUN,
    "schedules": (("execution",), ("cron",)),
    "deployments": _RUN,
}
"""Section -> what of its items is carried over; of maps each entry."""
KINDS = {"artifacts": "artifact", "executions": "execution"} | {
    "schedules": "schedule",
    "deployments": "deployment",
}
_STAYS = frozenset({"destination_name", "existing_deployment_id", "ttl"})
"""Fields of an item that even a new one does not take along."""
_HARMLESS = frozenset({"variables", "local"})
"""Where a variable may be used and still be carried over."""
_VARIABLE = re.compile(r"\$\$\{|\$\{\s*var\.([^{}]+?)\s*\}")


@dataclass(frozen=True)
class Promoted:
    """One value to carry over. ``before`` is None where there is none yet, ``value`` plain data."""

    key: str
    steps: tuple[Step, ...]
    before: str | None
    value: Any

    @property
    def path(self) -> str:
        """Where it is inside of what ``key`` names."""
        start = 1 if self.key.startswith(("git", "variable/")) else 2
        return ".".join(str(step) for step in self.steps[start:])


@dataclass(frozen=True)
class Promotion:
    """All that is to change, and what is only on one side, by key."""

    changes: tuple[Promoted, ...] = ()
    only_in_source: tuple[str, ...] = ()
    only_in_target: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def promotion(source: Node, target: Node, select: Collection[str] = ()) -> Promotion:
    """What to carry over between two stage files, each with all it extends, as written.

    ``select``: globs on keys (``execution/train``, ``variable/image``, ``git``); something that the
    target does not have yet is added only if selected, or needed as an input. Raises Usage for a
    glob that fits nothing.
    """
    work = _Promotion(source, target, select)
    return work.result()


@dataclass
class _Promotion:
    source: Node
    target: Node
    select: Collection[str]
    changes: list[Promoted] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    used: dict[str, None] = field(default_factory=dict)
    """Variables that what is carried over uses."""

    def result(self) -> Promotion:
        self._check_select()
        only_in_source = []
        for section in FIELDS:
            mine, theirs = items(self.source, section), items(self.target, section)
            for name, item in mine.items():
                key = f"{KINDS[section]}/{name}"
                if name in theirs:
                    if self._is_chosen(key):
                        self._compare(key, section, item, theirs[name])
                elif self.select and self._is_chosen(key):
                    self._add(key, section, item)
                else:
                    only_in_source.append(key)
        only_in_source = self._add_needed(only_in_source)
        if self._is_chosen("git"):
            self._compare_revision()
        self._compare_variables()
        changes = sorted(self.changes, key=lambda change: change.key.startswith("variable/"))
        return Promotion(
            tuple(changes), tuple(only_in_source), tuple(self._leftovers()), tuple(self.notes)
        )

    def _is_chosen(self, key: str) -> bool:
        return not self.select or any(fnmatchcase(key, pattern) for pattern in self.select)

    def _check_select(self) -> None:
        variables = self.source.get("variables")
        names = variables.value if variables is not None else {}
        known = [*_keys(self.source), "git", *(f"variable/{name}" for name in names or ())]
        for pattern in self.select:
            if not any(fnmatchcase(key, pattern) for key in known):
                raise Usage(f"--select {pattern} fits nothing (there are: {', '.join(known)})")

    def _compare(self, key: str, section: str, item: Node, other: Node) -> None:
        for path in FIELDS[section]:
            node = item.get(*path)
            if node is None or node.value is None:
                continue
            entries = node.value.items() if isinstance(node.value, dict) else [("", node)]
            for name, leaf in entries:
                at = (*path, name) if name else path
                self._use(leaf)
                there = other.get(*at)
                if there is None or there.value is None or not _same(leaf, there):
                    step = _item_step(other)
                    self._want(key, (section, step, *at), there, leaf)

    def _want(self, key: str, steps: tuple[Step, ...], there: Node | None, leaf: Node) -> None:
        before = None if there is None or there.value is None else _shown(there)
        self.changes.append(Promoted(key, steps, before, written(leaf)))

    def _add(self, key: str, section: str, item: Node) -> None:
        step = _item_step(item)
        value = {
            name: written(child)
            for name, child in item.value.items()
            if name not in _STAYS and name != step.field
        }
        left = [name for name in item.value if name in _STAYS]
        if left:
            self.notes.append(f"{key} is added without {', '.join(left)}: each stage has its own")
        self._use(item)
        self.changes.append(Promoted(key, (section, step), None, value))

    def _add_needed(self, missing: list[str]) -> list[str]:
        """Artifacts that carried-over inputs are bound to come along."""
        bound = {
            change.value
            for change in self.changes
            if "input_artifact_bindings" in change.steps and isinstance(change.value, str)
        }
        for change in self.changes:
            if isinstance(change.value, dict):
                inputs = change.value.get("configuration", {}).get("input_artifact_bindings", {})
                bound |= {value for value in inputs.values() if isinstance(value, str)}
        mine = items(self.source, "artifacts")
        needed = [key for key in missing if key in {f"artifact/{name}" for name in bound}]
        for key in needed:
            self._add(key, "artifacts", mine[key.removeprefix("artifact/")])
        return [key for key in missing if key not in needed]

    def _compare_revision(self) -> None:
        """A revision that just follows the stage's own branch says nothing about another stage."""
        node, branch = self.source.get("git", "revision"), self.source.get("branch")
        if node is None or not isinstance(node.value, str) or self.target.get("git") is None:
            return
        if (branch is not None and node.text == branch.text) or "${git." in node.value:
            return
        self._use(node)
        there = self.target.get("git", "revision")
        if there is None or not _same(node, there):
            self._want("git", ("git", "revision"), there, node)

    def _use(self, node: Node) -> None:
        """Remember the variables of a text, and those that these use."""
        for name in variables_in(node):
            if name not in self.used:
                self.used[name] = None
                value = self.source.get("variables", name)
                if value is not None:
                    self._use(value)

    def _compare_variables(self) -> None:
        declared = self.source.get("variables")
        names = declared.value if declared is not None and declared.value else {}
        for name, node in names.items():
            key = f"variable/{name}"
            is_selected = bool(self.select) and self._is_chosen(key)
            there = self.target.get("variables", name)
            if not (name in self.used or is_selected):
                continue
            if there is not None and (not node.is_leaf or _same(node, there)):
                continue
            bound = [] if is_selected or there is None else _other_users(self.target, name)
            if bound:
                self.notes.append(
                    f"variable {name} stays: {bound[0]} of the target uses it too "
                    f"(--select {key} carries it over)"
                )
            else:
                self._want(key, ("variables", name), there, node)

    def _leftovers(self) -> Iterator[str]:
        """What only the target has: items, and parameters of what both have."""
        for section in FIELDS:
            mine, theirs = items(self.source, section), items(self.target, section)
            for name, item in theirs.items():
                key = f"{KINDS[section]}/{name}"
                if name not in mine:
                    yield key
                    continue
                for path in FIELDS[section]:
                    node, other = item.get(*path), mine[name].get(*path)
                    if node is None or not isinstance(node.value, dict):
                        continue
                    known = other.value if other is not None and other.value else {}
                    yield from (
                        f"{key} {'.'.join((*path, n))}" for n in node.value if n not in known
                    )


def promoted_text(text: str, changes: Iterable[Promoted], *, is_json: bool = False) -> str:
    """The target's own text with all changes. Raises Refused for what only a hand can do."""
    for change in changes:
        text = with_value(text, change.steps, change.value, is_json=is_json)
    return text


def check_promoted(before: Node, after: Node, changes: Iterable[Promoted]) -> None:
    """Raises Refused unless exactly the changes differ between the target's trees."""
    expected = flat(before)
    for change in changes:
        path = _names(change.steps)
        for index, step in enumerate(change.steps):
            if isinstance(step, Item):
                expected.setdefault((*path[: index + 1], step.field), step.name)
        expected |= _flat_value(change.value, path)
    found = flat(after)
    wrong = sorted(
        ".".join(map(str, path))
        for path in expected.keys() | found.keys()
        if expected.get(path) != found.get(path)
    )
    if wrong:
        raise Refused(
            f"the edit would not come out right at {', '.join(wrong[:3])}: nothing was changed",
            hint="the file is written in an unusual way; change it by hand",
        )


def items(tree: Node, section: str) -> dict[str, Node]:
    """The items of a section by what identifies them; those that nothing does are left out."""
    node = tree.get(section)
    found = node.value if node is not None and isinstance(node.value, list) else []
    return {name: item for item in found if (name := identity_of(item)) is not None}


def written(node: Node) -> Any:
    """A tree as plain data that keeps the spelling of its numbers."""
    if isinstance(node.value, dict):
        return {name: written(child) for name, child in node.value.items()}
    if isinstance(node.value, list):
        return [written(child) for child in node.value]
    return node.value if isinstance(node.value, str) else Verbatim(node.text or "null")


def variables_in(node: Node) -> Iterator[str]:
    """The variables that any text of a tree uses."""
    for _, leaf in _leaves(node, ()):
        if isinstance(leaf.value, str):
            yield from (match[1] for match in _VARIABLE.finditer(leaf.value) if match[1])


def flat(tree: Node) -> dict[Path, str]:
    """Path -> text of every leaf that holds something; items of lists by what identifies them."""
    return {path: _shown(leaf) for path, leaf in _leaves(tree, ()) if leaf.value is not None}


def _leaves(node: Node, path: Path) -> Iterator[tuple[Path, Node]]:
    if isinstance(node.value, dict):
        for name, child in node.value.items():
            yield from _leaves(child, (*path, name))
    elif isinstance(node.value, list):
        names = [identity_of(item) for item in node.value]
        is_keyed = None not in names and len(set(names)) == len(names)
        for index, child in enumerate(node.value):
            yield from _leaves(child, (*path, names[index] if is_keyed else index))  # type: ignore[arg-type]
    else:
        yield path, node


def _flat_value(value: Any, path: Path) -> dict[Path, str]:
    """As ``flat``, for plain data that is new."""
    if not isinstance(value, dict | list):
        return {path: str(value)} if value is not None else {}
    return {(*path, *inner): text for inner, text in flat(_as_node(value)).items()}


def _as_node(value: Any) -> Node:
    if isinstance(value, dict):
        return Node({name: _as_node(child) for name, child in value.items()}, Place(""))
    if isinstance(value, list):
        return Node([_as_node(child) for child in value], Place(""))
    return Node(scalar(value) if isinstance(value, Verbatim) else value, Place(""), str(value))


def _names(steps: Sequence[Step]) -> Path:
    return tuple(step.name if isinstance(step, Item) else step for step in steps)


def _keys(tree: Node) -> list[str]:
    return [f"{KINDS[section]}/{name}" for section in FIELDS for name in items(tree, section)]


def _item_step(item: Node) -> Item:
    named = next((f for f in ("key", "name") if (n := item.get(f)) is not None and n.value), "key")
    return Item(named, identity_of(item) or "")


def _same(one: Node, other: Node) -> bool:
    """Whether two values mean the same: ``20`` and ``"20"`` do, as a parameter is text."""
    if one.is_leaf and other.is_leaf:
        return _shown(one) == _shown(other)
    return flat(one) == flat(other)


def _shown(leaf: Node) -> str:
    return leaf.value if isinstance(leaf.value, str) else leaf.text


def _other_users(tree: Node, name: str) -> list[str]:
    """Places of a tree that use a variable and are never carried over."""
    found = []
    for path, leaf in _leaves(tree, ()):
        section, rest = str(path[0]), tuple(map(str, path[2:]))
        is_carried = section in FIELDS and any(rest[: len(f)] == f for f in FIELDS[section])
        is_carried = is_carried or section in _HARMLESS or path == ("git", "revision")
        if not is_carried and name in set(variables_in(leaf)):
            found.append(".".join(map(str, path)))
    return found
