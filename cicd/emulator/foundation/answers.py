"""What a deployment of the platform's own scenarios is asked, and what it answers. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cicd.emulator.foundation.catalogue import Offer
from cicd.emulator.foundation.echo import BadRequest


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: ``body`` as JSON (as it is when it is a str), or ``events`` as a stream."""

    status: int = 200
    body: Any = None
    events: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class ModelRequest:
    """One request: path below the deployment, and the body as it came."""

    path: str
    raw: bytes

    def json(self) -> dict[str, Any]:
        """The body; BadRequest when it is no JSON object."""
        try:
            loaded = json.loads(self.raw)
        except (ValueError, RecursionError):
            raise BadRequest("the request body is not valid JSON") from None
        if not isinstance(loaded, dict):
            raise BadRequest("the request body must be a JSON object")
        return loaded


Handler = Callable[[Offer, ModelRequest], Answer]


def not_emulated(path: str, api: Mapping[str, Any]) -> Answer:
    """What there is instead of a path that nothing answers."""
    known = ", ".join(api)
    return Answer(501, f"the emulator does not answer {path or '/'} here; it answers {known}")
