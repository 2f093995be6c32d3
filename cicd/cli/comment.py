"""``cicd comment``: the plan where reviewers look: pull request, step summary, step outputs."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cicd.automation.git import find_root, find_top, project_of
from cicd.automation.saved import read_document
from cicd.automation.session import document_of
from cicd.cli.console import print_commands, print_note, print_result, write_report
from cicd.cli.failure import failed_plan
from cicd.cli.help import examples
from cicd.cli.options import Common, common_options
from cicd.cli.plan import plan_one
from cicd.cli.redaction import MASK
from cicd.config import stage_files
from cicd.errors import (
    CicdError,
    Denied,
    InvalidStage,
    NotFound,
    PlatformError,
    Problem,
    Usage,
)
from cicd.forges.detect import FORGES, NUMBERS
from cicd.forges.run import AZURE, GITHUB, GITLAB, TITLES
from cicd.model import Plan, identity
from cicd.render.findings import NO_FILE

if TYPE_CHECKING:
    from cicd.forges.run import Run

Documents = Sequence[Mapping[str, Any]]
FILE = click.Path(dir_okay=False, path_type=Path)
NOUNS = {GITLAB: "merge request"}
"""What a forge calls a pull request, where otherwise."""
RENEWED = {GITHUB: "GITHUB_TOKEN or GH_TOKEN"}
"""The variables of a wrong token, where one names several."""
RIGHTS = {
    GITHUB: "give the job the permission '{}'",
    GITLAB: "give the token in CICD_GITLAB_TOKEN the role Reporter and the scope api",
    AZURE: "give '<project> Build Service' the right 'Contribute to pull requests'",
}
"""What a token needs that may not write."""


@click.command(
    "comment", epilog=examples("cicd comment plan.json", "cicd comment --stage prd --drift-issue")
)
@click.argument(
    "plans", nargs=-1, metavar="[PLAN.json]...", type=click.Path(dir_okay=False, path_type=Path)
)
@click.option("--stage", "stages", multiple=True, metavar="STAGE", help="Plan this stage now.")
@click.option("--pull-request", type=click.IntRange(1), help="Its number; default: the run's own.")
@click.option("--repository", default="", metavar="OWNER/NAME", help="Default: the run's own.")
@click.option(
    "--forge",
    type=click.Choice(FORGES),
    help="What holds the repository; default: as the CI system tells.",
)
@click.option("--markdown", type=FILE, help="Write what the summary says into a file.")
@click.option("--dotenv", type=FILE, help="Write the outputs into a file, as GitLab reads them.")
@click.option(
    "--drift-issue",
    is_flag=True,
    help="Instead of a comment: open or update one issue per stage that differs, close the others.",
)
@click.option(
    "--require-reviewed",
    is_flag=True,
    help="Write nothing: end with 5 unless the change that landed has shown just these plans.",
)
@click.option(
    "--failed",
    metavar="REASON",
    help="Say that planning --stage, or else the stage of the branch, failed for that reason.",
)
@common_options(choice=True)
def command(
    plans: tuple[Path, ...],
    stages: tuple[str, ...],
    pull_request: int | None,
    repository: str,
    forge: str | None,
    markdown: Path | None,
    dotenv: Path | None,
    drift_issue: bool,
    require_reviewed: bool,
    failed: str | None,
    common: Common,
) -> int:
    """Show plans on the pull request, in the step summary and as step outputs.

    PLAN.json is what plan --out saved; with none, and no --stage, the stage whose branch this is
    gets planned. A pull or merge request has one comment with a section per project and stage,
    edited in place; one whose plan failed says why, with the last good plan folded. The token comes
    from GITHUB_TOKEN or GH_TOKEN, CICD_GITLAB_TOKEN or SYSTEM_ACCESSTOKEN; one that may not write
    is a warning, not a failure. Ends as planning did when it planned a stage itself, after
    everything is written.
    """
    from cicd.forges.detect import in_repository, read_run, usable, with_forge

    if plans and (stages or failed is not None):
        raise Usage("plan files go neither with --stage nor with --failed")
    if require_reviewed and (not plans or drift_issue):
        raise Usage("--require-reviewed takes plan files, and nothing else")
    run = with_forge(read_run(os.environ), os.environ, forge or "")
    run = in_repository(run, repository, pull_request)
    # what no forge is known of has its files all the same
    run = usable(run, os.environ) if run.forge else run
    if require_reviewed:
        check_reviewed([read_plan(path) for path in plans], run)
        return 0
    documents: Documents
    error: Exception | None = None
    names: Sequence[str | None] = stages or (None,)
    if plans:
        documents = [read_plan(path) for path in plans]
    elif failed is not None:
        documents = [failed_plan(name, CicdError(failed)) for name in names]
    else:
        documents, error = plan_now(names, common)
    write_step_files(documents, [str(path) for path in plans], run)
    if markdown:
        write_report(markdown, summary_of(documents, run))
    if dotenv:
        write_report(dotenv, as_dotenv(documents, [str(path) for path in plans]))
    if drift_issue:
        sync_issues(documents, run)
    else:
        write_comment(documents, run)
    if error:
        raise error
    return 0


def check_reviewed(documents: Documents, run: Run) -> None:
    """Raise Refused for a plan that the change which has landed did not show."""
    from cicd.forges import reviewed
    from cicd.forges.opening import open_forge

    with closing(open_forge(run)) as forge:
        change = reviewed.check_reviewed(forge, run.branch, documents)
    if change:
        print_result(f"{NOUNS.get(run.forge, 'pull request')} {change.number} has shown this plan")


def read_plan(path: Path) -> dict[str, Any]:
    """A saved plan. Raises InvalidStage when it is none."""
    document = read_document(path)
    if not (
        isinstance(document.get("stage"), str)
        and isinstance(document.get("summary"), dict)
        and isinstance(document.get("changes"), list)
    ):
        raise InvalidStage([Problem(str(path), 0, 0, "not a plan")])
    return document


def plan_now(
    stages: Sequence[str | None], common: Common
) -> tuple[list[dict[str, Any]], Exception | None]:
    """Fresh plans, or why there are none; and the first of what failed or would be refused."""
    documents: list[dict[str, Any]] = []
    first: Exception | None = None
    ahead: dict[Path, Plan] = {}
    for stage in stages:
        try:
            plan, problem = plan_one(stage, common, offline=False, ahead=ahead)
        # What failed goes into the comment too: reviewers look there, and not into logs. It is
        # raised after all is written.
        except Exception as error:
            documents.append(failed_plan(stage, error))
            first = first or error
        else:
            documents.append(document_of(plan, MASK))
            first = first or problem
    return documents, first


def write_step_files(documents: Documents, plan_paths: Sequence[str], run: Run) -> None:
    """The step's summary and outputs, and warnings as notes at the stage files."""
    from cicd.forges.emitter import emitter_of
    from cicd.forges.outputs import output_lines, plan_notes, step_outputs, step_summary

    emitter, outputs = emitter_of(run.ci), step_outputs(documents, plan_paths)
    if summary := step_file("GITHUB_STEP_SUMMARY"):
        used = summary.stat().st_size if summary.is_file() else 0
        append(summary, step_summary(documents, used=used))
    if file := step_file("GITHUB_OUTPUT"):
        append(file, output_lines(outputs))
    # shown with the run by systems that have such, and read once the step has ended
    if folder := step_file("AGENT_TEMPDIRECTORY"):
        whole = folder / f"cicd-{secrets.token_hex(8)}.md"
        if commands := emitter.summary(str(whole)):
            write_report(whole, summary_of(documents, run))
            print_commands(commands)
    print_commands(emitter.outputs(outputs))
    if run.ci:
        notes = plan_notes(documents, files_by_stage(documents))
        print_commands(emitter.notes(notes))


