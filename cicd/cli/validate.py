"""``cicd validate``: everything that can be known without a network or a login."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click

from cicd.cli.console import annotate, count, print_json, print_result
from cicd.cli.git import find_root, read_facts
from cicd.cli.options import variables_option
from cicd.config import check_stage, find_stage_for_branch, stage_files
from cicd.errors import InvalidStage, Problem


@click.command("validate")
@click.argument("stages", nargs=-1, metavar="[STAGE]...")
@click.option("--all", "every", is_flag=True, help="Every stage file of the project.")
@variables_option
@click.option(
    "--output",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How findings are written.",
)
def command(stages: tuple[str, ...], every: bool, variables: dict[str, str], output: str) -> int:
    """Check stage files and the templates they use.

    Needs no network and no credentials. Ends with 3 when something is wrong.
    """
    root = find_root(Path.cwd())
    facts = read_facts(root, os.environ)
    names = list(stage_files(root) if every else stages)
    if not names:
        names = [find_stage_for_branch(root, facts.branch)]
    problems: list[Problem] = []
    for name in names:
        problems += check_stage(name, root=root, env=os.environ, variables=variables, git=facts)
    _show(list(dict.fromkeys(problems)), names, output)
    return InvalidStage.exit_code if any(p.severity == "error" for p in problems) else 0


def _show(problems: list[Problem], names: list[str], output: str) -> None:
    if output == "json":
        print_json([asdict(problem) for problem in problems])
    elif output == "github":
        if problems:
            print_result(annotate(problems))
    else:
        for problem in problems:
            print_result(str(problem))
        errors = sum(problem.severity == "error" for problem in problems)
        if errors:
            print_result(f"{count(errors, 'problem')} in {', '.join(names)}")
        else:
            print_result(f"{', '.join(names)}: valid")
