"""Tell the states of new pumps by the saved model, as another job and on any machine.

Without arguments it reads what the stage file puts beside it.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections import Counter
from pathlib import Path


def state_of(model: dict[str, list], row: dict[str, str]) -> tuple[str, float]:
    """The likeliest state, and how likely it is."""
    values = [
        (float(row[name]) - mean) / scale
        for name, mean, scale in zip(
            model["features"], model["means"], model["scales"], strict=True
        )
    ]
    scores = [
        sum(w * x for w, x in zip(ws, [*values, 1.0], strict=True)) for ws in model["weights"]
    ]
    shares = [math.exp(score - max(scores)) for score in scores]
    best = shares.index(max(shares))
    return model["states"][best], shares[best] / sum(shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("model"))
    parser.add_argument("--new", type=Path, default=Path("new.csv"))
    options = parser.parse_args()

    model = json.loads((options.model / "saved_model/model.json").read_text(encoding="utf-8"))
    with options.new.open(newline="", encoding="utf-8") as file:
        pumps = list(csv.DictReader(file))
    found = [(pump["pump"], *state_of(model, pump)) for pump in pumps]
    lines = [f"{pump},{state},{likelihood:.3f}" for pump, state, likelihood in found]
    print("\n".join(lines))
    Path("scores.csv").write_text("\n".join(["pump,state,likelihood", *lines, ""]), "utf-8")
    counts = Counter(state for _, state, _ in found)
    Path("summary.json").write_text(json.dumps({"pumps": counts}), "utf-8")


if __name__ == "__main__":
    main()
