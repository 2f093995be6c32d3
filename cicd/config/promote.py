"""Two stage files as trees -> what of the first belongs into the second, and where. Pure.

Carried over is what a team tries out on one stage and then wants on the next, such as programs and
what goes into them (a dialect says which), and the variables that these use. What makes a stage
that stage stays: where it goes, branch, limits, protection, prune, secrets.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from cicd.config.dialect import Carried, Dialect, Identity
from cicd.config.edit import Item, Layout, Step, with_value
from cicd.config.fields import entries_at
from cicd.config.files import scalar
from cicd.config.schema import keys_of
from cicd.config.tree import Node, Path, Place, leaves
from cicd.config.yaml_text import Verbatim
from cicd.errors import Refused, Usage

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
        start = 2 if isinstance(self.steps[1], Item) else 1
        return ".".join(str(step) for step in self.steps[start:])


@dataclass(frozen=True)
class Promotion:
    """All that is to change, and what is only on one side, by key."""

    changes: tuple[Promoted, ...] = ()
    only_in_source: tuple[str, ...] = ()
    only_in_target: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def layout_of(dialect: Dialect) -> Layout:
    """How stage files of a dialect are laid out."""
    order = keys_of(dialect.File, dialect.NAME)
    return Layout(order, dialect.SPELLINGS.lists, dialect.identity)


def promotion(
    source: Node, target: Node, dialect: Dialect, select: Collection[str] = ()
) -> Promotion:
    """What to carry over between two stage files, each with all it extends, as written.

    ``select``: globs on keys (``job/train``, ``variable/image``); something that the
    target does not have yet is added only if selected, or needed as an input. Raises Usage for a
    glob that fits nothing.
    """
    work = _Promotion(source, target, dialect, select)
    return work.result()


@dataclass
class _Promotion:
    source: Node
    target: Node
    dialect: Dialect
    select: Collection[str]
    changes: list[Promoted] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    used: dict[str, None] = field(default_factory=dict)
    """Variables that what is carried over uses."""

    def result(self) -> Promotion:
        self._check_select()
        only_in_source = []
        for section, carried in self._lists():
            mine, theirs = self._items(self.source, section), self._items(self.target, section)
            for name, item in mine.items():
                key = f"{carried.kind}/{name}"
                if name in theirs:
                    if self._is_chosen(key):
                        self._compare(key, section, item, theirs[name])
                elif self.select and self._is_chosen(key):
                    self._add(key, section, item)
                else:
                    only_in_source.append(key)
        # After all comparisons, since what is carried over decides what else it takes along.
        only_in_source = self._add_needed(only_in_source)
        for section, carried in self.dialect.CARRIED.items():
            if carried.is_map and self._is_chosen(carried.kind):
                self._compare_map(section, carried)
        self._compare_variables()
        changes = sorted(self.changes, key=lambda change: change.key.startswith("variable/"))
        return Promotion(
            tuple(changes), tuple(only_in_source), tuple(self._leftovers()), tuple(self.notes)
        )

    def _lists(self) -> list[tuple[str, Carried]]:
        return [(name, found) for name, found in self.dialect.CARRIED.items() if not found.is_map]

    def _items(self, tree: Node, section: str) -> dict[str, Node]:
        return items(tree, section, self.dialect.identity)

    def _is_chosen(self, key: str) -> bool:
        return not self.select or any(fnmatchcase(key, pattern) for pattern in self.select)

    def _check_select(self) -> None:
        variables = self.source.get("variables")
        names = variables.value if variables is not None else {}
        known = [
            f"{carried.kind}/{name}"
            for section, carried in self._lists()
            for name in self._items(self.source, section)
        ]
        known += [carried.kind for carried in self.dialect.CARRIED.values() if carried.is_map]
        known += [f"variable/{name}" for name in names or ()]
        for pattern in self.select:
            if not any(fnmatchcase(key, pattern) for key in known):
                raise Usage(f"--select {pattern} fits nothing (there are: {', '.join(known)})")

    def _compare(self, key: str, section: str, item: Node, other: Node) -> None:
        for path in self.dialect.CARRIED[section].fields:
            node = item.get(*path)
            if node is None or node.value is None:
                continue
            entries = node.value.items() if isinstance(node.value, dict) else [("", node)]
            for name, leaf in entries:
                at = (*path, name) if name else path
                self._use(leaf)
                there = other.get(*at)
                if there is None or there.value is None or not self._same(leaf, there):
                    step = self._step(other)
                    self._want(key, (section, step, *at), there, leaf)

    def _want(self, key: str, steps: tuple[Step, ...], there: Node | None, leaf: Node) -> None:
        before = None if there is None or there.value is None else _shown(there)
        self.changes.append(Promoted(key, steps, before, written(leaf)))

    def _add(self, key: str, section: str, item: Node) -> None:
        step = self._step(item)
        stays = self.dialect.CARRIED[section].stays
        value = {
            name: written(child)
            for name, child in item.value.items()
            if name not in stays and name != step.field
        }
        left = [name for name in item.value if name in stays]
        if left:
            self.notes.append(f"{key} is added without {', '.join(left)}: each stage has its own")
        self._use(item)
        self.changes.append(Promoted(key, (section, step), None, value))

    def _add_needed(self, missing: list[str]) -> list[str]:
        """What carried-over fields are bound to comes along."""
        added: list[str] = []
        for section, carried in self._lists():
            bound = self._bound(section)
            mine = self._items(self.source, section)
            for key in missing:
                kind, _, name = key.partition("/")
                if kind == carried.kind and name in bound:
                    self._add(key, section, mine[name])
                    added.append(key)
        return [key for key in missing if key not in added]

    def _bound(self, section: str) -> set[str]:
        """What fields of what is carried over name of that section."""
        found: set[str] = set()
        for change in self.changes:
            if not (len(change.steps) > 1 and isinstance(change.steps[1], Item)):
                continue
            at = tuple(map(str, change.steps[2:]))  # empty where all of it is new
            for path, named in self.dialect.CARRIED[str(change.steps[0])].needs.items():
                if named == section and at[: len(path)] == path[: len(at)]:
                    values = entries_at(change.value, path[len(at) :])
                    found |= {value for _, value in values if isinstance(value, str)}
        return found

    def _compare_map(self, section: str, carried: Carried) -> None:
        """What just follows the stage's own branch or commit says nothing about another stage."""
        branch = self.source.get("branch")
        for path in carried.fields:
            node = self.source.get(section, *path)
            if node is None or not isinstance(node.value, str) or self.target.get(section) is None:
                continue
            if (branch is not None and node.text == branch.text) or "${git." in node.value:
                continue
            self._use(node)
            there = self.target.get(section, *path)
            if there is None or not self._same(node, there):
                self._want(carried.kind, (section, *path), there, node)

    def _same(self, one: Node, other: Node) -> bool:
        """Whether two values mean the same: ``20`` and ``"20"`` do, as a parameter is text."""
        if one.is_leaf and other.is_leaf:
            return _shown(one) == _shown(other)
        return flat(one, self.dialect.identity) == flat(other, self.dialect.identity)

    def _step(self, item: Node) -> Item:
        named = (f for f in ("key", "name") if (n := item.get(f)) is not None and n.value)
        return Item(next(named, "key"), self.dialect.identity(item) or "")

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
            if there is not None and (not node.is_leaf or self._same(node, there)):
                continue
            # The target's value may be meant for something that stays as it is there; to change it
            # would change that too, unseen.
            bound = [] if is_selected or there is None else self._other_users(name)
            if bound:
                self.notes.append(
                    f"variable {name} stays: {bound[0]} of the target uses it too "
                    f"(--select {key} carries it over)"
                )
            else:
                self._want(key, ("variables", name), there, node)

    def _other_users(self, name: str) -> list[str]:
        """Places of the target that use a variable and are never carried over."""
        found = []
        for path, leaf in _leaves(self.target, (), self.dialect.identity):
            section = str(path[0])
            carried = self.dialect.CARRIED.get(section)
            rest = tuple(map(str, path[1 if carried and carried.is_map else 2 :]))
            is_carried = carried and any(rest[: len(f)] == f for f in carried.fields)
            if not (is_carried or section in _HARMLESS) and name in set(variables_in(leaf)):
                found.append(".".join(map(str, path)))
        return found

    def _leftovers(self) -> Iterator[str]:
        """What only the target has: items, and parameters of what both have."""
        for section, carried in self._lists():
            mine, theirs = self._items(self.source, section), self._items(self.target, section)
            for name, item in theirs.items():
                key = f"{carried.kind}/{name}"
                if name not in mine:
                    yield key
                    continue
                for path in carried.fields:
                    node, other = item.get(*path), mine[name].get(*path)
                    if node is None or not isinstance(node.value, dict):
                        continue
                    known = other.value if other is not None and other.value else {}
                    yield from (
                        f"{key} {'.'.join((*path, n))}" for n in node.value if n not in known
                    )


