"""Where a stage goes, and as whom: what its file says, else the environment, else the file of
logins that it chooses one from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from cicd.config.build import AnyDraft
from cicd.config.dialect import StandIn
from cicd.config.fields import values_of
from cicd.config.target import check_target, target_of
from cicd.errors import Denied, Problem
from cicd.platforms.sagemaker.dialect.stored_logins import VARIABLE, is_chosen, region_of

_REGION = "eu-central-1"
_ROLE = "arn:aws:iam::123456789012:role/cicd"
ENVIRONMENT = {
    "AWS_REGION": StandIn(offline=_REGION, local=_REGION, field="region"),
    "SAGEMAKER_ROLE": StandIn(offline=_ROLE, local=_ROLE, field="role"),
    VARIABLE: StandIn(offline="", local=""),
}


def place_of(draft: AnyDraft) -> dict[str, str]:
    """Region and role; empty where nothing tells them."""
    told = target_of(draft, ENVIRONMENT)
    return told if told["region"] else {**told, "region": _stored_region(draft)}


def check_place(draft: AnyDraft) -> Iterator[Problem]:
    """Nobody knows where it goes."""
    known = {"AWS_REGION"} if _stored_region(draft) else set()
    asked = {name: found for name, found in ENVIRONMENT.items() if name not in known}
    yield from check_target(draft, asked)
    yield from _check_login(draft)


def _check_login(draft: AnyDraft) -> Iterator[Problem]:
    """What of a login has no effect beside the rest: nobody would hear of that."""
    told = draft.file.sagemaker.credentials
    users = {
        "profile": "type: profile",
        "role_arn": "type: web_identity",
        "token_file": "type: web_identity",
    }
    stored = [name for name in ("group", "path") if getattr(told, name)]
    for field, user in users.items():
        if getattr(told, field) and (stored or user != f"type: {told.type}"):
            message = f"sagemaker.credentials: {field} is for {user}, without group and path"
            place = draft.place("sagemaker", "credentials", field, key=True)
            yield place.problem(message, "bad-credentials")
    if len(stored) > 1 or (stored and told.type != "default"):
        other = "path" if len(stored) > 1 else "type"
        message = f"sagemaker.credentials: {stored[0]} chooses a stored login, whose type its file "
        message += f"says: take out {other}"
        place = draft.place("sagemaker", "credentials", other, key=True)
        yield place.problem(message, "bad-credentials")


def _stored_region(draft: AnyDraft) -> str:
    """That of the chosen login; whoever uses the login says what is wrong with it."""
    asked = values_of(draft.file.sagemaker.credentials)
    with suppress(Denied):
        return region_of(asked, {VARIABLE: draft.variable(VARIABLE)}) if is_chosen(asked) else ""
    return ""