def summary_of(documents: Documents, run: Run) -> str:
    """The plans in the Markdown of the forge."""
    from cicd.forges.outputs import step_summary
    from cicd.render.dialect import DIALECTS, GITHUB

    return step_summary(documents, dialect=DIALECTS.get(run.forge, GITHUB))


def as_dotenv(documents: Documents, plan_paths: Sequence[str]) -> str:
    """The outputs as variables of later jobs."""
    from cicd.forges.outputs import dotenv_lines, step_outputs

    return dotenv_lines(step_outputs(documents, plan_paths))


def step_file(variable: str) -> Path | None:
    """A file that GitHub reads after the step."""
    return Path(os.environ[variable]) if os.environ.get(variable) else None


def files_by_stage(documents: Documents) -> dict[str, str]:
    """The stage files of the plans' projects, as the repository knows them, by what stages are
    called unless they say otherwise."""
    from cicd.forges.outputs import in_repository

    root = find_root(Path.cwd())
    here, top = project_of(root), find_top(root)
    found: dict[str, str] = {}
    for project in {str(document.get("project") or "") for document in documents}:
        # without a repository the project is wherever this is
        folder = root if project == here or top is None else top / project
        for file in stage_files(folder):
            found[identity(project, Path(file).stem)] = in_repository(project, file)
    return found


