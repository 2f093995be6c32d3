"""Fit house prices with a linear regression; log its metrics; write the model as JSON."""

from __future__ import annotations

import argparse
import csv
import json
import math
import statistics
from datetime import UTC, datetime
from pathlib import Path

from ai_core_sdk.models import Metric
from ai_core_sdk.tracking import Tracking

FEATURES = ("area_m2", "rooms", "age_years", "centre_km")
TARGET = "price_eur"


def read(path: Path) -> tuple[list[list[float]], list[float]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [[float(row[name]) for name in FEATURES] for row in rows], [
        float(row[TARGET]) for row in rows
    ]


def predict(weights: list[float], bias: float, row: list[float]) -> float:
    return bias + sum(weight * value for weight, value in zip(weights, row, strict=True))


def rmse(weights: list[float], bias: float, xs: list[list[float]], ys: list[float]) -> float:
    errors = [predict(weights, bias, x) - y for x, y in zip(xs, ys, strict=True)]
    return math.sqrt(statistics.fmean(error * error for error in errors))


def fit(
    xs: list[list[float]], ys: list[float], epochs: int, rate: float, tracking: Tracking
) -> tuple[list[float], float]:
    """Gradient descent on standardised features; logs the loss a few times on the way."""
    weights, bias = [0.0] * len(FEATURES), statistics.fmean(ys)
    history = []
    for epoch in range(1, epochs + 1):
        errors = [predict(weights, bias, x) - y for x, y in zip(xs, ys, strict=True)]
        bias -= rate * statistics.fmean(errors)
        for i in range(len(weights)):
            weights[i] -= rate * statistics.fmean(
                error * x[i] for error, x in zip(errors, xs, strict=True)
            )
        if epoch % max(1, epochs // 10) == 0 or epoch == epochs:
            loss = rmse(weights, bias, xs, ys)
            print(f"epoch {epoch:4d}/{epochs}: rmse {loss:,.0f}", flush=True)
            history.append(metric("train_rmse", loss, epoch))
    tracking.log_metrics(metrics=history)
    return weights, bias


def metric(name: str, value: float, step: int = 0) -> Metric:
    return Metric(name=name, value=value, timestamp=datetime.now(UTC), step=step, labels=[])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    options = parser.parse_args()

    rows, prices = read(options.data)
    means = [statistics.fmean(column) for column in zip(*rows, strict=True)]
    scales = [statistics.pstdev(column) or 1.0 for column in zip(*rows, strict=True)]
    scaled = [
        [(value - mean) / scale for value, mean, scale in zip(row, means, scales, strict=True)]
        for row in rows
    ]
    print(f"{len(rows)} houses, every fifth is kept for the test", flush=True)
    test = range(0, len(rows), 5)
    train = [i for i in range(len(rows)) if i % 5]

    tracking = Tracking()
    weights, bias = fit(
        [scaled[i] for i in train],
        [prices[i] for i in train],
        options.epochs,
        options.learning_rate,
        tracking,
    )
    actual = [prices[i] for i in test]
    error = rmse(weights, bias, [scaled[i] for i in test], actual)
    r2 = 1 - error**2 / statistics.pvariance(actual)
    tracking.log_metrics(metrics=[metric("rmse", error), metric("r2", r2)])
    print(f"test: rmse {error:,.0f}, r2 {r2:.3f}", flush=True)

    options.model.mkdir(parents=True, exist_ok=True)
    model = {
        "features": FEATURES,
        "means": means,
        "scales": scales,
        "weights": weights,
        "bias": bias,
        "r2": r2,
    }
    (options.model / "model.json").write_text(json.dumps(model, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
