"""The forge that holds the project, as far as an approval is given there."""

from __future__ import annotations

from dataclasses import replace

from cicd.errors import Denied, Refused, Usage
from cicd.forges.base import Forge
from cicd.forges.detect import at_remote, read_run, usable, with_forge
from cicd.forges.opening import open_forge
from cicd.forges.run import TITLES, Run
from cicd.lifecycle.approvals import Surroundings


def open_origin(around: Surroundings) -> tuple[Forge, Run]:
    """The forge, and the run of the CI system that this is part of, or what stands for one at a
    terminal. Sends nothing. Raises Denied where it is not known or a login is missing."""
    run = read_run(around.environ, around.git("rev-parse", "HEAD") or "")
    if not run.repository:
        run = at_remote(run, around.git("remote", "get-url", "origin") or "", around.environ)
    return _opened(run, around)


def _opened(run: Run, around: Surroundings) -> tuple[Forge, Run]:
    try:
        run = usable(run, around.environ)
        return open_forge(run), run
    except Usage as error:
        told = f"the approval is given at the forge: {error.message}"
        raise Denied(told, hint=error.hint) from None


def open_gate(around: Surroundings, system: str) -> tuple[Forge, Run]:
    """What holds the jobs of a CI system, and the run as one of it, wherever the repository is.
    Raises Denied where a login is missing, Refused at another system."""
    run = read_run(around.environ)
    if run.ci == system and run.forge != system:
        run = with_forge(run, around.environ, system)
        run = replace(run, repository=run.repository or run.project)
    elif not run.repository:
        run = at_remote(run, around.git("remote", "get-url", "origin") or "", around.environ)
    if run.ci not in {"", system} or run.forge != system:
        at = run.ci or run.forge
        raise Refused(
            f"approval.{system} is a review at {TITLES[system]}, and this is {TITLES.get(at, at)}",
            hint="take approval.pull_request, jira or file",
        )
    return _opened(run, around)
