"""A plan that could not be made, as a document in place of it: ``cicd comment`` tells it to
reviewers, and no later step takes an older plan for the one that failed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cicd.automation.git import find_root, project_of, read_facts, stage_of_branch
from cicd.automation.session import now
from cicd.cli.console import INTERRUPTED, write_json
from cicd.cli.redaction import MASK
from cicd.config import GitFacts, stage_name
from cicd.errors import CicdError, InvalidStage, Problem, Refused
from cicd.masking import hide_secrets, is_secret_name
from cicd.model import Action
from cicd.render.failure import UNKNOWN
from cicd.version import __version__

BUG = 70


@contextmanager
def failure_saved(out: Path | None, stage: str | None) -> Iterator[None]:
    """What fails in the block is written to ``out`` in place of the plan, and goes on up."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if out:
            with suppress(CicdError):  # what failed first is what counts
                write_json(out, failed_plan(stage, error), is_ascii=True)
        raise


def failed_plan(argument: str | None, error: BaseException) -> dict[str, Any]:
    """Why there is no plan of a stage, with the keys of a plan, all of them empty."""
    root = find_root(Path.cwd(), argument)
    try:
        facts = read_facts(root, os.environ)
    except Refused:
        facts = GitFacts(folder=project_of(root))
    code, message = _told(error)
    return {
        "schema_version": 1,
        "tool_version": __version__,
        "stage": _stage(argument, root, facts, error),
        "project": facts.folder,
        "platform": "",
        "target": {},
        "commit": facts.commit,
        "created_at": now(),
        "fingerprint": "",
        "summary": {action.value: 0 for action in Action},
        "changes": [],
        "warnings": [],
        "refusal": "",
        "failure": {
            "exit_code": code,
            "message": message,
            "problems": [_finding(problem) for problem in _problems(error)],
        },
    }


def _told(error: BaseException) -> tuple[int, str]:
    """(exit code, message without any secret) of an error."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "it was stopped before it was done"
    if isinstance(error, CicdError):
        return error.exit_code, _masked(str(error))
    return BUG, "this is a bug in cicd, see the log of the run"


def _problems(error: BaseException) -> tuple[Problem, ...]:
    return error.problems if isinstance(error, InvalidStage) else ()


def _finding(problem: Problem) -> dict[str, Any]:
    return {**asdict(problem), "message": _masked(problem.message)}


def _masked(text: str) -> str:
    """Without what a login or a secret holds; other variables hold names that people need."""
    logins: Mapping[str, str] = {k: v for k, v in os.environ.items() if is_secret_name(k)}
    return hide_secrets(MASK.hide(text), logins)


def _stage(argument: str | None, root: Path, facts: GitFacts, error: BaseException) -> str:
    """The stage that was meant, as far as that can be told."""
    with suppress(CicdError):
        return stage_name(argument or stage_of_branch(root, facts, os.environ), root)
    wrong = {Path(problem.file) for problem in _problems(error) if problem.severity == "error"}
    stages = {file.stem for file in wrong if file.parent.name == "stages"}
    return stages.pop() if len(stages) == len(wrong) == 1 else UNKNOWN
