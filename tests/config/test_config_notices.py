"""``notify`` of a stage file as validate judges it: no network, and no address in any message."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from cicd.model import Secret
from tests.config.test_config_dialect import STAGE, found, loaded

SLACK = "hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


def notify(*items: str) -> str:
    return STAGE + "notify:\n" + "".join(f"  - {item}\n" for item in items)


def judged(root: Path, item: str, **env: str) -> list[str]:
    """What is said of one item, without its place."""
    problems = found(root, notify(item), TOKEN="t", **env)
    assert all(one.startswith("stages/dev.yaml:18:") for one in problems), problems
    assert not [one for one in problems if "TIiajkd" in one or "s3cr3t" in one]
    return [one.partition(": ")[2] for one in problems]


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ('{on: [failed], to: "${env.HOOK}"}', []),
        ('{on: [failed, recovered], to: "webhook+http://127.0.0.1:8080/x"}', []),
        ('{on: [failed], to: "webhook+https://${env.HOOK}", secret: "${env.SIGN}"}', []),
        ('{on: [failed], to: "mailto://localhost:25?from=a@b.c&to=d@e.f"}', []),
        ('{on: [failed], to: "json://localhost/x"}', []),
        ("{on: [faild], to: x}", ['notify[0].on[0] is "faild"', '(did you mean "failed"?)']),
        ('{on: failed, to: "${env.HOOK}"}', ["notify[0].on must be a list"]),
        ('{on: [], to: "${env.HOOK}"}', ["notify[0].on is empty"]),
        ("{on: [failed]}", ['"to" is missing in notify[0]: add it']),
        ('{to: "${env.HOOK}"}', ['"on" is missing in notify[0]: add it']),
        ('{on: [failed], to: "${env.HOOK}", chanel: x}', ['unknown key "chanel"']),
        ("{on: [failed], to: 5}", ["notify[0].to must be text, not 5"]),
        ('{on: [failed], to: "${var.nowhere}"}', ["${var.nowhere} is not among the variables"]),
        (f'{{on: [failed], to: "https://{SLACK}"}}', ["looks like the address of a webhook"]),
        ('{on: [failed], to: "json://u:s3cr3t@host/x"}', ["looks like a credential in a URL"]),
        ('{on: [failed], to: "json://example.com/s3cr3t"}', ["an address of notify is a secret"]),
        ('{on: [failed], to: "mailto://u:s3cr3t@host"}', ["looks like a credential in a URL"]),
        ("{on: [failed], to: s3cr3t}", ["an address of notify is a secret", "this is no address"]),
        ('{on: [failed], to: "webhook+https:///x"}', ["is a secret", "names no host"]),
        ('{on: [failed], to: "webhook+http://h/x"}', ["is a secret", "in plain text over a net"]),
        (
            '{on: [failed], to: "${env.HOOK}", secret: s3cr3t}',
            ["a credential is written as ${env.NAME}"],
        ),
        (
            '{on: [failed], to: "json://localhost/x", secret: "${env.SIGN}"}',
            ["only what goes to webhook+https:// is signed"],
        ),
    ],
)
def test_an_address_is_judged_offline(tmp_path: Path, item: str, told: list[str]) -> None:
    problems = " ".join(judged(tmp_path, item))
    assert all(text in problems for text in told) and bool(problems) == bool(told), problems


@pytest.mark.parametrize("value", ["s3cr3t", "webhook+http://example.com/s3cr3t", "json://"])
def test_a_wrong_address_of_the_environment_only_warns(tmp_path: Path, value: str) -> None:
    problems = judged(tmp_path, '{on: [failed], to: "${env.HOOK}"}', HOOK=value)
    assert all(one.startswith("warning: ") for one in problems)
    assert bool(problems) == (value != "json://")


@pytest.mark.parametrize(
    ("item", "is_told"),
    [
        ('{on: [failed], to: "${env.HOOK}"}', True),
        ('{on: [failed], to: "json://localhost/x"}', True),
        ('{on: [failed], to: "webhook+https://${env.HOOK}"}', False),
    ],
)
def test_without_apprise_a_hint_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, item: str, is_told: bool
) -> None:
    look = importlib.util.find_spec

    def find(name: str, *more: Any) -> Any:
        return None if name == "apprise" else look(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    problems = judged(tmp_path, item)
    assert len(problems) == is_told
    assert all(one.startswith("warning: nobody is told from here: install") for one in problems)


def test_a_stage_knows_who_is_told_of_what_and_shows_no_address(tmp_path: Path) -> None:
    text = notify(
        '{on: [failed, drifted], to: "webhook+http://localhost/x"}',
        '{on: [deployed], to: "${env.HOOK}"}',
        '{on: [deployed], to: "json://${var.team}${env.A}${env.B}"}',
    ).replace("variables: {", "variables: {team: ml, ")
    first, second, third = loaded(tmp_path, text).notify
    assert first.on == {"failed", "drifted"} and not first.missing
    assert first.to == Secret("webhook+http://localhost/x") and "localhost" not in repr(first)
    assert (second.to.reveal(), second.missing) == ("", ("HOOK",))
    assert (third.to.reveal(), third.missing) == ("", ("A", "B"))
    assert loaded(tmp_path).notify == ()
