"""How values are written where a stage file and the platform may write them otherwise. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

CODE = "code"
"""The input of a processing job that its script comes by."""
ONE_WAY = "one-way"
"""The rule about changes that AWS lets nobody take back."""
PLAIN = {
    "data_type": "S3Prefix",
    "distribution": "FullyReplicated",
    "compression": "None",
    "record_wrapper": "None",
}


def said(channel: Mapping[str, Any]) -> dict[str, Any]:
    """A channel without what goes without saying."""
    return {name: value for name, value in channel.items() if value and value != PLAIN.get(name)}


def text_of(value: Any) -> str:
    """A value as a text; of a list or map its JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
