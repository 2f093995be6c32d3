"""A message: what happened, with all that a person needs to go on; and its words for each sort of
reader. Pure.

Texts of others (reasons, log lines, names) go to people in one line each, with nothing in them that
is markup, a mention or a link where they are read. Our own addresses stand in lines of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cicd.notify.happenings import Told
from cicd.render.commits import short_commit
from cicd.words import one_line, printable

LONGEST_LINE = 300
"""Characters of the one log line that a chat shows."""
LONGEST_TITLE = 120
_MARKUP = re.compile(r"[*_\[\]<>`~|#]")
_TRIGGERS = re.compile(r"@(?=\S)|<(?=[!#])|:(?=//|[\w+-]+:)|(?<=www)\.", re.IGNORECASE)
_BREAK = "\u200b"
"""A space of no width: with it nobody is mentioned, and nothing becomes a link."""
_TITLES = {
    "failed": "failed",
    "drifted": "has drifted",
    "approval_needed": "needs an approval",
    "deployed": "deployed",
    "recovered": "has recovered",
    "retiring": "uses what will be retired",
    "suspended": "is suspended",
}


@dataclass(frozen=True)
class Message:
    """One happening of a stage. ``place``: where it deploys to; ``run``: the page of the CI run;
    ``at``: when, in ISO 8601; ``id``: the same for whoever gets it, also twice."""

    told: Told
    stage: str
    platform: str
    place: str
    commit: str
    author: str
    run: str
    at: str
    id: str

    @property
    def title(self) -> str:
        """One line that says it all."""
        of = f": {self.told.key}" if self.told.key else ""
        return plain_title(f"{self.stage} {_TITLES[self.told.on]}{of}")

    @property
    def last_line(self) -> str:
        """The last line of the log that says something."""
        return next((line for line in reversed(self.told.log) if line.strip()), "")

    @property
    def notify_type(self) -> str:
        """How urgent it is, in Apprise's word."""
        types = {"failed": "failure", "deployed": "success", "recovered": "success"}
        return types.get(self.told.on, "warning")


def plain_title(text: str) -> str:
    """A title that no service reads as anything but text: none of them escapes it."""
    return _unlinked(_MARKUP.sub("", printable(text)))[:LONGEST_TITLE]


def body_for(sort: str, message: Message) -> str:
    """The text for a sort of channel, as ``Channel.sort`` says."""
    lines = _mail(message) if sort == "mail" else _chat(message)
    # Teams joins lines that no empty one parts
    return ("\n\n" if sort == "teams" else "\n").join(lines)


def document_of(message: Message) -> dict[str, object]:
    """The JSON of our own webhook: docs/notify.schema.json says what is in it."""
    told = message.told
    return {
        "schema_version": 1,
        "id": message.id,
        "on": told.on,
        "stage": message.stage,
        "platform": message.platform,
        "place": message.place,
        "key": told.key,
        "reason": told.reason,
        "log": list(told.log),
        "commit": message.commit,
        "author": message.author,
        "url": _address(told.link),
        "run_url": message.run,
        "next": told.command,
        "at": message.at,
    }


def _chat(message: Message) -> list[str]:
    told = message.told
    log = _foreign(one_line(message.last_line, LONGEST_LINE))
    return [
        _foreign(told.reason),
        *([f"last log line: {log}"] if log else []),
        *_facts(message),
    ]


def _mail(message: Message) -> list[str]:
    told = message.told
    lines = [_foreign(told.reason), ""]
    if told.log:
        lines += ["The end of its log:", *(f"    {_foreign(line)}" for line in told.log), ""]
    return [*lines, *_facts(message)]


def _facts(message: Message) -> list[str]:
    told = message.told
    commit = short_commit(message.commit)
    by = f" by {_foreign(message.author)}" if message.author else ""
    where = f"{message.platform}, {message.place}" if message.place else message.platform
    return [
        f"stage: {_foreign(message.stage)} ({_foreign(where)})",
        *([f"commit: {_foreign(commit)}{by}"] if commit else []),
        *([f"next: {_foreign(told.command)}"] if told.command else []),
        *(url for url in (_address(told.link), _address(message.run)) if url),
    ]


def _address(url: str) -> str:
    """An address as a line of its own; nothing that is more than that."""
    return url if re.fullmatch(r"https?://[\w.~:/?#@!$&'()*+,;=%\[\]-]+", url) else ""


def _foreign(text: str) -> str:
    return _unlinked(printable(text))


def _unlinked(text: str) -> str:
    return _TRIGGERS.sub(lambda match: match[0] + _BREAK, text)
