"""``cicd validate``: everything that can be known without a network or a login."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import click

from cicd.automation.environment import Environment
from cicd.cli.completion import complete_stage
from cicd.cli.console import print_commands, print_json, print_result
from cicd.cli.help import examples
from cicd.cli.options import output_option, variables_option
from cicd.cli.redaction import MASK
from cicd.errors import InvalidStage, Problem
from cicd.render import findings
from cicd.version import __version__


@click.command(
    "validate", epilog=examples("cicd validate --all", "cicd validate dev --output github")
)
@click.argument("stages", nargs=-1, metavar="[STAGE]...", shell_complete=complete_stage)
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="Every stage file of the project, or of all projects below.",
)
@click.option("--strict", is_flag=True, help="Warnings count as problems.")
@click.option("--rules", is_flag=True, help="List every rule and where it comes from, and end.")
@variables_option
@output_option(
    "text", "json", "github", "azure", "codequality", "sarif", help="How findings are written."
)
def command(
    stages: tuple[str, ...],
    every: bool,
    strict: bool,
    rules: bool,
    variables: dict[str, str],
    output: str,
) -> int:
    """Check stage files and the templates they use.

    Needs no network and no credentials. Ends with 3 when something is wrong.
    """
    if rules:
        print_result(_all_rules(output), is_whole=output == "json")
        return 0
    with _without_garbage_collection():
        names, problems = check_stages(stages, every, variables)
        _print(problems, names, output, strict)
    fails = problems if strict else [p for p in problems if p.severity == "error"]
    return InvalidStage.exit_code if fails else 0


def _all_rules(output: str) -> str:
    from cicd.platforms.registry import every_rule

    rules = every_rule()
    if output == "json":
        return json.dumps({name: asdict(rule) for name, rule in rules.items()}, indent=2)
    return findings.as_rules({name: (rule.says, rule.source) for name, rule in rules.items()})


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Many small objects that all stay: collecting them, now or at the exit, takes a tenth of the
    time and finds nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def check_stages(
    stages: tuple[str, ...], every: bool, variables: Mapping[str, str]
) -> tuple[list[str], list[Problem]]:
    """The stages that are meant, and all that is wrong with them, each finding once. Files are
    named from the project around the current folder on."""
    from cicd.automation.git import every_stage, find_root, read_facts, stage_of_branch
    from cicd.config import Surroundings, check_stage, shared_branches
    from cicd.platforms.registry import DIALECTS

    here = find_root(Path.cwd())
    names = list(every_stage(here, os.environ) if every else stages)
    if not names:
        names = [stage_of_branch(here, read_facts(here, os.environ), os.environ)]
    problems: list[Problem] = []
    environ = Environment(os.environ, MASK)
    for name in names:
        file = str(here / name) if every else name
        root = find_root(Path.cwd(), file)
        facts = read_facts(root, os.environ)
        found = check_stage(
            file,
            Surroundings(
                root=root,
                env=environ,
                variables=variables,
                git=facts,
                dialects=DIALECTS,
                places=os.environ,
            ),
        )
        problems += [placed_in(root, here, problem) for problem in found]
    if every:
        roots = dict.fromkeys(find_root(Path.cwd(), str(here / name)) for name in names)
        for root in roots:
            problems += [placed_in(root, here, problem) for problem in shared_branches(root)]
    return names, list(dict.fromkeys(problems))


def placed_in(root: Path, base: Path, problem: Problem) -> Problem:
    """A finding of the project at ``root`` with its file named from ``base`` on, where it lies in
    there."""
    path = root / problem.file
    if root == base or not path.is_relative_to(base):
        return problem
    return replace(problem, file=path.relative_to(base).as_posix())


def _print(problems: list[Problem], names: list[str], output: str, is_strict: bool) -> None:
    if output not in {"text", "json"}:
        from cicd.automation.git import find_root, find_top

        # these are read by what knows the repository, not the project
        here = find_root(Path.cwd())
        problems = [placed_in(here, find_top(here) or here, problem) for problem in problems]
    if output == "json":
        print_json(findings.as_data(problems))
    elif output == "github":
        print_commands(findings.as_annotations(problems))
    elif output == "azure":
        print_commands(findings.as_log_issues(problems))
    elif output == "codequality":
        print_json(findings.as_code_quality(problems))
    elif output == "sarif":
        from cicd.platforms.registry import every_rule

        says = {name: rule.says for name, rule in every_rule().items()}
        print_json(findings.as_sarif(problems, says, __version__))
    else:
        print_result(findings.as_text(problems, names, is_strict=is_strict))
