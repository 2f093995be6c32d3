"""A login that a person types: for one command, and kept nowhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

import click

from cicd.automation.loading import Loader
from cicd.cli.console import shown
from cicd.errors import Refused, Usage
from cicd.platforms.commands import Question
from cicd.platforms.registry import PLATFORMS, login_questions


def with_login(loader: Loader, platform: str | None) -> Loader:
    """The same with the login that is typed, in place of that of the environment. Raises Usage
    where the platform has none to ask for, Refused where nobody is there."""
    name = platform or next(iter(PLATFORMS))
    if name not in PLATFORMS:
        return loader  # whoever looks for it says so
    questions = login_questions(name)
    if not questions:
        raise Usage(f"--prompt has nothing to ask for {name}", hint="its login is the environment")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        variables = ", ".join(questions)
        raise Refused(
            "nobody is there to type a login", hint=f"leave out --prompt, set {variables}"
        )
    typed = _answers(questions, loader.environ)
    loader.mask.add(typed[name] for name in questions if not questions[name].is_place)
    return replace(loader, environ={**loader.environ, **typed})


def _answers(questions: Mapping[str, Question], environ: Mapping[str, str]) -> dict[str, str]:
    """Variable -> what is typed for it. What is not asked for stays in no variable: it would be
    part of another login."""
    typed = {}
    for variable, question in questions.items():
        # the answer to a question that is no secret may be what the environment says
        known = environ.get(variable, "") if question.is_place else ""
        default = known or ("" if question.is_optional else None)
        typed[variable] = str(
            click.prompt(
                shown(question.asks),
                default=default,
                show_default=bool(known),
                hide_input=question.is_secret,
                err=True,
            )
        ).strip()
    return typed
