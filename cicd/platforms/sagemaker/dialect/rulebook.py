"""The rules that only stage files of SageMaker can break."""

from __future__ import annotations

from collections.abc import Mapping

from cicd.config.rulebook import Rule

_API = "Amazon SageMaker: API reference"

RULES: Mapping[str, Rule] = {
    "bad-container": Rule("A container lacks something, or has two of one.", _API),
    "bad-address": Rule("Data is not named by an address of S3.", _API, "write s3://bucket/folder"),
    "bad-hyperparameter": Rule("A hyperparameter is too long or of no use.", _API),
    "bad-metric-pattern": Rule(
        "The pattern of a metric is none, or has not just one group for the value.",
        _API,
        "write a regular expression with one group: accuracy=([0-9.]+)",
    ),
    "bad-variant": Rule("A variant cannot be served so.", _API),
    "one-way": Rule(
        "An endpoint is changed in a way that AWS lets nobody take back.",
        "Amazon SageMaker: serverless inference, exclusions",
    ),
    "too-much": Rule("Something is longer, more or another time than AWS takes.", _API),
    "bad-credentials": Rule("A login is chosen in two ways, or has what it makes no use of.", _API),
    "bad-scaling": Rule(
        "A variant cannot be scaled so.", "Amazon SageMaker: automatic scaling of models"
    ),
    "bad-guardrail": Rule(
        "An endpoint cannot be updated in that way: AWS would do it all at once, unasked.",
        "Amazon SageMaker: deployment guardrails, exclusions",
    ),
}
