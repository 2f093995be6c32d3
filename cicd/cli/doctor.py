"""``cicd doctor``: whether everything is in place, and what to do where it is not."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from cicd.automation.diagnosis import diagnose, pointers_of
from cicd.cli.completion import complete_stage
from cicd.cli.console import print_json, print_result, uses_colour
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options, output_option
from cicd.cli.project import loader_of
from cicd.errors import CicdError, Denied

if TYPE_CHECKING:
    from cicd.platforms.base import Finding

BROKEN = frozenset({"credentials", "login", "connection"})
"""Checks whose error means that nothing can be done at all."""


@click.command("doctor", epilog=examples("cicd doctor", "cicd doctor prd -o json"))
@click.argument("stage", required=False, shell_complete=complete_stage)
@common_options()
@output_option("text", "json")
def command(stage: str | None, common: Common, output: str) -> int:
    """Check login, rights, quotas and clock; say what to do."""
    from cicd.platforms.registry import kinds_of
    from cicd.render.doctor import render_doctor, summary

    subject, found = diagnose(loader_of(common), stage)
    if output == "json":
        findings = [asdict(finding) for finding in found]
        containers = [kind.name for kind in kinds_of(subject).values() if kind.contains]
        print_json(
            {
                "stage": subject.name,
                "platform": subject.platform,
                **{name: subject.target.get(name, "") for name in containers},
                "summary": summary(found),
                "findings": findings,
            }
        )
    else:
        encoding = (sys.stdout.encoding or "").lower().replace("-", "")
        print_result(render_doctor(found, colour=uses_colour(common) and encoding == "utf8"))
    return exit_code(found, pointers_of(subject))


def exit_code(found: list[Finding], logins: Collection[str]) -> int:
    """4 when the connection or a login, also of ``logins``, is broken, 1 for any other error."""
    errors = {finding.check for finding in found if finding.state == "error"}
    if errors & BROKEN.union(logins):
        return Denied.exit_code
    return CicdError.exit_code if errors else 0
