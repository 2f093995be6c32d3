"""Looks at the API the way a job would use it: login, API, clock, storage. Changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from cicd.errors import CicdError, NotFound
from cicd.platforms.base import Finding
from cicd.platforms.training_job.api import Api
from cicd.platforms.training_job.login import Login
from cicd.platforms.training_job.provenance import explain
from cicd.platforms.training_job.storage import Storage

MAX_SKEW = 30.0
"""Seconds that the clocks may be apart."""


def examine(
    api: Api, login: Login, storage: Storage, environ: Mapping[str, str]
) -> Iterator[Finding]:
    """All findings, in an order in which each explains those after it."""
    yield from explain(environ)
    for check, look in (
        ("login", lambda: _login(login)),
        ("connection", lambda: _unknown_job(api)),
        ("clock", lambda: _clock(api)),
        ("storage", lambda: _storage(storage)),
    ):
        found = _tried(check, look)
        yield found
        if found.state == "error":
            return


def _tried(check: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except CicdError as error:
        return Finding(check, "error", error.message, error.hint)


def _login(login: Login) -> Finding:
    return Finding("login", "ok", f"a token was given, good for {login.probe():g} s")


def _unknown_job(api: Api) -> Finding:
    """Whether it is the API that answers: an id that nothing has must be unknown."""
    try:
        api.status(str(uuid.uuid4()))
    except NotFound:
        return Finding("connection", "ok", "the API answers, and knows no job that is not there")
    text = "the API tells a status of a job that is not there"
    return Finding("connection", "error", text, "check training_job.routes")


def _clock(api: Api) -> Finding:
    skew = abs((api.now() - datetime.now(UTC)).total_seconds())
    if skew <= MAX_SKEW:
        return Finding("clock", "ok", "the clocks agree")
    text = f"the clock of the API and that of this machine are {skew:.0f} s apart"
    return Finding("clock", "warning", text, "let both be set by a time server")


def _storage(storage: Storage) -> Finding:
    storage.probe()
    return Finding("storage", "ok", f"bucket {storage.bucket} can be read")
