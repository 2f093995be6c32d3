"""Tell the state of a pump by what its sensors measure: softmax regression in plain Python."""

from __future__ import annotations

import argparse
import csv
import json
import math
import statistics
from pathlib import Path

FEATURES = ["vibration", "temperature", "current", "hours"]
RATE = 0.5


def likelihoods(weights: list[list[float]], row: list[float]) -> list[float]:
    """Of each state; the last weight of a state is its bias."""
    scores = [sum(w * x for w, x in zip(ws, [*row, 1.0], strict=True)) for ws in weights]
    highest = max(scores)
    shares = [math.exp(score - highest) for score in scores]
    return [share / sum(shares) for share in shares]


def fit(rows: list[list[float]], labels: list[int], states: int, epochs: int) -> list[list[float]]:
    weights = [[0.0] * (len(FEATURES) + 1) for _ in range(states)]
    for epoch in range(1, epochs + 1):
        slopes = [[0.0] * (len(FEATURES) + 1) for _ in range(states)]
        loss = 0.0
        for row, label in zip(rows, labels, strict=True):
            found = likelihoods(weights, row)
            loss -= math.log(found[label])
            for state in range(states):
                error = found[state] - (state == label)
                for i, x in enumerate([*row, 1.0]):
                    slopes[state][i] += error * x / len(rows)
        for ws, gs in zip(weights, slopes, strict=True):
            ws[:] = [w - RATE * g for w, g in zip(ws, gs, strict=True)]
        if epoch % 10 == 0:
            print(f"epoch {epoch}/{epochs}: loss={loss / len(rows):.4f}", flush=True)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()

    with options.data.open(newline="", encoding="utf-8") as file:
        measured = list(csv.DictReader(file))
    states = sorted({row["state"] for row in measured})
    labels = [states.index(row["state"]) for row in measured]
    columns = [[float(row[name]) for row in measured] for name in FEATURES]
    means = [statistics.fmean(column) for column in columns]
    scales = [statistics.pstdev(column) or 1.0 for column in columns]
    rows = [
        [(float(row[n]) - m) / s for n, m, s in zip(FEATURES, means, scales, strict=True)]
        for row in measured
    ]

    train = [i for i in range(len(rows)) if i % 5]
    weights = fit([rows[i] for i in train], [labels[i] for i in train], len(states), options.epochs)
    test = range(0, len(rows), 5)
    told = [likelihoods(weights, rows[i]) for i in test]
    right = [found.index(max(found)) == labels[i] for found, i in zip(told, test, strict=True)]
    print(f"accuracy={statistics.fmean(right):.3f}", flush=True)

    model = {"features": FEATURES, "states": states, "means": means, "scales": scales}
    folder = Path("saved_model")
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps({**model, "weights": weights}), encoding="utf-8")


if __name__ == "__main__":
    main()
