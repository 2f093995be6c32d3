"""Figures for CloudWatch: what endpoints were asked, and what jobs have written of themselves.

CloudWatch is moto's, so that they are handed to it when somebody asks there, and gone with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from threading import Lock

from cicd.emulator.sagemaker.nouns import ACCOUNT

ENDPOINTS = "AWS/SageMaker"
JOBS = "/aws/sagemaker/TrainingJobs"
MOST = 50_000
"""Figures that wait to be asked for; the oldest go."""


@dataclass(frozen=True)
class Figure:
    """One value of one metric; ``time`` in seconds since 1970."""

    region: str
    namespace: str
    name: str
    value: float
    unit: str
    time: float
    dimensions: Mapping[str, str]


class Metrics:
    """Any thread may call."""

    def __init__(self) -> None:
        self._waiting: deque[Figure] = deque(maxlen=MOST)
        self._lock = Lock()

    def add(self, figures: Iterable[Figure]) -> None:
        """Keep figures until somebody asks."""
        with self._lock:
            self._waiting.extend(figures)

    def hand_over(self) -> None:
        """Let moto's CloudWatch have what there is; it must be installed."""
        with self._lock:
            figures, self._waiting = list(self._waiting), deque(maxlen=MOST)
        if not figures:
            return
        backends = import_module("moto.cloudwatch.models").cloudwatch_backends[ACCOUNT]
        for figure in figures:
            told = {
                "MetricName": figure.name,
                "Value": figure.value,
                "Unit": figure.unit,
                # moto has times of UTC without saying so
                "Timestamp": datetime.fromtimestamp(figure.time, UTC).replace(tzinfo=None),
                "Dimensions": [
                    {"Name": name, "Value": value} for name, value in figure.dimensions.items()
                ],
            }
            backends[figure.region].put_metric_data(figure.namespace, [told])


def invocation(
    arn: str, variant: str, status: int, microseconds: float, time: float
) -> list[Figure]:
    """The figures of one request to an endpoint."""
    region, name = arn.split(":")[3], arn.rpartition("/")[2]
    values = {
        "Invocations": (1, "None"),
        "Invocation4XXErrors": (400 <= status < 500, "None"),
        "Invocation5XXErrors": (status >= 500, "None"),
        "ModelLatency": (microseconds, "Microseconds"),
        "OverheadLatency": (0, "Microseconds"),
    }
    dimensions = {"EndpointName": name, "VariantName": variant}
    return [
        Figure(region, ENDPOINTS, metric, float(value), unit, time, dimensions)
        for metric, (value, unit) in values.items()
    ]
