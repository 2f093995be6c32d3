"""Finds what looks like a secret in plain text, by its name or its form; never quotes it.

Names are only a hint, so they make a warning; the form of a token of a known service is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from cicd.config.tree import Node, Path
from cicd.errors import Problem
from cicd.masking import is_secret_name

_FORMS = (
    ("an AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20}"),
    ("a Slack token", r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("an OpenAI or Anthropic key", r"\bsk-(?:(?:proj|ant)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    ("a credential in a URL", r"\b[a-z][a-z0-9+]*://[^\s/:@${}]+:[^\s/@${}]+@"),
)
_FORM = re.compile("|".join(f"({pattern})" for _, pattern in _FORMS))
_RULE = "secret-in-plain-text"
_CURES = {True: "write it as ${env.NAME}", False: "use valueFrom.secretKeyRef or a secret's volume"}


def check_plain_secrets(
    node: Node, *, is_stage: bool = False, skip: Callable[[Path], bool] = lambda path: False
) -> Iterator[Problem]:
    """A problem for each text below a node that looks like a secret; ``skip``: what to leave."""
    yield from _walk(node, (), "", is_stage, skip)


def _walk(
    node: Node, path: Path, name: str, is_stage: bool, skip: Callable[[Path], bool]
) -> Iterator[Problem]:
    if skip(path):
        return
    if isinstance(node.value, dict):
        pair = node.value.get("name") or node.value.get("key")
        own = str(pair.value) if pair is not None and "value" in node.value else ""
        for key, child in node.value.items():
            called = own if key == "value" and own else key
            yield from _walk(child, (*path, key), called, is_stage, skip)
    elif isinstance(node.value, list):
        for index, child in enumerate(node.value):
            yield from _walk(child, (*path, index), "", is_stage, skip)
    elif isinstance(node.value, str) and node.value:
        yield from _check_text(node, name, is_stage)


def _check_text(node: Node, name: str, is_stage: bool) -> Iterator[Problem]:
    cure = _CURES[is_stage]
    if match := _FORM.search(node.value):
        what = _FORMS[(match.lastindex or 1) - 1][0]
        place = node.place_of_offset(match.start())
        yield place.problem(f"this looks like {what}: {cure}", _RULE)
    elif is_secret_name(name) and "${" not in node.value and "{{" not in node.value:
        message = f'"{name}" looks like a secret in plain text: {cure}'
        yield node.place.problem(message, _RULE, "warning")
