"""``cicd init``: a new project that works at once. What it asks and writes lies in
``cicd/scaffold``, in a folder for each platform."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from cicd.automation.new_project import (
    folder_in_repository,
    project_files,
    remote_of,
    repository_around,
    write_project,
)
from cicd.cli.completion import complete_platform
from cicd.cli.console import is_interactive, print_result
from cicd.cli.help import examples
from cicd.cli.options import consent_option
from cicd.config.remotes import https_url
from cicd.config.tree import did_you_mean
from cicd.errors import Usage
from cicd.platforms.registry import PLATFORMS, scaffold_of
from cicd.scaffold import Markers, Question, Scaffold, render
from cicd.scaffold.facts import STAGES, markers_of, stages_in
from cicd.scaffold.pipelines import NAMES as CI_SYSTEMS
from cicd.scaffold.pipelines import check_ci, ci_of
from cicd.scaffold.workflows import FOLDER as WORKFLOWS
from cicd.words import count

FIRST = next(iter(PLATFORMS))
"""That of stage files which name none."""
PLACES = {
    "github": "its workflows are there, in .github/workflows",
    "gitlab": "its own .gitlab-ci.yml has to include the one here, which says how",
    "azure": "a pipeline of its own reads the azure-pipelines.yml here",
    "jenkins": "a multibranch job of its own reads the Jenkinsfile here",
}
"""CI system -> how it finds the pipeline of a project that is a folder of a repository."""
KEEP = "Leave files that differ as they are, write the rest."


def question_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each question of any platform."""
    asked: dict[str, Question] = {}
    for scaffold in filter(None, map(scaffold_of, PLATFORMS)):
        for question in scaffold.QUESTIONS:
            asked.setdefault(question.name, question)
    for question in reversed((*asked.values(), STAGES)):
        name, help_text = question.name, question.help or None
        option = click.option(question.option, name, metavar=question.metavar, help=help_text)
        command = option(command)
    return command


def command() -> click.Command:
    """The command with the questions of every platform."""

    @click.command(
        "init",
        epilog=examples(
            "cicd init", "cicd init churn --repository https://github.com/org/churn --yes"
        ),
    )
    @click.argument(
        "folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path)
    )
    @click.option(
        "--platform",
        default=FIRST,
        metavar="NAME",
        shell_complete=complete_platform,
        help=f"Where it runs.  [default: {FIRST}]",
    )
    @question_options
    @click.option(
        "--ci",
        "ci",
        metavar="NAME",
        help=f"The CI system: {', '.join(CI_SYSTEMS)}.  [default: by the host of the repository]",
    )
    @consent_option(help="Ask nothing; what is not given has its default.")
    @click.option(
        "--keep", is_flag=True, help="Leave files that differ as they are, write the rest."
    )
    @click.option("--force", is_flag=True, help="Overwrite files that differ.")
    def init(
        folder: Path,
        platform: str,
        ci: str | None,
        yes: bool,
        keep: bool,
        force: bool,
        **given: str | None,
    ) -> None:
        """Write a project into DIR: stages, templates, workflows, a README.

        Asks on a terminal; Enter takes the default. Ends with 5, and writes nothing, when a file is
        already there and differs.
        """
        if keep and force:
            raise Usage("--keep and --force exclude each other", hint="give one of them")
        scaffold = chosen_scaffold(platform)
        questions = (*scaffold.QUESTIONS, STAGES)
        check_asked(platform, questions, given)
        asks = is_interactive() and not yes
        project = folder_in_repository(folder)
        remote = remote_of(folder, os.environ)
        system = check_ci(ci) if ci else ci_of(https_url(given.get("repository") or remote))
        facts = markers_of(project, remote)
        known, answers = fill(questions, given, facts, asks)
        top = repository_around(folder) if project else None
        files = project_files(scaffold, known, stages_in(answers["stages"]), project, system)
        written = write_project(top or folder, files, keep=keep, force=force)
        print_result(told(written, top or folder, project))
        if written and not asks and given.get("name", "") is None:
            again = "".join(f" {part}" for part in _again(folder, platform))
            name = known["NAME"]
            print_result(f"its name is {name}; another one: cicd init{again} --name NAME --force")
        print_result(next_steps(folder, system, [render(step, known) for step in scaffold.STEPS]))

    return init


def chosen_scaffold(platform: str) -> Scaffold:
    """What a platform writes. Raises Usage where there is no such platform, or nothing of it."""
    if platform not in PLATFORMS:
        message = f'there is no platform "{platform}"{did_you_mean(platform, PLATFORMS)}'
        raise Usage(message, hint=f"there are: {', '.join(PLATFORMS)}")
    found = scaffold_of(platform)
    if found is None:
        some = ", ".join(name for name in PLATFORMS if scaffold_of(name))
        raise Usage(
            f"the platform {platform} has no project to begin with",
            hint=f"write stages/dev.yaml by hand; there is one for: {some}",
        )
    return found


def check_asked(
    platform: str, questions: Sequence[Question], given: Mapping[str, str | None]
) -> None:
    """Raise Usage for the answer to a question of another platform."""
    names = {question.name for question in questions}
    wrong = [name for name, answer in given.items() if answer is not None and name not in names]
    if wrong:
        options = " and ".join(f"--{name.replace('_', '-')}" for name in wrong)
        asked = ", ".join(question.option for question in questions)
        raise Usage(f"a project on {platform} has no {options}", hint=f"it has: {asked}")


def fill(
    questions: Sequence[Question], given: Mapping[str, str | None], known: Markers, asks: bool
) -> tuple[Markers, Mapping[str, str]]:
    """The markers with those of all answers, and the answers: options, else what is typed, else
    defaults. Raises Usage."""
    answers: dict[str, str] = {}
    for question in questions:
        answer = given.get(question.name)
        if answer is None:
            default = question.default(known)
            answer = asked(question, default) if asks and question.asks else default
        known = {**known, **question.fill(answer)}
        answers[question.name] = answer
    return known, answers


def asked(question: Question, default: str) -> str:
    """What is typed; asks again until it will do."""

    def checked(text: str) -> str:
        try:
            question.fill(text)
        except Usage as error:
            raise click.UsageError(str(error)) from error
        return text

    return str(click.prompt(question.asks, default=default, value_proc=checked))


def told(written: Sequence[str], root: Path, project: str) -> str:
    """How many files were written, and where: of a project in a subfolder some are at the top."""
    above = sum(path.startswith(f"{WORKFLOWS}/") for path in written) if project else 0
    parts = [(len(written) - above, root / project), (above, root / WORKFLOWS)]
    places = [f"{count(n, 'file')} to {os.path.relpath(place)}" for n, place in parts if n]
    return f"wrote {' and '.join(places)}" if places else "nothing to do"


def _again(folder: Path, platform: str) -> Sequence[str]:
    """The arguments that lead to the same project."""
    place = [] if folder.resolve() == Path.cwd() else [shlex.quote(str(folder))]
    return [*place, *(["--platform", platform] if platform != FIRST else [])]


def next_steps(folder: Path, ci: str, commands: Sequence[str]) -> str:
    """The commands to go on with, ready to be pasted."""
    steps = [] if folder.resolve() == Path.cwd() else [f"cd {shlex.quote(str(folder))}"]
    top = repository_around(folder)
    if top is None:
        steps.append("git init -b main")
    elif top != folder.resolve():
        steps.append(f"# a part of {top}: {PLACES[ci]}")
        steps.append("# a repository of its own? Then git init -b main, and init again")
    return "\n".join(["", "Next:", *(f"  {step}" for step in (*steps, *commands))])