def promoted_text(
    text: str, changes: Iterable[Promoted], layout: Layout, *, is_json: bool = False
) -> str:
    """The target's own text with all changes. Raises Refused for what only a hand can do."""
    for change in changes:
        text = with_value(text, change.steps, change.value, layout, is_json=is_json)
    return text


def check_promoted(
    before: Node, after: Node, changes: Iterable[Promoted], identity: Identity
) -> None:
    """Raises Refused unless exactly the changes differ between the target's trees."""
    expected = flat(before, identity)
    for change in changes:
        path = _names(change.steps)
        for index, step in enumerate(change.steps):
            if isinstance(step, Item):
                expected.setdefault((*path[: index + 1], step.field), step.name)
        expected |= _flat_value(change.value, path, identity)
    found = flat(after, identity)
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


def items(tree: Node, section: str, identity: Identity) -> dict[str, Node]:
    """The items of a section by what identifies them; those that nothing does are left out."""
    node = tree.get(section)
    found = node.value if node is not None and isinstance(node.value, list) else []
    return {name: item for item in found if (name := identity(item)) is not None}


def written(node: Node) -> Any:
    """A tree as plain data that keeps the spelling of its numbers."""
    if isinstance(node.value, dict):
        return {name: written(child) for name, child in node.value.items()}
    if isinstance(node.value, list):
        return [written(child) for child in node.value]
    return node.value if isinstance(node.value, str) else Verbatim(node.text or "null")


