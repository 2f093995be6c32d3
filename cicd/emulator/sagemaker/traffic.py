"""Which server of an endpoint answers a request, and which of them are answering one."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cicd.emulator.sagemaker.errors import Refused
from cicd.emulator.sagemaker.nouns import ACCOUNT, ENDPOINT
from cicd.emulator.sagemaker.things import Thing, Things

ANSWERING = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack"})


@dataclass(frozen=True)
class Target:
    """``runs`` are asked one after the other, ``shadows`` get a copy of what the first is asked."""

    variant: str
    arn: str
    runs: Sequence[str]
    shadows: Sequence[Sequence[str]] = field(default_factory=tuple)
    capture: Mapping[str, Any] | None = None
    """The DataCaptureConfig of the endpoint."""
    answers_later: bool = False
    """Whether it is asked by InvokeEndpointAsync only."""


class Traffic:
    """Any thread may ask."""

    def __init__(self, things: Things) -> None:
        self._things = things
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self._scores: defaultdict[str, Counter[str]] = defaultdict(Counter)

    @contextmanager
    def enter(self, name: str, variant: str = "") -> Iterator[Target]:
        """The server for one request, under way until the block ends. Refused where there is no
        such endpoint, or it does not answer."""
        with self._lock:
            # inside the lock: who retires a server looks there after it has told of the next
            target = self._target(name, variant)
            self._under_way.update(target.runs)
        try:
            yield target
        finally:
            with self._lock:
                self._under_way.subtract(target.runs)

    def is_idle(self, runs: Sequence[str]) -> bool:
        """Whether none of these answers anything."""
        with self._lock:
            return not any(self._under_way[run_id] for run_id in runs)

    def _target(self, name: str, wanted: str) -> Target:
        endpoint = self._things.get(ENDPOINT.kind, name)
        if endpoint is None or endpoint[ENDPOINT.status] not in ANSWERING:
            raise Refused("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
        fleet = {one["variant"]: one["runs"] for one in endpoint["_fleet"] if not one["shadow"]}
        if wanted and wanted not in fleet:
            text = f"Variant {wanted} not found for Endpoint {name} of account {ACCOUNT}."
            raise Refused("ValidationError", text)
        shadows = [one["runs"] for one in endpoint["_fleet"] if one["shadow"]]
        variant = wanted or self._next(endpoint)
        capture = endpoint.get("_capture")
        later = bool(endpoint.get("AsyncInferenceConfig"))
        return Target(variant, endpoint[ENDPOINT.arn], fleet[variant], shadows, capture, later)

    def _next(self, endpoint: Thing) -> str:
        """The variant whose turn it is: each gets its share, as evenly as it goes."""
        weights = {
            one["VariantName"]: one["CurrentWeight"] for one in endpoint["ProductionVariants"]
        }
        scores = self._scores[endpoint[ENDPOINT.name]]
        for gone in scores.keys() - weights.keys():
            del scores[gone]
        for variant, weight in weights.items():
            scores[variant] += weight
        able = [variant for variant, weight in weights.items() if weight] or list(weights)
        chosen: str = max(able, key=lambda variant: scores[variant])
        scores[chosen] -= sum(weights.values())
        return chosen
