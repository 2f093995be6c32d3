"""``cicd doctor``: whether everything is in place, and what to do where it is not."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cicd.automation import local
from cicd.automation.diagnosis import examine
from cicd.automation.environment import Environment
from cicd.automation.git import find_root, read_facts, stage_of_branch
from cicd.cli.completion import complete_stage
from cicd.cli.console import print_json, print_result, uses_colour
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, output_option
from cicd.errors import CicdError, Denied, Usage
from cicd.model import Stage

if TYPE_CHECKING:
    from cicd.platforms.base import Finding

BROKEN = frozenset({"credentials", "login", "connection", "destination"})
"""Checks whose error means that nothing can be done at all."""


@click.command("doctor", epilog=examples("cicd doctor", "cicd doctor prd -o json"))
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@output_option("text", "json")
def command(stage: str | None, common: Common, output: str) -> int:
    """Check login, rights, quotas and clock; say what to do."""
    from cicd.render.doctor import render_doctor, summary

    root = find_root(Path.cwd(), stage)
    subject = find_stage(stage, root, common)
    environ: Mapping[str, str] = os.environ
    if common.local:
        environ = local.environment(local.start(root), subject, environ)
    found = list(examine(subject, environ))
    if common.local:
        found = local.needed(found)
    if output == "json":
        findings = [asdict(finding) for finding in found]
        group = subject.target.get("resource_group", "")
        print_json(
            {
                "stage": subject.name,
                "platform": subject.platform,
                "resource_group": group,
                "summary": summary(found),
                "findings": findings,
            }
        )
    else:
        encoding = (sys.stdout.encoding or "").lower().replace("-", "")
        print_result(render_doctor(found, colour=uses_colour(common) and encoding == "utf8"))
    return exit_code(found)


def exit_code(found: list[Finding]) -> int:
    """4 when login or connection is broken, 1 for any other error, else 0."""
    errors = {finding.check for finding in found if finding.state == "error"}
    if errors & BROKEN:
        return Denied.exit_code
    return CicdError.exit_code if errors else 0


def find_stage(argument: str | None, root: Path, common: Common) -> Stage:
    """The stage to look at; where none is named and none belongs to the branch, just its account.

    Missing credentials are what this command is for, so they are no error yet.
    """
    from cicd.config import load_stage
    from cicd.platforms.registry import DIALECTS, stand_ins

    facts = read_facts(root, os.environ)
    environ = Environment(stand_ins(is_local=True))
    try:
        name = argument or stage_of_branch(root, facts, os.environ)
    except Usage:
        target = {"resource_group": environ["AICORE_RESOURCE_GROUP"]}
        return Stage("", "", str(root), "aicore", target, None, ())
    return load_stage(
        name,
        root=root,
        env=environ,
        variables=common.variables,
        git=facts,
        dialects=DIALECTS,
        needs_credentials=False,
    )
