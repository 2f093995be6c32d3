"""One template of AI Core, as far as stage files and the platform care."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from cicd.values import Key, Program


class Template(msgspec.Struct, frozen=True):
    """What one template file declares."""

    file: str
    executable_id: str
    scenario_id: str
    version: str
    kind: Literal["workflow", "serving"]
    parameters: Mapping[str, str | None]
    """Parameter name -> default, None when there is none."""
    input_artifacts: frozenset[str]
    output_artifacts: frozenset[str]
    digest: str
    """sha256 of the parsed document: comments and line endings do not count."""
    images: tuple[str, ...] = ()
    """The container images that it names, in its order; a placeholder counts as none."""
    resource_plans: tuple[str, ...] = ()
    """The resource plans and instance types that its steps ask for, in its order."""
    secrets: Mapping[Key, str] = {}
    """The secrets that it names, with where: they must be there before it runs."""
    optional_inputs: frozenset[str] = frozenset()
    """Those of the input artifacts that need not be bound."""
    choices: Mapping[str, tuple[str, ...]] = {}
    """Parameter name -> the values that it may have, where not any."""
    conditions: Mapping[str, tuple[tuple[str, str], ...]] = {}
    """Parameter name -> each ``when`` in which it stands without quotes, and its tag there."""

    @property
    def program(self) -> Program:
        """As planning takes it."""
        return Program(
            file=self.file,
            name=self.executable_id,
            version=self.version,
            digest=self.digest,
            parameters=self.parameters,
            inputs=self.input_artifacts,
            outputs=self.output_artifacts,
            asks={"image": self.images, "resource plan": self.resource_plans},
            called={"executable_id": self.executable_id},
            makes={"scenario_id": self.scenario_id},
        )
