"""The names of Argo's rules for what ``check`` says, those that ``cicd validate`` has for them."""

from __future__ import annotations

import re

_RULES = (
    ("wrong-type", r": must be (?:an? )?(?:text|number|list|map|true or false)"),
    ("mistyped-field", r": is no field here"),
    ("wrong-choice", r"\benum\b"),
    ("bad-metric", r"\.metrics\b"),
    ("bad-pod-deletion", r"^spec\.podGC\b"),
    ("duplicate-item", r"used twice"),
    ("bad-container-set", r"\.containerSet\.(?!containers\[\d+\]\.(?:image|command|name))"),
    ("nothing-to-run", r": needs exactly one of |: needs at least one task"),
    ("misplaced-field", r": only where a container runs|: only in steps and dag"),
    ("misplaced-field", r"\.inputs\.artifacts\[\d+\]\.from"),
    ("bad-deadline", r"\.(?:activeDeadlineSeconds|timeout|suspend\.duration): "),
    ("bad-parallelism", r"\.parallelism: "),
    ("bad-retry", r"\.retryStrategy\."),
    ("bad-loop", r"\.withSequence: |: has more than one of with"),
    ("bad-hook", r"\.hooks\.[^:]*: is missing"),
    ("bad-entrypoint", r"^spec\.entrypoint: (?:is missing|template )"),
    ("unknown-template", r": template '[^']*' does not exist"),
    ("mixed-dependencies", r"continueOn does not go|depends or dependencies, not both"),
    (
        "bad-depends",
        r"\.depends: .*(?:missing|cannot read|unexpected|not closed"
        r"|not know '[a-z]|'\S*[.{]\S*' does)",
    ),
    ("unknown-task", r"\.dag\.target: task |: task '.*' does not exist in this dag|not know '"),
    ("unknown-task", r": tasks wait for each other|has no items$|that it does not depend on$"),
    ("unresolved-placeholder", r": \{\{"),
    (
        "bad-argument-source",
        r"\.arguments\..*(?:\.valueFrom\b.*: |has more than one of|has both from)",
    ),
    ("missing-argument", r"gives no parameter|\.arguments\..*: needs "),
    (
        "bad-artifact-path",
        r"\.archiveLocation\.|\.artifacts\[\d+\]\.path: |is the place of two volumes",
    ),
    ("unnamed-item", r"\.name: is missing"),
    ("bad-item-name", r"ame: .*(?:not a name|begins with a digit)"),
    ("output-without-value", r"\.outputs\.parameters\["),
    ("bad-image", r"\.image: is missing"),
)
"""In this order: a name that is used twice is no bad name."""
_PATTERNS = [(rule, re.compile(pattern)) for rule, pattern in _RULES]


def rule_of(problem: str) -> str:
    """The name of the rule; empty for what only the emulator refuses, or only Kubernetes."""
    if "not supported by the emulator: " in problem and ".from: " not in problem:
        return ""
    return next((rule for rule, pattern in _PATTERNS if pattern.search(problem)), "")
