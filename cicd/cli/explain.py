"""``cicd explain``: why a run, a deployment or anything else is as it is; what a rule asks for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from cicd.automation.explanation import (
    examine,
)
from cicd.cli.completion import complete_key, complete_stage
from cicd.cli.console import print_json, print_result, uses_colour
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import open_session
from cicd.cli.words import stage_first
from cicd.errors import CicdError, Problem, Usage
from cicd.render.moments import age

if TYPE_CHECKING:
    from cicd.config.rulebook import Rule


@click.command(
    "explain",
    epilog=examples(
        "cicd explain execution/train dev",
        "cicd explain serve --stage prd -o json",
        "cicd explain missing-parameter",
    ),
)
@click.argument("word", metavar="RULE|KEY", shell_complete=complete_key)
@click.argument("stage", required=False, shell_complete=complete_stage)
@click.option("--stage", "named", metavar="STAGE", help="The stage; the same as the argument.")
@common_options()
@output_option("text", "json")
def command(word: str, stage: str | None, named: str | None, common: Common, output: str) -> None:
    """Tell why something is as it is, and what to do about it.

    KEY is execution/train or just train, train~1 for the run before, the id of any run, or any
    other key of the stage: its status, what is likely, what the platform reported, image, secrets,
    quota, and the end of its log. RULE is the id of a finding of validate.
    """
    if stage and named and stage != named:
        raise Usage("one stage at a time", hint="name it once")
    if stage:
        stage, (word,) = stage_first(stage, [word])
    stage = stage or named
    if stage is None and (rule := find_rule(word)):
        explain_rule(word, rule, output)
        return
    try:
        with open_session(stage, common, needs_secrets=False) as session:
            told = examine(session, word)
    except CicdError as error:
        if stage is None and (close := close_rule(word)):
            hint = f"did you mean cicd explain {close}?"
            raise Usage(f"there is no rule {word}", hint=hint) from error
        raise
    if output == "json":
        print_json(told)
        return
    from cicd.platforms.base import Finding
    from cicd.render.explain import render_explanation

    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    print_result(
        render_explanation(
            title(told),
            [Finding(**finding) for finding in told["findings"]],
            told["log"],
            told["commands"],
            colour=uses_colour(common),
            symbols=encoding == "utf8",
        )
    )


def title(told: Mapping[str, Any]) -> str:
    """What it is, and how long it has been there."""
    past = age(told["created_at"], datetime.now(UTC))
    made = f"made {past} ago" if past else ""
    names = [text for name, text in told.items() if name.endswith("_name")]
    parts = [told["key"], told["id"], *names, made]
    return " · ".join(part for part in parts if part)


def find_rule(word: str) -> Rule | None:
    """The rule with this id, None where there is none."""
    from cicd.platforms.registry import every_rule

    return every_rule().get(word)


def close_rule(word: str) -> str:
    """The id of a rule that is nearly this word; empty where none is."""
    from cicd.platforms.registry import every_rule

    return next(iter(get_close_matches(word, every_rule(), n=1, cutoff=0.85)), "")


def explain_rule(name: str, rule: Rule, output: str) -> None:
    """What the rule asks for, what to do, and its findings in this project now."""
    from cicd.render.explain import render_rule

    here = [problem for problem in project_findings() if problem.rule == name]
    if output == "json":
        findings = [asdict(problem) for problem in here]
        print_json({"rule": name, **asdict(rule), "findings": findings})
    else:
        found = [str(problem) for problem in here]
        print_result(render_rule(name, rule.says, rule.source, rule.cure, found))


def project_findings() -> list[Problem]:
    """What validate has against all stages here; nothing where there are none."""
    from cicd.cli.validate import check_stages

    try:
        return check_stages((), True, {})[1]
    except CicdError:
        return []