def write_comment(documents: Documents, run: Run) -> None:
    """The plans into the comment of the pull or merge request, where there is one."""
    from cicd.forges import sticky
    from cicd.forges.opening import open_forge

    number, noun = run.number, NOUNS.get(run.forge, "pull request")
    if number is None:
        print_result(f"not on a {noun}: no comment (name one with --pull-request)")
        variable = NUMBERS.get(run.ci, "") if run.mode == "plan" else ""
        if variable and not os.environ.get(variable):
            warn(f"the run is about a change, and {variable} does not say which", run)
        return
    if run.is_foreign:
        warn(f"{noun} {number} comes from a fork, so nothing is written to it", run)
        return
    with permitted(run, "pull-requests: write"), closing(open_forge(run)) as forge:
        url = sticky.write_comment(forge, number, documents, run_url=run.url)
        print_result(f"{noun} {number}: {url or 'comment written'}")


def sync_issues(documents: Documents, run: Run) -> None:
    """One issue per project and stage that drifted; none is touched where nobody could look."""
    from cicd.forges.drift import sync_drift_issue
    from cicd.forges.opening import open_forge
    from cicd.render.failure import is_failure
    from cicd.render.sections import name_of

    with permitted(run, "issues: write"), closing(open_forge(run)) as forge:
        for document in documents:
            stage = name_of(document)
            if is_failure(document):
                warn(f"stage {stage}: nobody could look for drift, as planning failed", run)
                continue
            url = sync_drift_issue(forge, stage, document, run_url=run.url)
            print_result(f"stage {stage}: {url or 'no drift'}")


@contextmanager
def permitted(run: Run, permission: str) -> Iterator[None]:
    """What a token may not do ends here in a warning that names the permission."""
    from cicd.forges.base import Unsupported

    where = TITLES.get(run.forge, "the forge")
    try:
        yield
    except Unsupported as error:
        warn(f"nothing written to {where}: {error}", run)
    except (Denied, NotFound) as error:
        warn(f"nothing written to {where}: {error}{advice(error, permission, run)}", run)


def advice(error: PlatformError, permission: str, run: Run) -> str:
    """What to do when a token may not write; empty where the error says it."""
    if error.hint:
        return ""
    if run.is_fork:
        reason = "a run for a fork's pull request has no token that may write"
        return f"; {reason} ({permission}), read the plan in the step summary"
    if error.status == 401:
        return f"; renew the token in {RENEWED.get(run.forge, run.login)}"
    return f"; {RIGHTS[run.forge].format(permission)}"


def warn(text: str, run: Run) -> None:
    """A warning on standard error, and as a note on the run where the CI system has such."""
    from cicd.forges.emitter import emitter_of
    from cicd.words import printable

    line = printable(text)
    print_note(f"warning: {line}")
    note = Problem(NO_FILE, 1, 1, line, severity="warning")
    print_commands(emitter_of(run.ci).notes([note]))


def append(path: Path, text: str) -> None:
    """Add to a file that GitHub reads after the step; other commands of the step may have too.
    All of the text or none of it."""
    before = path.stat().st_size if path.is_file() else 0
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        with suppress(OSError):
            os.truncate(path, before)
        raise CicdError(f"cannot write {path}: {error.strerror}") from error
