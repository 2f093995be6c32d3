"""Commands to the CI systems beside GitHub, each printed as one line in which no text of others can
end it or begin another.

Sources: microsoft/azure-pipelines-agent, CommandStringConvertor; docs.gitlab.com, "Custom
collapsible sections".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cicd.render.neutral import Command, neutral

_ESCAPES = {"%": "%AZP25", ";": "%3B", "\r": "%0D", "\n": "%0A", "]": "%5D"}
_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


class AzureCommand(Command):
    """``##vso[area.event name=value;]data``, or ``##[format]data`` where the name has no dot."""

    def __str__(self) -> str:
        if "." not in self.name:
            return f"##[{self.name}]{neutral(' '.join(self.data.split()))}"
        pairs = "".join(f"{key}={_escaped(value)};" for key, value in self.properties.items())
        return f"##vso[{self.name}{' ' if pairs else ''}{pairs}]{_escaped(self.data)}"


def _escaped(text: str) -> str:
    return neutral("".join(_ESCAPES.get(char, char) for char in text))


@dataclass(frozen=True)
class Section(Command):
    """The start or the end of what GitLab folds. ``at``: seconds since 1970; ``data``: the title of
    one that starts."""

    at: int = 0

    def __str__(self) -> str:
        sort = "section_start" if self.data else "section_end"
        name = _NO_NAME.sub("_", self.name)
        return f"\x1b[0K{sort}:{self.at}:{name}\r\x1b[0K{neutral(' '.join(self.data.split()))}"
