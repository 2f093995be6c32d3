"""What CI systems and terminals obey in a text, seen as they see it, and attempts to command them.

Sources: actions/runner ``ActionCommand``, azure-pipelines-agent ``Command.TryParse``, TeamCity's
service messages, GitLab's sections, Jenkins' console notes.
"""

from __future__ import annotations

import re

ATTACKS = (
    "##[add-mask]true",
    "###[group]x",
    "##vso[task.complete result=Succeeded;]",
    "a ##VSO[task.setvariable variable=PATH]/tmp",
    "##teamcity[buildStatus text='fine']",
    "::add-mask::true",
    " \t::stop-commands::x",
    "\u200b::error::x",
    "fine\n::set-output name=x::y",
    "fine\r::warning::x",
    "\x1b[0Ksection_start:1:a\r\x1b[0Ktitle",
    "\x1b[8mha:AAAA\x1b[0m",
    "\x1b]8;;https://evil\x07click\x1b]8;;\x07",
    "\x9b31m",
    "\u202egnp.exe",
    "\u2066isolated\u2069",
    "\ufeff::error::x",
    "\x1b[31m::error::x",
    "#\x00#[debug]x",
    "\x85::error::x",
    "\u2028::error::x",
)
"""What takes a step over, moves the cursor or turns text, as seen by one of these systems."""
OURS = ("::group::", "::endgroup::", "::error file=", "::warning file=", "::notice title=")
"""How commands of our own begin."""
OURS_ON_AZURE = (
    "##vso[task.logissue type=",
    "##vso[task.setvariable ",
    "##vso[task.uploadsummary]",
)
"""The same on Azure, of which each is a line."""


def github_commands(text: str) -> list[str]:
    """What GitHub's runner would obey (``ActionCommand.TryParseV2`` and ``TryParse``)."""
    lines = text.splitlines()
    found = [line for line in lines if line.lstrip().lstrip("\ufeff\u200b").startswith("::")]
    return found + [line for line in lines if "##[" in line]


def commands(text: str) -> list[str]:
    """What any CI system or terminal would obey."""
    found = github_commands(text)
    found += re.findall(r"(?i)##(?:vso|teamcity)\[", text)  # Azure, anywhere; TeamCity
    return found + re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)  # GitLab, Jenkins, terminals


def foreign(text: str) -> list[str]:
    """All that is not ours of what would be obeyed, or turns or hides text."""
    lines = text.split("\n")
    text = "\n".join(
        line.removeprefix("##vso[") if line.startswith(OURS_ON_AZURE) else line for line in lines
    )
    found = [part for part in commands(text) if not part.startswith(OURS)]
    found += [part for part in text.splitlines() if part.startswith(OURS) and "##[" in part]
    odd = {char for char in text if not char.isprintable()} - set("\n\t\u200b")
    return found + [ascii(char) for char in sorted(odd)]
