"""Tags as AWS takes them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

LONGEST = 256
NEVER = frozenset({"cicd.files"})
"""What is longer than a tag may be."""


def tags_of(own: Mapping[str, str], marks: Mapping[str, str]) -> list[dict[str, str]]:
    """Those of the stage file, and what says whose a thing is: ``cicd:stage``, ``cicd:key``, …"""
    told = {**own}
    for name, text in marks.items():
        if name not in NEVER:
            told[name.replace(".", ":", 1)] = cleaned(text)
    if "cicd.project" in marks and "cicd.stage" in marks:
        told["cicd:stage"] = cleaned(f"{marks['cicd.project']}/{marks['cicd.stage']}")
    return [{"Key": name, "Value": text} for name, text in told.items()]


def cleaned(text: str) -> str:
    """A text of those characters that a tag may have."""
    return re.sub(r"[^\w .:/=+@-]", "_", text)[:LONGEST]
