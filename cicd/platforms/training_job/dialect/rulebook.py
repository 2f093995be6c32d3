"""The rules that only stage files of the training-job API can break."""

from __future__ import annotations

from collections.abc import Mapping

from cicd.config.rulebook import Rule

SOURCE = "trainingClient: configuration parameters"

RULES: Mapping[str, Rule] = {
    "bad-training-file": Rule(
        "A script, data file or list of requirements cannot be read, or its name may not be.",
        "trainingClient: files beside the script",
        "name a file of this repository, and in data a name without folders above it",
    ),
    "bad-resources": Rule(
        "A job has resources and a resource plan, or neither.",
        SOURCE,
        "give one of resources and resource_plan_id",
    ),
    "bad-metric": Rule(
        "The pattern of a metric is none, or has no group for the value.",
        "cicd: metrics from the log",
        "write a regular expression with one group: accuracy=([0-9.]+)",
    ),
}
