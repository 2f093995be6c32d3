"""The forge that holds the project, as far as an approval is given there."""

from __future__ import annotations

from dataclasses import replace

from cicd.errors import Denied, Usage
from cicd.forges.addresses import address_of, moved_to
from cicd.forges.base import Forge
from cicd.forges.detect import read_run, usable
from cicd.forges.opening import open_forge
from cicd.forges.run import API_VARIABLES, TOKENS, Run, secret_in, told
from cicd.lifecycle.approvals import Surroundings


def open_origin(around: Surroundings) -> tuple[Forge, Run]:
    """The forge, and the run of the CI system that this is part of, or what stands for one at a
    terminal. Sends nothing. Raises Denied where it is not known or a login is missing."""
    run = read_run(around.environ, around.git("rev-parse", "HEAD") or "")
    if not run.repository:
        run = _by_remote(run, around)
    try:
        run = usable(run, around.environ)
        return open_forge(run), run
    except Usage as error:
        raise Denied(
            f"the approval is given at the forge: {error.message}", hint=error.hint
        ) from None


def _by_remote(run: Run, around: Surroundings) -> Run:
    """The run with what the remote of the checkout leads to."""
    address = address_of(around.git("remote", "get-url", "origin") or "")
    if not address.forge:
        return run
    at = moved_to(address, told(around.environ, API_VARIABLES[address.forge]))
    return replace(
        run,
        forge=at.forge,
        api_url=at.api_url,
        project=at.project,
        repository=at.repository,
        token=secret_in(around.environ, *TOKENS[at.forge]),
    )
