"""How an endpoint is used: what CloudWatch has counted of it in the last hour, by the minute.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from cicd.model import MetricPoint, Track
from cicd.platforms.sagemaker.api import Api

NAMESPACE = "AWS/SageMaker"
SPAN = timedelta(hours=1)
PERIOD = 60
"""Seconds that one value is of."""
INVOCATIONS, REFUSED, FAILED = "Invocations", "Invocation4XXErrors", "Invocation5XXErrors"
LATENCY = "ModelLatency"
"""Time that a container takes to answer, in µs."""
LONGEST = "ModelLatency maximum"
METRICS = {
    INVOCATIONS: (INVOCATIONS, "Sum"),
    REFUSED: (REFUSED, "Sum"),
    FAILED: (FAILED, "Sum"),
    LATENCY: (LATENCY, "Average"),
    LONGEST: (LATENCY, "Maximum"),
}
"""What it is called here -> CloudWatch's name for the metric, and for how values become one."""
MOST_QUERIES = 500
"""Of one request."""
NANOSECONDS = 10**9


def used(api: Api, told: Mapping[str, Any]) -> Track:
    """What is counted of an endpoint, by its description: of each variant its own."""
    minute = api.now() // NANOSECONDS // PERIOD + 1
    end = datetime.fromtimestamp(minute * PERIOD, UTC)
    variants = [
        str(one["VariantName"])
        for name in ("ProductionVariants", "ShadowProductionVariants")
        for one in told.get(name) or ()
    ]
    asked = [*product(variants, METRICS)]
    queries = [
        _query(f"m{number}", str(told["EndpointName"]), *one) for number, one in enumerate(asked)
    ]
    points = [
        point
        for begin in range(0, len(queries), MOST_QUERIES)
        for page in api.pages(
            "cloudwatch",
            "get_metric_data",
            MetricDataQueries=queries[begin : begin + MOST_QUERIES],
            StartTime=end - SPAN,
            EndTime=end,
            ScanBy="TimestampAscending",
        )
        for result in page["MetricDataResults"]
        for point in _points(*asked[int(str(result["Id"])[1:])], result)
    ]
    points.sort(key=lambda point: point.time)
    info = {f"last hour of {variant}": summary(points, variant) for variant in variants}
    return Track(tuple(points), info=info)


def _query(id: str, endpoint: str, variant: str, name: str) -> dict[str, Any]:
    metric, statistic = METRICS[name]
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    asked = {
        "Namespace": NAMESPACE,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    return {"Id": id, "MetricStat": {"Metric": asked, "Period": PERIOD, "Stat": statistic}}


def _points(variant: str, name: str, result: Mapping[str, Any]) -> Iterator[MetricPoint]:
    for time, value in zip(result["Timestamps"], result["Values"], strict=True):
        nanoseconds = round(time.timestamp()) * NANOSECONDS
        yield MetricPoint(name, float(value), time=nanoseconds, labels={"variant": variant})


def summary(points: Iterable[MetricPoint], variant: str) -> str:
    """Pure: what happened to one variant, in a line."""
    own = [point for point in points if point.labels.get("variant") == variant]
    counted = {point.time: point.value for point in own if point.name == INVOCATIONS}
    asked = sum(counted.values())
    if not asked:
        return "no requests"
    latency = [point for point in own if point.name == LATENCY]
    weights = [counted.get(point.time, 0.0) for point in latency]
    told = [
        f"{asked:.0f} request{'' if asked == 1 else 's'}",
        *(
            f"{_sum(own, name):.0f} answered {word}"
            for name, word in ((REFUSED, "4xx"), (FAILED, "5xx"))
        ),
    ]
    if sum(weights):
        whole = sum(p.value * weight for p, weight in zip(latency, weights, strict=True))
        longest = max((point.value for point in own if point.name == LONGEST), default=0.0)
        told.append(
            f"{whole / sum(weights) / 1000:.3g} ms on average, {longest / 1000:.3g} at most"
        )
    return ", ".join(told)


def _sum(points: Sequence[MetricPoint], name: str) -> float:
    return sum(point.value for point in points if point.name == name)
