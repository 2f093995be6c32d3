"""Which platforms there are. Loaded on use: no command pays for the SDK of another platform."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from cicd.errors import InvalidStage, Problem
from cicd.model import Stage
from cicd.platforms.base import Platform

PLATFORMS: dict[str, str] = {
    "aicore": "cicd.platforms.aicore.adapter",
}
"""Name in the stage file -> module with a function ``connect(stage, environ)``."""


def connect(stage: Stage, environ: Mapping[str, str]) -> Platform:
    """The platform a stage names, ready for use, with the login found in ``environ``.

    Sends nothing yet. Raises Denied when the login is incomplete, InvalidStage when there is no
    such platform.
    """
    module = PLATFORMS.get(stage.platform)
    if module is None:
        known = ", ".join(sorted(PLATFORMS))
        message = f'there is no platform "{stage.platform}" (known: {known})'
        raise InvalidStage([Problem(stage.file, 0, 0, message, "platform")])
    return cast(Platform, import_module(module).connect(stage, environ))
