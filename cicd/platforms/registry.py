"""Which platforms there are. Loaded on use: no command pays for the SDK of another platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from cicd.errors import CicdError, InvalidStage, Problem

if TYPE_CHECKING:
    from cicd.config.dialect import Dialect
    from cicd.config.rulebook import Rule
    from cicd.model import Kind, Stage
    from cicd.platforms.base import Finding, Platform
    from cicd.platforms.commands import Imports, Question, Short
    from cicd.scaffold import Scaffold

PLATFORMS: dict[str, str] = {
    "aicore": "cicd.platforms.aicore.adapter",
    "training_job": "cicd.platforms.training_job.adapter",
    "sagemaker": "cicd.platforms.sagemaker.adapter",
    "spark": "cicd.platforms.spark.adapter",
}
"""Name in the stage file -> module with a function ``connect(stage, environ)``. In the same folder
are a module ``kinds`` with the map ``KINDS``, and ``dialect``, what its stage files say; there may
be ``provenance``, what it tells of a login, and ``commands``, what some commands say of it. Beside
the folder of platforms there may be one of its name in ``scaffold``: its new projects. The first is
that of stage files which name none."""


def connect(stage: Stage, environ: Mapping[str, str]) -> Platform:
    """The platform a stage names, ready for use, with the login found in ``environ``.

    Sends nothing yet. Raises Denied when the login is incomplete, InvalidStage when there is no
    such platform, CicdError where a package is missing that only this platform needs.
    """
    from cicd.platforms.hiding import Hiding

    platform = cast("Platform", _adapter(stage).connect(stage, environ))
    return Hiding(platform, stage.resources)


def _adapter(stage: Stage) -> Any:
    """The module that speaks to the platform of a stage: all that needs its SDK stands behind it,
    so that everything else works without."""
    name = _module(stage)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.partition(".")[0] == name.partition(".")[0]:
            raise  # a module of ours: a bug, and nothing to install
        raise CicdError(
            f"the platform {stage.platform} needs {missing}, which is not installed",
            hint=_cure(stage.platform),
        ) from error


def _cure(platform: str) -> str:
    """How to install what a platform needs: an extra is called like it, but for the first, whose
    packages come along."""
    if platform != next(iter(PLATFORMS)):
        return f"pip install 'aicore-cicd[{platform.replace('_', '-')}]'"
    return "install cicd again together with the packages that it depends on"


def kinds_of(stage: Stage) -> Mapping[str, Kind]:
    """The kinds of the platform a stage names, without its SDK. Raises InvalidStage when there is
    no such platform."""
    _module(stage)
    return kinds_on(stage.platform)


def kinds_on(name: str) -> Mapping[str, Kind]:
    """The kinds of a platform that there is, without its SDK."""
    folder = PLATFORMS[name].rpartition(".")[0]
    return cast("Mapping[str, Kind]", import_module(f"{folder}.kinds").KINDS)


def every_kind() -> Mapping[str, Kind]:
    """The kinds of all platforms, without any SDK."""
    kinds: dict[str, Kind] = {}
    for name in PLATFORMS:
        kinds |= kinds_on(name)
    return kinds


def kinds_called(name: str) -> list[Mapping[str, Kind]]:
    """The kinds of each platform that has one of this name."""
    return [kinds for platform in PLATFORMS if name in (kinds := kinds_on(platform))]


def short_lists() -> dict[str, Short]:
    """Kind -> the words of a command that is called like it: of what runs, and of content that is
    no mere version of something else. A platform that says the words itself has those it names:
    no kind is loaded to list the commands."""
    from cicd.platforms.commands import plain

    found: dict[str, Short] = {}
    for name in PLATFORMS:
        if words := _beside(name, "commands"):
            short = words.SHORT
        else:
            short = {kind: plain(kind) for kind in reversed(listed(kinds_on(name)))}
        found |= {kind: text for kind, text in short.items() if kind not in found}
    return found


def listed(kinds: Mapping[str, Kind]) -> list[str]:
    """The kinds that have a command of their own."""
    versions = {kind.version[1] for kind in kinds.values() if kind.version}
    return [
        name
        for name, kind in kinds.items()
        if kind.runs or (kind.role == "content" and name not in versions)
    ]


def imports() -> dict[str, Imports]:
    """Platform -> the options of ``cicd import`` that it has."""
    from cicd.platforms.commands import Imports

    found = {name: _beside(name, "commands") for name in PLATFORMS}
    return {name: words.IMPORTS if words else Imports() for name, words in found.items()}


def login_questions(name: str) -> Mapping[str, Question]:
    """Variable -> question, where the login of a platform can be typed."""
    return cast("Mapping[str, Question]", getattr(_beside(name, "commands"), "LOGIN", {}))


def account(root: str, environ: Mapping[str, str]) -> Stage:
    """The account of the first platform, as a stage with nothing in it."""
    from cicd.model import Stage

    name = next(iter(PLATFORMS))
    login = _login(name)
    places = {name: found.local for name, found in DIALECTS[name].ENVIRONMENT.items()}
    target = login.target({**places, **environ}) if login else {}
    return Stage("", "", root, name, target, None, ())


def explain(stage: Stage, environ: Mapping[str, str]) -> Iterable[Finding]:
    """Where the platform of a stage looks for credentials, without sending anything; nothing where
    it does not tell that."""
    login = _login(stage.platform)
    return cast("Iterable[Finding]", login.explain(environ)) if login else ()


def _login(name: str) -> Any:
    """The module of a platform that tells of its login, None where it has none."""
    return _beside(name, "provenance")


def _beside(name: str, module: str) -> Any:
    """A module in the folder of a platform, None where there is none."""
    folder = PLATFORMS[name].rpartition(".")[0]
    found = find_spec(f"{folder}.{module}")
    return import_module(found.name) if found else None


def scaffold_of(name: str) -> Scaffold | None:
    """What ``cicd init`` asks and writes for a platform; None where it has no project to begin
    with."""
    folder = f"{PLATFORMS[name].partition('.platforms.')[0]}.scaffold"
    if not find_spec(folder) or not find_spec(f"{folder}.{name}"):
        return None
    return cast("Scaffold", import_module(f"{folder}.{name}"))


class _Dialects(Mapping[str, "Dialect"]):
    """Name -> dialect of a platform, each loaded when it is asked for. No SDK is loaded."""

    def __getitem__(self, name: str) -> Dialect:
        from cicd.config.plain_dialect import completed

        folder = PLATFORMS[name].rpartition(".")[0]
        return completed(import_module(f"{folder}.dialect"))

    def __iter__(self) -> Iterator[str]:
        return iter(PLATFORMS)

    def __len__(self) -> int:
        return len(PLATFORMS)


DIALECTS: Mapping[str, Dialect] = _Dialects()


def every_rule() -> dict[str, Rule]:
    """The rules of the stage files of all platforms."""
    from cicd.config.rulebook import book

    return book(dialect.RULES for dialect in DIALECTS.values())


def _module(stage: Stage) -> str:
    module = PLATFORMS.get(stage.platform)
    if module is None:
        known = ", ".join(sorted(PLATFORMS))
        message = f'there is no platform "{stage.platform}" (known: {known})'
        raise InvalidStage([Problem(stage.file, 0, 0, message, "platform")])
    return module
