"""Which platforms there are. Loaded on use: no command pays for the SDK of another platform."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from cicd.errors import InvalidStage, Problem
from cicd.model import Kind, Stage
from cicd.platforms.base import Platform
from cicd.platforms.hiding import Hiding

PLATFORMS: dict[str, str] = {
    "aicore": "cicd.platforms.aicore.adapter",
}
"""Name in the stage file -> module with a function ``connect(stage, environ)``; in the same folder
is a module ``kinds`` with the map ``KINDS``."""


def connect(stage: Stage, environ: Mapping[str, str]) -> Platform:
    """The platform a stage names, ready for use, with the login found in ``environ``.

    Sends nothing yet. Raises Denied when the login is incomplete, InvalidStage when there is no
    such platform.
    """
    platform = cast(Platform, import_module(_module(stage)).connect(stage, environ))
    return Hiding(platform, stage.resources)


def kinds_of(stage: Stage) -> Mapping[str, Kind]:
    """The kinds of the platform a stage names, without its SDK. Raises InvalidStage when there is
    no such platform."""
    folder = _module(stage).rpartition(".")[0]
    return cast(Mapping[str, Kind], import_module(f"{folder}.kinds").KINDS)


def every_kind() -> Mapping[str, Kind]:
    """The kinds of all platforms, without any SDK."""
    kinds: dict[str, Kind] = {}
    for module in PLATFORMS.values():
        kinds |= import_module(f"{module.rpartition('.')[0]}.kinds").KINDS
    return kinds


def _module(stage: Stage) -> str:
    module = PLATFORMS.get(stage.platform)
    if module is None:
        known = ", ".join(sorted(PLATFORMS))
        message = f'there is no platform "{stage.platform}" (known: {known})'
        raise InvalidStage([Problem(stage.file, 0, 0, message, "platform")])
    return module
