"""``${stages.NAME.…}``: what a stage takes from another one, whose file lies beside its own.

What comes after the name is written as in that file, ``SECTION.KEY.…``; or ``SECTION.KEY.id``,
which another run, or another thing in its place, does not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cicd.config.dialect import Dialect
from cicd.config.draft import Draft
from cicd.config.files import label
from cicd.config.inherit import Whole, read_whole, stage_files_in
from cicd.config.references import Reference, References, meant_form, reference
from cicd.config.surroundings import Surroundings
from cicd.config.tree import Leaf, Node, Place, did_you_mean, leaves
from cicd.config.variables import declared
from cicd.errors import InvalidStage, Problem
from cicd.values import Ref

_MENTION = re.compile(r"(?<!\$)\$\{\s*stages\.([^{}]*)\}")
ReadDraft = Callable[[Path], tuple[Dialect, Draft[Any, Any]]]
"""A stage file -> its dialect, and what it says."""


class OtherStages:
    """The stages beside the one of the file ``path``, each read when somebody asks for it."""

    def __init__(self, path: Path, around: Surroundings, read: ReadDraft) -> None:
        self._path = path
        self._around = around
        self._read = read
        self._wholes: dict[str, Whole] = {}
        self._drafts: dict[str, tuple[Dialect, Draft[Any, Any]]] = {}

    def reference(self, expression: str) -> Ref | str:
        """What ``NAME.SECTION.KEY.…`` refers to, or why it refers to nothing."""
        name, rest = split(self._path, expression)
        known = [other for other in stages_beside(self._path) if other != self._path.stem]
        if name == self._path.stem:
            return f"is of this stage itself: write ${{{rest}}}"
        if name not in known:
            beside = label(self._path.parent, self._around.root)
            there = f" (there are: {', '.join(known)})" if known else ""
            return f"names no stage of {beside}{did_you_mean(name, known) or there}"
        try:
            forms = forms_of(self._whole(name).dialect)
        except InvalidStage as error:
            return f"is of a stage whose file cannot be read: {error.problems[0]}"
        if found := reference(rest, forms):
            return Ref(found.key, found.output, name)
        return f"is nothing that stage {name} has{meant_form(rest, (), forms)}"

    def variables(self) -> set[str]:
        """The variables of those that take from this stage, or that it takes from."""
        return variables_beside(self._path, self._around)

    def check(self, tree: Node, texts: Iterable[Leaf]) -> Iterator[Problem]:
        """What the others do not have, and stages that need each other. ``tree``: the file with its
        variables replaced; ``texts``: its leaves before that."""
        for _, node in leaves(tree):
            if isinstance(node.value, Ref) and node.value.stage:
                yield from self._check(node.value, node.place)
        yield from self._check_cycle(texts)

    def _check(self, ref: Ref, place: Place) -> Iterator[Problem]:
        dialect, draft = self._draft(ref.stage)
        if not draft.is_named(ref.key):
            known = [key.name for key in draft.named if key.kind == ref.key.kind]
            message = f"stage {ref.stage} does not define {ref.key}"
            message += did_you_mean(ref.key.name, known)
            yield place.problem(message, "unknown-reference")
        elif lack := dialect.lacks(draft, ref):
            yield place.problem(f"{ref.key} of stage {ref.stage} {lack}", "unknown-reference")

    def _check_cycle(self, texts: Iterable[Leaf]) -> Iterator[Problem]:
        """A problem at the first reference that leads back here."""
        own = self._path.stem
        for name, place in mentions(self._path, texts):
            if way := self._way_back(name, (own,)):
                message = f"stages need each other: {' -> '.join(way)}: take one reference out"
                yield place.problem(message, "reference-cycle")
                return

    def _way_back(self, name: str, way: Sequence[str]) -> Sequence[str]:
        """The stages from the first of ``way`` on that lead back to it; empty where none do."""
        way = (*way, name)
        if name == way[0]:
            return way
        if name in way[1:-1]:
            return ()
        try:
            texts = leaves(self._whole(name).tree)
        except InvalidStage:
            return ()
        others = dict.fromkeys(other for other, _ in mentions(self._path, texts))
        return next(filter(None, (self._way_back(other, way) for other in others)), ())

    def _whole(self, name: str) -> Whole:
        if name not in self._wholes:
            self._wholes[name] = _whole(file_beside(self._path, name), self._around)
        return self._wholes[name]

    def _draft(self, name: str) -> tuple[Dialect, Draft[Any, Any]]:
        if name not in self._drafts:
            self._drafts[name] = self._read(file_beside(self._path, name))
        return self._drafts[name]


def forms_of(dialect: Dialect) -> References:
    """All that others may take from stages of a dialect."""
    return {
        **dialect.REFERENCES,
        **{
            f"{section}.KEY.id": Reference(carried.kind, "id", {})
            for section, carried in dialect.CARRIED.items()
            if not carried.is_map
        },
    }


def stages_beside(path: Path) -> list[str]:
    """The names of the stage files in the folder of one."""
    return list(dict.fromkeys(Path(name).stem for name in stage_files_in(path.parent)))


def file_beside(path: Path, name: str) -> Path:
    """The file of another stage in the folder of one."""
    found = [file for file in stage_files_in(path.parent) if Path(file).stem == name]
    return path.parent / (found[0] if found else name)


def taken_from(path: Path, around: Surroundings) -> list[str]:
    """The names of the stages that a stage file, as it is written, takes something from; none
    where it cannot be read."""
    try:
        whole = _whole(path, around)
    except InvalidStage:
        return []
    return list(dict.fromkeys(name for name, _ in mentions(path, leaves(whole.tree))))


def variables_beside(path: Path, around: Surroundings) -> set[str]:
    """The variables of all stages that take from that of a file, or that it takes from, directly or
    through others."""
    files = {name: file_beside(path, name) for name in stages_beside(path)}
    takes = {name: taken_from(file, around) for name, file in files.items()}
    near, ahead = set[str](), [path.stem]
    while ahead:
        name = ahead.pop()
        if name in files and name not in near:
            near.add(name)
            ahead += [*takes[name], *(other for other, names in takes.items() if name in names)]
    found: set[str] = set()
    for name in near - {path.stem}:
        with suppress(InvalidStage):
            found |= declared(_whole(files[name], around).tree).keys()
    return found


def mentions(path: Path, texts: Iterable[Leaf]) -> Iterator[tuple[str, Place]]:
    """The stages beside the one of that file that texts refer to, and where."""
    for _, node in texts:
        if isinstance(node.value, str) and "${" in node.value:
            for match in _MENTION.finditer(node.value):
                yield split(path, match[1])[0], node.place


def split(path: Path, expression: str) -> tuple[str, str]:
    """The name of a stage, which may have dots in it, and what of it is meant."""
    for name in sorted(stages_beside(path), key=len, reverse=True):
        if expression.startswith(f"{name}."):
            return name, expression.removeprefix(f"{name}.")
    name, _, rest = expression.partition(".")
    return name, rest


def _whole(path: Path, around: Surroundings) -> Whole:
    """A stage file with all that it extends. Raises InvalidStage where it cannot be read."""
    return read_whole(path, around.root, around.dialects, env=around.env)
