"""Which customers leave? Logistic regression in plain Python, in SageMaker's script mode.

Hyperparameters come as arguments; what is left in ``SM_MODEL_DIR`` becomes ``model.tar.gz``.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import statistics
from pathlib import Path

FEATURES = ("tenure_months", "monthly_fee", "support_calls", "yearly_contract")
TARGET = "left"


def likelihood(weights: list[float], bias: float, row: list[float]) -> float:
    return 1 / (1 + math.exp(-bias - sum(map(float.__mul__, weights, row))))


def fit(
    rows: list[list[float]], labels: list[float], epochs: int, rate: float
) -> tuple[list[float], float]:
    """Gradient descent on standardised features."""
    weights, bias, size = [0.0] * len(FEATURES), 0.0, len(rows)
    for epoch in range(1, epochs + 1):
        found = [likelihood(weights, bias, row) for row in rows]
        errors = [found[i] - labels[i] for i in range(size)]
        bias -= rate * sum(errors) / size
        for n in range(len(FEATURES)):
            weights[n] -= rate * sum(errors[i] * rows[i][n] for i in range(size)) / size
        if epoch % max(1, epochs // 5) == 0:
            loss = -statistics.fmean(math.log(1 - abs(error) + 1e-9) for error in errors)
            print(f"epoch {epoch}/{epochs}: loss={loss:.4f}", flush=True)
    return weights, bias


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--rate", type=float, default=0.5)
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR", "model"))
    # the table lies beside the script; with `inputs: {train: "s3://…"}` it would be in a channel
    here = os.environ.get("SM_CHANNEL_TRAIN", str(Path(__file__).parent))
    parser.add_argument("--data", type=Path, default=here)
    options = parser.parse_args()

    with (options.data / "customers.csv").open(newline="", encoding="utf-8") as file:
        customers = list(csv.DictReader(file))
    columns = [[float(one[name]) for one in customers] for name in FEATURES]
    means = [statistics.fmean(column) for column in columns]
    scales = [statistics.pstdev(column) or 1.0 for column in columns]
    parts = range(len(FEATURES))
    rows = [[(columns[n][i] - means[n]) / scales[n] for n in parts] for i in range(len(customers))]
    labels = [float(one[TARGET]) for one in customers]
    print(f"{len(rows)} customers, every fifth is kept for the test", flush=True)

    train = [i for i in range(len(rows)) if i % 5]
    weights, bias = fit(
        [rows[i] for i in train], [labels[i] for i in train], options.epochs, options.rate
    )
    test = range(0, len(rows), 5)
    right = [(likelihood(weights, bias, rows[i]) >= 0.5) == bool(labels[i]) for i in test]
    print(f"accuracy={statistics.fmean(right):.3f}", flush=True)

    model = {"features": FEATURES, "means": means, "scales": scales}
    model.update(weights=weights, bias=bias, epochs=options.epochs)
    options.model_dir.mkdir(parents=True, exist_ok=True)
    (options.model_dir / "model.json").write_text(json.dumps(model, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
