"""What the language of stage files must be told of a platform: its dialect.

A dialect is a plain module beside the platform's adapter, and loads no SDK. Nobody here imports
one: who loads a stage hands in all there are, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from cicd.config.tree import Node, Paths, closest
from cicd.errors import InvalidStage, Problem

if TYPE_CHECKING:
    from cicd.config.draft import Draft
    from cicd.config.references import Reference
    from cicd.config.rulebook import Rule
    from cicd.config.schema import StageBase
    from cicd.config.variables import GitFacts, GitOverride
    from cicd.model import LiveResource, Resource, Stage
    from cicd.values import Key, Program, Ref


class Carried(msgspec.Struct, frozen=True):
    """One section: the ``kind`` of its items, and what promoting carries from them to another
    stage: ``fields``, of maps each entry. ``stays``: what even a new item leaves behind. ``needs``:
    fields whose values are keys of another section, which then come along; those ``elsewhere`` may
    also name what is on the platform without the stage. ``files``: fields that
    name files or folders of the project, or else a URL or the content itself; files count as
    inputs of a run. ``is_map``: the section has no items."""

    kind: str
    fields: Sequence[tuple[str, ...]]
    stays: frozenset[str] = frozenset()
    needs: Mapping[tuple[str, ...], str] = {}
    elsewhere: frozenset[tuple[str, ...]] = frozenset()
    is_map: bool = False
    files: Sequence[tuple[str, ...]] = ()


class Spellings(msgspec.Struct, frozen=True):
    """Other ways to write something. ``hints``: unknown key -> what to write instead. ``texts``:
    where numbers are text. ``lists``: fields whose maps may be lists of ``{key: …, X: …}``, and
    their X. ``checked``: where a check of its own says what to do with a credential."""

    hints: Mapping[str, str] = {}
    texts: Paths = Paths()
    lists: Mapping[str, str] = {}
    checked: Paths = Paths()


class Overridable(msgspec.Struct, frozen=True):
    """What a command line may say otherwise for one run: the ``fields`` of the items of a
    ``section``. ``data``: that of them which maps names to files, empty for none."""

    section: str
    fields: tuple[str, ...]
    data: str = ""


class StandIn(msgspec.Struct, frozen=True):
    """What a variable of the environment counts as where it is not set: ``offline``, where nothing
    is sent, and for the emulator (``local``). ``field``: that of the platform's own section which
    goes before the variable; then it is part of the target, and one of the two must be there."""

    offline: str
    local: str
    field: str = ""


class Built(msgspec.Struct, frozen=True):
    """What a dialect makes of a draft. ``scope``: what its digest covers beside the file, such as
    where it goes. ``local``: what the emulator is told beside ``local`` of the file. ``settings``:
    what the adapter is told beside the target (see ``Stage``)."""

    target: Mapping[str, str]
    resources: Iterable[Resource]
    scope: tuple[str, ...] = ()
    local: Mapping[str, Any] = {}
    programs: tuple[Program, ...] = ()
    settings: Mapping[str, Any] = {}


class Around(msgspec.Struct, frozen=True):
    """What a stage file is made for that asks for what is live in the place ``target``.

    ``root``: the project, whose files may tell what the platform does not. ``select``: globs;
    only what belongs to these (what that is, the dialect says). ``wants``: what of the platform's
    own options is asked for. ``never``: keys of runs that must
    not run again -> why. ``repository``: the Git that the project is pushed to, empty where nobody
    knows; ``folder``: the project's in there, empty for the top. ``secrets``: variables of the
    environment that hold one -> value.
    """

    stage: str
    target: Mapping[str, str]
    root: FilePath = FilePath()
    is_named_by_file: bool = True
    schema_path: str = ""
    select: Collection[str] = ()
    repository: str = ""
    is_local: bool = False
    folder: str = ""
    never: Mapping[str, str] = {}
    secrets: Mapping[str, str] = {}
    wants: Collection[str] = ()


class Export(msgspec.Struct, frozen=True):
    """A stage file as text; ``notes``: what of the place is not in it, and why; ``environment``:
    the variables that it needs; ``counts``: how many things of each section it has."""

    text: str
    notes: tuple[str, ...]
    environment: tuple[str, ...]
    counts: Mapping[str, int]


class Dialect(Protocol):
    """What the stage files of one platform say.

    A module says ``NAME`` and ``File``, and of the rest what differs from
    ``cicd.config.plain_dialect``: the sentence that begins with "Else" tells what that is. A stage
    file is read in this order: ``modernise`` (each file), variables (``REFERENCES``, ``SECRETS``),
    ``File``, ``sources``, ``names``, ``Draft``, ``check``; and without errors ``build``.
    """

    @property
    def NAME(self) -> str:
        """What ``platform`` has to be."""

    @property
    def File(self) -> type[StageBase]:
        """The shape of a stage file: the shared keys and the platform's sections."""

    @property
    def Draft(self) -> type[Draft[Any, Any]]:
        """What its checks and builders look at. Else ``cicd.config.draft.Draft``."""

    @property
    def RULES(self) -> Mapping[str, Rule]:
        """Rules of its own, and what shared ones mean here where that is said better. Else none."""

    @property
    def UNSURE(self) -> Collection[str]:
        """Rules that the environment decides: where it is not at hand they only warn. Else
        ``missing-target``."""

    @property
    def RETIRING(self) -> Collection[str]:
        """Rules of findings of the platform that it will take something away. Else none."""

    @property
    def ENVIRONMENT(self) -> Mapping[str, StandIn]:
        """Variables that say where a stage goes -> what may stand in for them. Else none."""

    @property
    def SECRETS(self) -> Paths:
        """Where credentials stand, and nothing but ``${env.NAME}``. Else nowhere."""

    @property
    def REFERENCES(self) -> Mapping[str, Reference]:
        """Forms of what is known only after apply, ``SECTION.KEY.NAME`` and the like. Else none."""

    @property
    def TAKES(self) -> Mapping[str, Paths]:
        """Where it may stand what another stage has, by what the field is called. Else where
        ``REFERENCES`` may."""

    @property
    def SPELLINGS(self) -> Spellings:
        """Other ways to write what ``File`` has. Else none."""

    @property
    def OVERRIDES(self) -> Overridable | None:
        """What of a run may be said otherwise for this once. Else nothing."""

    @property
    def CARRIED(self) -> Mapping[str, Carried]:
        """Section -> what it lists; or the platform's own section, which is a map. Else none."""

    @property
    def EMULATED(self) -> bool:
        """Whether ``--local`` is the emulator; where it is not, the platform itself runs on this
        machine, and its dialect says how for a draft that ``is_local``. Else it is."""

    def identity(self, item: Node) -> str | None:
        """What makes an item of a list the same item in two files; None where nothing does.
        Asked when files are merged and promoted. Else its ``key`` or ``name``."""

    def modernise(self, tree: Node, suffix: str) -> tuple[Node, list[Problem]]:
        """One file, before it is merged with what it extends, in the spelling that ``File`` has.
        Else with those lists as maps that ``SPELLINGS`` names."""

    def sources(
        self,
        file: Any,
        written: Node,
        root: FilePath,
        git: GitFacts,
        override: GitOverride | None,
    ) -> tuple[Any, list[Problem]]:
        """What lies beside the stage file and decides what is made of it. ``written`` has also what
        does not fit, and is therefore not in ``file``. Else None."""

    def names(self, tree: Node) -> frozenset[Key]:
        """Everything that a tree gives a key, whether it fits or not. Else the items of the
        sections in ``CARRIED``."""

    def check(self, draft: Any) -> Iterable[Problem]:
        """All that is wrong beside the shape. Else what ``cicd.config.rules.check_items`` and
        ``cicd.config.target.check_target`` find, which one of its own calls too."""

    def lacks(self, draft: Any, ref: Ref) -> str:
        """Why what another stage asks for of something that a draft names will never be there, such
        as ``has no output x``; empty where nothing tells that. Else empty."""

    def build(self, draft: Any) -> Built:
        """What a draft without errors asks for. Else a resource for each item of the sections in
        ``CARRIED``, whose spec is just its fields: ``cicd.config.build`` has the parts of that."""

    def export(self, live: Iterable[LiveResource], around: Around) -> Export:
        """For ``cicd import``: the stage file that asks for just what is live. Else each item of a
        section has those of its fields that the spec of what is live has, and what that took from
        others is written as a reference or a key."""

    def needs(self, stage: Stage, live: LiveResource) -> Any:
        """What something live takes from its surroundings as far as files tell; only the adapter's
        ``explain`` looks into it. Else the names of its programs."""


Dialects = Mapping[str, Dialect]
"""All there are, by name; the first is that of files which name no platform."""
Identity = Callable[[Node], str | None]


def dialect_of(named: Node | None, dialects: Dialects) -> Dialect:
    """The dialect that ``platform`` of a stage file names, or is meant to name. Raises InvalidStage
    where there is no such platform: nobody can tell then what the file says."""
    if named is None or not isinstance(named.value, str):  # its shape says what is wrong
        return next(iter(dialects.values()))
    if named.value in dialects:
        return dialects[named.value]
    if meant := closest(named.value, dialects):
        return dialects[meant]
    if "${" in named.value:
        message = f'platform is "{named.value}", but it must be plain: variables come after it'
        raise InvalidStage([named.place.problem(message, "misplaced-variable")])
    known = list(dialects)
    must = f"must be {'' if len(known) == 1 else 'one of '}{', '.join(known)}"
    problem = named.place.problem(f'platform is "{named.value}", {must}', "wrong-value")
    raise InvalidStage([problem])
