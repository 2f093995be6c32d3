"""What every emulated model says: a pure function of what it is told.

Texts are repeated, tokens are words and signs, vectors come from a hash. Nothing is learned and
nothing is random, so a test can say what must come back.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DIMENSIONS = 1536
"""Length of a vector, as the common models have it."""
CREATED = 1_700_000_000
"""When every answer was made (seconds since 1970): a clock would make it differ."""


class BadRequest(Exception):
    """A request that no model would take; ``field`` is what is wrong with it."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


@dataclass(frozen=True)
class Message:
    """One thing said in a conversation."""

    role: str
    text: str


def turns(found: Any, field: str, part: str = "content") -> list[Message]:
    """The messages of a request, each a role and a text or parts; BadRequest if they are none."""
    if not isinstance(found, list) or not found:
        raise BadRequest(f"'{field}' must be a list of messages, at least one", field)
    read = []
    for number, item in enumerate(found):
        where = f"{field}[{number}]"
        if not isinstance(item, dict):
            raise BadRequest(f"'{where}' must be an object", where)
        role = item.get("role", "user" if part == "parts" else None)
        if not isinstance(role, str) or not role:
            raise BadRequest(f"'{where}.role' is missing or no text", f"{where}.role")
        read.append(Message(role, text_of(item.get(part), f"{where}.{part}")))
    return read


def text_of(content: Any, field: str) -> str:
    """The text of a message's content; what is no text is named: ``[image_url]``."""
    if content is None:
        # an assistant's message that only calls tools
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise BadRequest(f"'{field}' must be a text or a list of parts", field)
    return "".join(text_of_part(part, field) for part in content)


def text_of_part(part: Mapping[str, Any], field: str) -> str:
    """The text of one part of a content."""
    if "text" in part:
        if not isinstance(part["text"], str):
            raise BadRequest(f"'{field}.text' must be a text", field)
        return part["text"]
    return f"[{part.get('type') or next(iter(part), 'nothing')}]"


def reply(said: Sequence[Message]) -> str:
    """What a model answers: the last thing that the user said."""
    of_user = [turn for turn in said if turn.role == "user"]
    return f"echo: {(of_user or said)[-1].text}"


def tokens(*texts: str) -> int:
    """How many tokens texts have."""
    return sum(len(re.findall(r"\w+|[^\w\s]", text)) for text in texts)


def prompt_tokens(said: Sequence[Message]) -> int:
    """How many tokens a conversation has."""
    return tokens(*(turn.text for turn in said))


def pieces(text: str) -> list[str]:
    """A text in the pieces that it is streamed in: words with what follows them."""
    return re.findall(r"\S+\s*|\s+", text)


def vector(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A vector of length 1 for a text."""
    data = hashlib.shake_256(text.encode(errors="replace")).digest(2 * dimensions)
    raw = [value + 0.5 for value in struct.unpack(f"<{dimensions}h", data)]
    length = math.sqrt(sum(value * value for value in raw))
    return [value / length for value in raw]


def identity(raw: bytes) -> str:
    """An id for the answer to a request."""
    return str(uuid.UUID(hashlib.sha256(raw).hexdigest()[:32]))
