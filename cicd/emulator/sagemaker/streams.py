"""Which run writes which log stream of CloudWatch."""

from __future__ import annotations

from dataclasses import dataclass

from cicd.emulator.sagemaker.things import Things

KIND = "log stream"


@dataclass(frozen=True)
class Stream:
    """``created`` in seconds since 1970."""

    group: str
    name: str
    run: str
    created: float


class Streams:
    """They stay when what has written them is gone, as in CloudWatch."""

    def __init__(self, things: Things) -> None:
        self._things = things

    def add(self, stream: Stream) -> None:
        """Let a run write a stream; twice does no harm."""
        body = {"_group": stream.group, "_name": stream.name, "_run": stream.run}
        self._things.add(KIND, _key(stream), {**body, "_created": stream.created})

    def all(self, group: str = "") -> list[Stream]:
        """The streams of a group, or of all, oldest first."""
        bodies = self._things.all([KIND], f"{group} " if group else "")
        found = [Stream(b["_group"], b["_name"], b["_run"], b["_created"]) for b in bodies]
        return [stream for stream in found if group in ("", stream.group)]


def _key(stream: Stream) -> str:
    """Neither groups nor streams have spaces."""
    return f"{stream.group} {stream.name}"
