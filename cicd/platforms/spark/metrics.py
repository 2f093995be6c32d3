"""Metrics of jobs: what they print, by patterns, and what they write into a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from cicd.errors import CicdError, PlatformError
from cicd.model import LiveResource, MetricPoint, Resource, Spec, State
from cicd.platforms import log_metrics
from cicd.platforms.spark.outputs import Outputs
from cicd.platforms.spark.places import Made

MOST = 1 << 20
"""Bytes of a file of metrics."""
Lines = Callable[[LiveResource], Iterable[tuple[int, str]]]
"""All that a job has printed, with times."""


class Metrics:
    """Those of one stage's jobs. ``wishes``: what they are called, the stage says as it is now;
    ``url``: makes an address of what it says."""

    def __init__(
        self,
        wishes: Mapping[str, Resource],
        lines: Lines,
        outputs: Outputs,
        url: Callable[[str], str],
    ) -> None:
        self._wishes = wishes
        self._lines = lines
        self._outputs = outputs
        self._url = url

    def measured(self, live: LiveResource) -> LiveResource:
        """A job with the last value of each metric, once there is more to come of none. Its log may
        be gone with the worker that had it; what is wrong with its file is among its notes."""
        if live.status.state is not State.SUCCEEDED:
            return live
        try:
            printed = self._printed(live)
        except PlatformError:
            printed = []
        written, problem = self._written(live)
        last = {point.name: point.value for point in (*printed, *written)}
        notes = (*live.notes, problem) if problem else live.notes
        return replace(live, metrics=last, notes=notes)

    def gated(self, live: LiveResource) -> Mapping[str, float]:
        """The last value of each. Raises PlatformError where one that is required may stand in a
        file that cannot be read."""
        found = self.measured(live)
        wish = self._wishes.get(live.key.name)
        required = {gate.metric for gate in wish.options.require} if wish else set()
        problems = found.notes[len(live.notes) :]
        if problems and required - found.metrics.keys():
            raise PlatformError("; ".join(problems))
        return found.metrics

    def points(self, live: LiveResource) -> list[MetricPoint]:
        """All values, those of the file last."""
        written, _ = self._written(live) if live.status.state is State.SUCCEEDED else ([], "")
        return [*self._printed(live), *written]

    def _asked(self, live: LiveResource) -> Spec:
        wish = self._wishes.get(live.key.name)
        return wish.spec if wish else live.spec

    def _printed(self, live: LiveResource) -> list[MetricPoint]:
        patterns = self._asked(live).get("metrics")
        return log_metrics.points(self._lines(live), patterns) if patterns else []

    def _written(self, live: LiveResource) -> tuple[list[MetricPoint], str]:
        """The values of its file, and what is wrong with that."""
        said = str(self._asked(live).get("metrics_file") or "")
        if not said:
            return [], ""
        url = place_of(live.spec, said, self._url)
        try:
            return read(self._content(url)), ""
        except (CicdError, ValueError) as error:
            return [], f"metrics_file {url}: {error}"

    def _content(self, url: str) -> bytes:
        """The file. Spark itself writes folders, with a file for each partition."""
        found = [made for made in self._outputs.files(url) if _counts(made)]
        if not found:
            raise ValueError("there is none")
        if len(found) > 1:
            raise ValueError(f"it has {len(found)} parts: let the job write one (coalesce(1))")
        if found[0].size > MOST:
            raise ValueError(f"it has {found[0].size:,} bytes, and may have {MOST:,}")
        return self._outputs.read(url, found[0], MOST)


def place_of(spec: Spec, said: str, url: Callable[[str], str]) -> str:
    """Where the file is that a stage file names: below an output of the job that is called as its
    first part, or at an address or path of its own. Pure."""
    name, _, below = said.partition("/")
    output = spec.get("writes", {}).get(name)
    if output is None or "://" in said:
        return url(said)
    return url("/".join(filter(None, (str(output["url"]).rstrip("/"), below))))


def _counts(made: Made) -> bool:
    """Not what Spark and Hadoop write beside: _SUCCESS, and sums of bytes."""
    return not any(part.startswith(("_", ".")) for part in made.name.split("/"))


def read(content: bytes) -> list[MetricPoint]:
    """The numbers of a JSON document, or of one on each line, as Spark writes them: a step each.
    Pure. Raises ValueError for what is neither, or has no number."""
    try:
        text = content.decode("utf-8-sig")
        documents = _documents(text)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    points = [
        MetricPoint(name, value, step)
        for step, document in enumerate(documents)
        for name, value in log_metrics.in_file(document).items()
    ]
    if not points:
        raise ValueError("it has no numbers by name")
    return points


def _documents(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [json.loads(line) for line in lines]
