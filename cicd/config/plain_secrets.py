"""Finds what looks like a secret in plain text, by its name or its form; never quotes it.

Names are only a hint, so they make a warning; the form of a token of a known service is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from cicd.config.tree import Leaf, Node, Path, leaves
from cicd.config.variables import ADDRESSES
from cicd.errors import Problem
from cicd.masking import is_secret_name

HERE = frozenset({"localhost", "127.0.0.1", "::1"})
"""This machine."""
_WEBHOOK = (
    r"\bhooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{8,}"
    r"|\bslack://(?:[^\s/@]+@)?T[A-Z0-9]{5,}/[A-Z0-9]{5,}/[A-Za-z0-9]{10,}"
    r"|\bdiscord(?:app)?\.com/api/webhooks/\d+/[\w-]{10,}"
    r"|[?&]sig=[A-Za-z0-9%_-]{20,}"
)
_FORMS = (
    ("an AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20}"),
    ("a Slack token", r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("an OpenAI or Anthropic key", r"\bsk-(?:(?:proj|ant)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("the address of a webhook", _WEBHOOK),
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    ("a credential in a URL", r"\b[a-z][a-z0-9+]*://[^\s/:@?#${}]+:[^\s/@?${}]+@"),
)
_FORM = re.compile("|".join(f"({pattern})" for _, pattern in _FORMS))
_MAYBE = re.compile(
    r"AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|xox|hf_|sk-|AIza|-----BEGIN|eyJ|://[^\s/@]+@"
    r"|hooks\.slack|slack://|/api/webhooks/|[?&]sig="
)
"""How each of them begins: looking for this takes a part of the time, and finds it seldom."""
_RULE = "secret-in-plain-text"
_CURES = {True: "write it as ${env.NAME}", False: "use valueFrom.secretKeyRef or a secret's volume"}


def check_plain_secrets(
    tree: Node,
    *,
    texts: Iterable[Leaf] | None = None,
    is_stage: bool = False,
    skip: Callable[[Path], bool] = lambda path: False,
) -> Iterator[Problem]:
    """A problem for each text of a tree that looks like a secret. ``texts``: its leaves, from who
    has them already; ``skip``: what to leave."""
    for path, node in leaves(tree) if texts is None else texts:
        problem = _look_at(tree, path, node, is_stage)
        if problem and not skip(path):
            yield problem


def _name_of(tree: Node, path: Path) -> str:
    """What a value is called: its key, or the name that stands beside it; empty in a list."""
    key = path[-1] if path else ""
    if key == "value":
        pair = tree.get(*path[:-1], "name") or tree.get(*path[:-1], "key")
        return (str(pair.value) if pair else "") or key
    return key if isinstance(key, str) else ""


def _look_at(tree: Node, path: Path, node: Node, is_stage: bool) -> Problem | None:
    text = node.value
    if not isinstance(text, str):
        return None
    if _MAYBE.search(text) and (match := _FORM.search(text)):
        what = _FORMS[(match.lastindex or 1) - 1][0]
        message = f"this looks like {what}: {_CURES[is_stage]}"
        return node.place_of_offset(match.start()).problem(message, _RULE)
    if path in ADDRESSES and tells_secret(text):
        message = f"an address of notify is a secret in plain text: {_CURES[is_stage]}"
        return node.place.problem(message, _RULE, "warning")
    name = _name_of(tree, path)
    if text and is_secret_name(name) and "${" not in text and "{{" not in text:
        message = f'"{name}" looks like a secret in plain text: {_CURES[is_stage]}'
        return node.place.problem(message, _RULE, "warning")
    return None


def tells_secret(address: str) -> bool:
    """Whether who reads the address where people are told something can tell them something too:
    not for a program on the same machine, nor for a mail server without a login."""
    if "${" in address or not address.strip():
        return False
    is_mail = address.lower().startswith(("mailto://", "mailtos://"))
    is_login = "@" in re.split(r"[/?#]", address.partition("://")[2])[0]
    return is_login or not (is_mail or host_of(address) in HERE)


def host_of(address: str) -> str:
    """The host of an address in small letters, without a port; empty where it has none."""
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""