def variables_in(node: Node) -> Iterator[str]:
    """The variables that any text of a tree uses."""
    for _, leaf in leaves(node):
        if isinstance(leaf.value, str):
            yield from (match[1] for match in _VARIABLE.finditer(leaf.value) if match[1])


def flat(tree: Node, identity: Identity) -> dict[Path, str]:
    """Path -> text of every leaf that holds something; items of lists by what identifies them."""
    found = _leaves(tree, (), identity)
    return {path: _shown(leaf) for path, leaf in found if leaf.value is not None}


def _leaves(node: Node, path: Path, identity: Identity) -> Iterator[tuple[Path, Node]]:
    if isinstance(node.value, dict):
        for name, child in node.value.items():
            yield from _leaves(child, (*path, name), identity)
    elif isinstance(node.value, list):
        names = [identity(item) for item in node.value]
        is_keyed = None not in names and len(set(names)) == len(names)
        for index, child in enumerate(node.value):
            step = names[index] if is_keyed else index
            yield from _leaves(child, (*path, step), identity)  # type: ignore[arg-type]
    else:
        yield path, node


def _flat_value(value: Any, path: Path, identity: Identity) -> dict[Path, str]:
    """As ``flat``, for plain data that is new."""
    if not isinstance(value, dict | list):
        return {path: str(value)} if value is not None else {}
    return {(*path, *inner): text for inner, text in flat(_as_node(value), identity).items()}


def _as_node(value: Any) -> Node:
    if isinstance(value, dict):
        return Node({name: _as_node(child) for name, child in value.items()}, Place(""))
    if isinstance(value, list):
        return Node([_as_node(child) for child in value], Place(""))
    return Node(scalar(value) if isinstance(value, Verbatim) else value, Place(""), str(value))


def _names(steps: Sequence[Step]) -> Path:
    return tuple(step.name if isinstance(step, Item) else step for step in steps)


def _shown(leaf: Node) -> str:
    return leaf.value if isinstance(leaf.value, str) else leaf.text
