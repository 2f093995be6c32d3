"""Replaces ``${…}`` in a stage file: variables, environment, Git facts, and references.

==================================  ==============================================
``${var.NAME}``                     variables of the stage file, or ``--var NAME=…``
``${env.NAME}``                     the environment
``${git.commit}`` ``${git.branch}`` what is checked out
``${stage}``                        the stage's name
``${SECTION.KEY.…}``                what a platform tells only later (a Ref)
``${stages.NAME.SECTION.KEY.…}``    the same of another stage
``$${``                             a plain ``${``
==================================  ==============================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cicd.config.files import scalar
from cicd.config.references import References, meant_form, reference
from cicd.config.tree import Leaf, Node, Path, Paths, Place, did_you_mean, leaves, with_leaves
from cicd.errors import Problem
from cicd.masking import is_secret_name
from cicd.values import Ref, Secret

_EXPRESSION = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_WRITTEN = "a credential is written as ${env.NAME}, never into the file"
PLAIN = ("var.NAME", "env.NAME", "git.commit", "git.branch", "stage")
MAX_EXPANDED = 50_000_000
"""Characters that all ``${…}`` of one stage read and write at most, those of variables each time
they are used: a few that double each other would fill any memory."""
COST = 200
"""Characters that each use counts as beside its own: empty ones take time too."""
ADDRESSES = Paths("notify.*.to")
SIGNERS = Paths("notify.*.secret")
"""What a stage can do without: a message that cannot be sent is no reason not to apply."""
_UNREPLACED: frozenset[Path] = frozenset({("variables",), ("extends",), ("stage",), ("$schema",)})


@dataclass(frozen=True)
class GitFacts:
    """What is checked out; empty text where that is not known.

    ``folder``: the project's own below the top of the repository, with forward slashes, empty for
    the top itself. ``remotes``: URLs of the repository. ``submodules``: folder in the project ->
    URL. ``tags``: name -> the commit that it is at here.
    """

    commit: str = ""
    branch: str = ""
    folder: str = ""
    remotes: tuple[str, ...] = ()
    submodules: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def at(self, commit: str, branch: str) -> GitFacts:
        """The same repository with another commit checked out."""
        return GitFacts(commit, branch, self.folder, self.remotes, self.submodules, self.tags)


class GitOverride(msgspec.Struct, frozen=True):
    """Where templates come from instead of what the stage file says (``--local``)."""

    repository: str
    revision: str
    commit: str


class Context(msgspec.Struct, frozen=True):
    """All that ``${…}`` can draw on. ``is_lenient``: a missing credential is no error, but an empty
    one; ``is_told``: it is a warning then, as the stage will be planned. ``others``: what follows
    ``stages.`` -> what of another stage it is, or why it is nothing; ``elsewhere``: the variables
    of the stages that take from this one, or that it takes from."""

    stage: str
    env: Mapping[str, str]
    variables: Mapping[str, str]
    git: GitFacts
    is_lenient: bool = False
    is_told: bool = False
    others: Callable[[str], Ref | str] = lambda _: "is of another stage, and none is at hand"
    elsewhere: Callable[[], Collection[str]] = frozenset


class _Value(msgspec.Struct, frozen=True):
    """``text`` is the value as it goes into a longer text; ``is_env``: it or a part of it came from
    the environment; ``unset``: variables of the environment that it needs and that are not there;
    ``is_told_secret``: a ``--var`` is in it that is called like a secret."""

    value: Any
    text: str
    is_env: bool = False
    unset: tuple[str, ...] = ()
    is_told_secret: bool = False

    @property
    def is_hidden(self) -> bool:
        return self.is_env or self.is_told_secret


def replace_variables(
    tree: Node,
    context: Context,
    secrets: Paths,
    references: References,
    texts: Iterable[Leaf] | None = None,
) -> tuple[Node, list[Problem]]:
    """The tree with every ``${…}`` replaced, and what could not be. ``secrets``: where credentials
    stand; ``references``: what a platform tells only later; ``texts``: the leaves of the tree, from
    who has them already."""
    work = _Replacement(tree, context, secrets, references)
    replaced = with_leaves(tree, dict(work.changed(leaves(tree) if texts is None else texts)))
    work.check_unused()
    work.tell_unset()
    return replaced, [*_too_early(tree), *work.problems]


def _too_early(tree: Node) -> Iterator[Problem]:
    for key in ("stage", "extends"):
        node = tree.get(key)
        if node is not None and isinstance(node.value, str) and "${" in node.value:
            message = f'{key} is "{node.value}", but it must be plain: variables come after it'
            yield node.place.problem(message, "misplaced-variable")


class _Replacement:
    def __init__(
        self, tree: Node, context: Context, secrets: Paths, references: References
    ) -> None:
        self.problems: list[Problem] = []
        self._secrets = secrets
        self._references = references
        self._context = context
        self._declared = declared(tree)
        self._overrides = {
            name: _override(name, text, self._declared.get(name))
            for name, text in context.variables.items()
        }
        self._used: set[str] = set()
        self._open: list[str] = []
        self._room = MAX_EXPANDED
        self._unset: dict[str, Place] = {}

    def changed(self, texts: Iterable[Leaf]) -> Iterator[Leaf]:
        """Those that become something else, as what they become."""
        for path, node in texts:
            if path[:1] in _UNREPLACED:
                continue
            if path in self._secrets:
                yield path, self._secret(node, path)
            elif path in ADDRESSES or path in SIGNERS:
                yield path, self._address(node, must_be_env=path in SIGNERS)
            elif isinstance(node.value, str) and "${" in node.value:
                value = self._expand(node, is_lenient=False)
                # Messages quote the text. Of a value that nobody may see they quote the ``${…}``
                # that it came from.
                text = node.text if value.is_hidden else value.text
                yield path, node.but(value=value.value, text=text, is_hidden=value.is_hidden)

    def check_unused(self) -> None:
        """Variables nobody used must be right too, and nobody may set one that is not there."""
        for name, node in self._declared.items():
            if name not in self._used:
                self._variable(name, node.place, is_lenient=True)
        unknown = self._overrides.keys() - self._declared.keys() - self._used
        for name in unknown.difference(self._context.elsewhere()) if unknown else ():
            hint = did_you_mean(name, self._declared)
            message = f"no such variable{hint or ': declare it under variables'}"
            self.problems.append(Problem(f"--var {name}", 0, 0, message, "unknown-variable"))

    def tell_unset(self) -> None:
        """One warning for all credentials of ``secrets`` that are not there."""
        if self._unset and self._context.is_told:
            # One warning for all of them: without credentials there are often ten, and nobody reads
            # ten times the same.
            names = list(self._unset)
            be, it = ("is", "it") if len(names) == 1 else ("are", "them")
            message = f"{', '.join(names)} {be} not set in the environment, so what needs "
            message += f"{it} under secrets is empty"
            place = self._unset[names[0]]
            self.problems.append(place.problem(message, "missing-env", "warning"))

    def _secret(self, node: Node, path: Path) -> Node:
        if node.value is None:
            return node
        text = node.value if isinstance(node.value, str) else node.text
        value = self._expand(node.but(value=text), is_lenient=self._context.is_lenient)
        if not value.is_env:
            self.problems.append(node.place.problem(_WRITTEN, "secret-in-plain-text"))
            return node.but(value=Secret(value.text), text="***")  # messages quote the text
        if value.text == "" and not self._context.is_lenient:
            message = f"{node.text} is empty: give it a value"
            self.problems.append(node.place.problem(message, "missing-env"))
        if value.unset and path[0] == "secrets":
            self._unset |= {name: node.place for name in value.unset if name not in self._unset}
        return node.but(value=Secret("" if value.unset else value.text))

    def _address(self, node: Node, *, must_be_env: bool) -> Node:
        """Empty where a variable is not set."""
        if not isinstance(node.value, str):
            return node
        value = self._expand(node, is_lenient=True)
        if must_be_env and not value.is_env:
            self.problems.append(node.place.problem(_WRITTEN, "secret-in-plain-text"))
        text = node.text if value.is_env else "***"  # messages quote the text
        return node.but(value=Secret("" if value.unset else value.text.strip()), text=text)

    def _expand(self, node: Node, *, is_lenient: bool) -> _Value:
        text: str = node.value
        if not self._has_room(len(text) + COST, node.place):
            return _Value("unknown", "unknown", is_env=True)
        whole = _EXPRESSION.fullmatch(text)
        if whole and whole.group(1) is not None:
            return self._evaluate(whole.group(1), node, is_lenient=is_lenient)
        parts: list[str] = []
        unset: list[str] = []
        end, is_env, is_told_secret = 0, False, False
        for match in _EXPRESSION.finditer(text):
            value = self._part(match, node, is_lenient=is_lenient)
            parts += [text[end : match.start()], value.text]
            unset += value.unset
            end, is_env = match.end(), is_env or value.is_env
            is_told_secret = is_told_secret or value.is_told_secret
        result = "".join([*parts, text[end:]])
        self._has_room(len(result), node.place)
        return _Value(result, result, is_env, tuple(unset), is_told_secret)

    def _has_room(self, characters: int, place: Place) -> bool:
        """Whether so many more may be there; a problem where the last of them would have been."""
        had_room, self._room = self._room > 0, self._room - characters
        if had_room and self._room <= 0:
            message = f"the variables of the stage come to more than {MAX_EXPANDED:,} characters"
            self.problems.append(
                place.problem(f"{message}: use fewer in each other", "too-complex")
            )
        return self._room > 0

    def _part(self, match: re.Match[str], node: Node, *, is_lenient: bool) -> _Value:
        if match.group() == "$${":
            return _Value("${", "${")
        if match.group(1) is None:
            message = "${ without its closing }: write $${ for a plain ${"
            return self._unknown(node.place, message)
        value = self._evaluate(match.group(1), node, is_lenient=is_lenient)
        if isinstance(value.value, Ref):
            message = f"{match.group()} is known only after apply, so it must stand alone"
            return self._unknown(node.place, message)
        return value

    def _evaluate(self, expression: str, node: Node, *, is_lenient: bool) -> _Value:
        expression = expression.strip()
        room, _, name = expression.partition(".")
        if expression == "stage":
            return _Value(self._context.stage, self._context.stage)
        if room == "var" and name:
            return self._variable(name, node.place, is_lenient=is_lenient)
        if room == "env" and name:
            return self._environment(name, node.place, is_lenient=is_lenient)
        if expression in {"git.commit", "git.branch"}:
            git = self._context.git
            if fact := git.commit if name == "commit" else git.branch:
                return _Value(fact, fact)
            return self._unknown(node.place, f"${{{expression}}} is not known: no Git commit here")
        if room == "stages" and name:
            other = self._context.others(name)
            if isinstance(other, Ref):
                return _Value(other, node.text)
            return self._unknown(node.place, f"${{{expression}}} {other}")
        if ref := reference(expression, self._references):
            return _Value(ref, node.text)
        meant = meant_form(expression, PLAIN, self._references)
        return self._unknown(node.place, f"${{{expression}}} is unknown{meant}")

    def _variable(self, name: str, place: Place, *, is_lenient: bool) -> _Value:
        self._used.add(name)
        node = self._overrides.get(name) or self._declared.get(name)
        if node is None:
            hint = did_you_mean(name, {**self._declared, **self._overrides})
            return self._unknown(place, f"${{var.{name}}} is not among the variables{hint}")
        if name in self._open:
            way = " -> ".join([*self._open[self._open.index(name) :], name])
            return self._unknown(place, f"variables go in a circle: {way}")
        # What was given on the command line is taken as it is: a shell has replaced what it was to
        # replace.
        if name in self._overrides or not isinstance(node.value, str):
            return _Value(node.value, node.text, is_told_secret=node.is_hidden)
        self._open.append(name)
        value = self._expand(node, is_lenient=is_lenient)
        self._open.pop()
        return value

    def _environment(self, name: str, place: Place, *, is_lenient: bool) -> _Value:
        if name in self._context.env:
            return _Value(self._context.env[name], self._context.env[name], is_env=True)
        if not is_lenient:
            hint = did_you_mean(name, self._context.env)
            message = f"the environment variable {name} is not set{hint}"
            self.problems.append(place.problem(f"{message}: set it", "missing-env"))
        return _Value("missing", "missing", is_env=True, unset=(name,))

    def _unknown(self, place: Place, message: str) -> _Value:
        """A problem, and a harmless value so that the search goes on."""
        self.problems.append(place.problem(message, "unknown-variable"))
        return _Value("unknown", "unknown", is_env=True)


def declared(tree: Node) -> dict[str, Node]:
    """The variables of a stage file, as it is written."""
    variables = tree.get("variables")
    if variables is None or not isinstance(variables.value, dict):
        return {}
    return {name: node for name, node in variables.value.items() if node.is_leaf}


def _override(name: str, text: str, declared: Node | None) -> Node:
    """A ``--var`` is text, unless the stage file has a number or true/false in that place. One that
    is called like a secret is one, as if it came from the environment."""
    place = Place(f"--var {name}")
    is_scalar = declared is not None and isinstance(declared.value, bool | int | float)
    # By itself ``--var size=020`` is text, as people who write a version or a tag mean it.
    value = scalar(text) if is_scalar else text
    return Node(value, place, text, is_hidden=is_secret_name(name))
