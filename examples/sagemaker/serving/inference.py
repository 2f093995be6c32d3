"""Answers requests with the model: what SageMaker's serving images call, in this order.

A request is a customer as JSON: ``{"tenure_months": 2, "monthly_fee": 95, …}``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path


def model_fn(model_dir: str) -> dict:
    """Once at the start; ``model_dir`` holds what the training has left."""
    return json.loads(Path(model_dir, "model.json").read_text(encoding="utf-8"))


def input_fn(body: bytes | str, content_type: str) -> dict:
    if content_type != "application/json":
        raise ValueError(f"a customer as application/json, not {content_type}")
    return json.loads(body)


def predict_fn(customer: dict, model: dict) -> dict:
    score = model["bias"]
    for n, name in enumerate(model["features"]):
        value = (float(customer[name]) - model["means"][n]) / model["scales"][n]
        score += model["weights"][n] * value
    likelihood = 1 / (1 + math.exp(-score))
    return {"leaves": likelihood >= 0.5, "likelihood": round(likelihood, 3)}


def output_fn(answer: dict, accept: str) -> str:
    return json.dumps(answer)
